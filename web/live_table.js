// A table whose cells stay where their texts change: what is the same is not touched.

import {el, setText} from './dom.js';

export class LiveTable {
  #classes;
  #body = el('tbody');
  #rows = new Map();  // by id

  // `columns`: [title, class] of each; the first one heads the rows
  constructor(table, columns) {
    this.#classes = columns.map(([, name = '']) => name);
    table.append(el('thead', {}, el('tr', {}, ...columns.map(([title, name]) => el('th', {scope: 'col', class: name}, title)))), this.#body);
  }

  // `ids` tell rows apart, else their places do. A cell is a text, [text, tone, title], a node, which stays as it was
  // made, or a function that fills the cell.
  set(rows, ids = rows.map((_, i) => i)) {
    const wanted = new Set(ids);
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    rows.forEach((cells, i) => {
      const row = this.#rowOf(ids[i]), here = this.#body.rows[i] ?? null;
      if (row !== here) this.#body.insertBefore(row, here);
      cells.forEach((cell, c) => this.#fill(row.cells[c], this.#classes[c], cell));
    });
  }

  #rowOf(id) {
    if (!this.#rows.has(id)) this.#rows.set(id, el('tr', {}, el('th', {scope: 'row'}), ...this.#classes.slice(1).map(() => el('td'))));
    return this.#rows.get(id);
  }

  #fill(node, name, cell) {
    if (typeof cell === 'function') return cell(node);
    if (cell instanceof Node) return node.firstChild ?? node.append(cell);
    const [text, tone = '', title = ''] = Array.isArray(cell) ? cell : [cell];
    setText(node, text);
    node.className = `${name} ${tone}`.trim();
    if (node.title !== title) node.title = title;
  }
}
