// Dashboards in the navigation of every page, from GET /dashboards: a list that opens. Without dashboards there is none.

import {el} from './dom.js';
import {getJson} from './live.js';

const kEdge = 8;  // px that the list keeps from the window's edges

export async function addDashboards(nav) {
  if (!nav) return;
  let dashboards;
  try {
    ({dashboards} = await getJson('dashboards'));
  } catch {
    return;  // a server without dashboards, or none at all: the page says that itself
  }
  if (!dashboards?.length) return;
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

// In the place of what dashboards show better; the addresses stay.
function addButton(nav) {
  for (const link of nav.querySelectorAll('[href="stat/table.html"], [href="stat/purchase.html"]')) if (!link.hasAttribute('aria-current')) link.remove();
  const button = el('button', {type: 'button', class: 'menu-button', popovertarget: 'dashboards', 'aria-haspopup': 'true', 'aria-expanded': 'false'}, 'Dashboards');
  nav.children[1].after(button);
  return button;
}
