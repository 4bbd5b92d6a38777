// Panels of a dashboard's page, by their titles.

// Of window.__dash.state(); empty while it is not there yet.
export const panelOf = (state, title) => state.panels.find((panel) => panel.title === title) ?? {};
export const shown = (page, title) => page.locator('.panel', {has: page.locator('h3', {hasText: new RegExp(`^${title}$`)})});
export const textOf = async (page, title) => (await shown(page, title).locator('.content').innerText()).replaceAll('\u202f', ' ');
