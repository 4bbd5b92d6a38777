// What a panel shows, as plain values: h('p', {class: 'note'}, 'text'). Made without a browser, so that it can be tested without one;
// patch() makes the page so, and touches only what differs: focus, selection and scrolling stay.
//
// attributes  texts; null, undefined or false: not there. `style` {name: value} of properties, which the policy allows from
//             scripts. `on` {click: f}. `key`: an element of the same key among its siblings is the same element.
// Safety      texts become text nodes, never markup; `href` is set as it is, so pages make it from parts that are escaped.

export function h(tag, attributes = {}, ...children) {
  return {tag, attributes, children: list(children)};
}

// Without what is not there, so that `condition && h(…)` may stand among children.
const list = (children) => [children].flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== '')
  .map((child) => (typeof child === 'object' ? child : String(child)));

// All text of it, for tests and for names.
export const textIn = (view) => (typeof view === 'string' ? view : view.children.map(textIn).join(''));

// All elements of a tag or class in it.
export function find(view, what) {
  if (typeof view === 'string') return [];
  const name = view.attributes.class || '';
  const hit = view.tag === what || name.split(' ').includes(what.replace(/^\./, ''));
  return [...(hit ? [view] : []), ...view.children.flatMap((child) => find(child, what))];
}

const kSvg = 'http://www.w3.org/2000/svg';
const shown = new WeakMap();   // element -> the attributes that were given to it

// Makes the children of `parent` be `views`.
export function patch(parent, views) {
  const old = [...parent.childNodes], keyed = new Map();
  for (const node of old) {
    const key = shown.get(node)?.key;
    if (key !== undefined) keyed.set(key, node);
  }
  let at = parent.firstChild;
  for (const view of list(views)) {
    const key = view.attributes?.key;
    const known = key !== undefined ? keyed.get(key) : at && shown.get(at)?.key === undefined ? at : null;
    const node = known && fits(known, view) ? known : make(view, parent);
    if (typeof view === 'string') {
      if (node.data !== view) node.data = view;
    } else {
      update(node, view);
    }
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const fits = (node, view) => (typeof view === 'string' ? node.nodeType === 3 : node.nodeType === 1 && node.localName === view.tag);

function make(view, parent) {
  if (typeof view === 'string') return document.createTextNode(view);
  const is_svg = view.tag === 'svg' || (parent.namespaceURI === kSvg && parent.localName !== 'foreignObject');
  return is_svg ? document.createElementNS(kSvg, view.tag) : document.createElement(view.tag);
}

function update(node, {attributes, children}) {
  const before = shown.get(node) ?? {};
  shown.set(node, attributes);
  for (const name of new Set([...Object.keys(before), ...Object.keys(attributes)])) {
    const value = attributes[name];
    if (name === 'style') setStyle(node, before.style ?? {}, value ?? {});
    else if (name === 'on') setHandlers(node, before.on ?? {}, value ?? {});
    else if (name === 'value' && 'defaultValue' in node) {
      if (node.value !== value && node.ownerDocument.activeElement !== node) node.value = value;
    } else if (name !== 'key' && before[name] !== value) {
      if (value === null || value === undefined || value === false) node.removeAttribute(name);
      else node.setAttribute(name, value === true ? '' : value);
    }
  }
  patch(node, children);
  // A list's value is one of its options, which are there only now.
  const {value} = attributes;
  if (node.localName === 'select' && value !== undefined && node.value !== value && node.ownerDocument.activeElement !== node) node.value = value;
}

function setStyle(node, before, now) {
  for (const name of Object.keys(before)) if (!(name in now)) node.style.removeProperty(name);
  for (const [name, value] of Object.entries(now)) if (before[name] !== value) node.style.setProperty(name, value);
}

function setHandlers(node, before, now) {
  for (const name of Object.keys(before)) if (!(name in now)) node[`on${name}`] = null;
  for (const [name, handler] of Object.entries(now)) node[`on${name}`] = handler;
}
