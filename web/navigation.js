// Dashboards, from GET /dashboards; in the navigation of every page a list that opens. Without dashboards there is none.

import {el} from './dom.js';
import {getJson} from './live.js';

const kEdge = 8;  // px that the list keeps from the window's edges

let listed = null;

// [{name, title, description, try}], as they were when the page was opened. None where the server has none, or does not
// answer: the page says that itself.
export function listDashboards() {
  return listed ??= getJson('dashboards').then(({dashboards}) => dashboards ?? [], () => []);
}

export async function addDashboards(nav) {
  const dashboards = nav ? await listDashboards() : [];
  if (dashboards.length === 0) return;
  const here = decodeURIComponent(/\/dash\/([^/]*)$/.exec(location.pathname)?.[1] ?? '');
  const list = el('div', {id: 'dashboards', class: 'menu', popover: 'auto'});
  for (const {name, title, description} of dashboards) {
    const link = el('a', {href: `dash/${encodeURIComponent(name)}`, 'aria-current': name === here ? 'page' : null});
    link.append(el('span', {}, title ?? name), description ? el('span', {class: 'note'}, description) : '');
    list.append(link);
  }
  const button = nav.querySelector('.menu-button') ?? addButton(nav);
  list.addEventListener('beforetoggle', ({newState}) => {
    button.setAttribute('aria-expanded', String(newState === 'open'));
    const {left, bottom} = button.getBoundingClientRect();
    list.style.top = `${bottom + 4}px`;
    list.style.left = `max(${kEdge}px, min(${left}px, 100vw - 340px))`;
  });
  document.body.append(list);
}

function addButton(nav) {
  const button = el('button', {type: 'button', class: 'menu-button', popovertarget: 'dashboards', 'aria-haspopup': 'true', 'aria-expanded': 'false'}, 'Dashboards');
  nav.children[1].after(button);
  return button;
}
