// The graph on the page: cards of topics and services, laid out by dagre, with the keyboard's way through
// them. A card is measured as the browser draws it, so no size is written twice.

import {el, setText} from '../dom.js';
import {duration, rate, short} from '../format.js';
import {Camera} from './camera.js';

const kSvg = 'http://www.w3.org/2000/svg';
const kColumnGap = 72, kRowGap = 18;
const kReadable = 0.8;  // at first no smaller than this: better a part than all of it too small

const kPointsOfNeighbours = 3;  // of an edge between two columns that lie side by side: two ends and a middle

// A pixel more than the browser says, which rounds: else the last letters would make room for an ellipsis.
const sizeOf = (card) => ({width: card.offsetWidth + 1, height: card.offsetHeight});

const figure = (n) => (n === null ? '–' : rate(n));

export class GraphView {
  #canvas;
  #stage;
  #camera;
  #onOpen;
  #graph = {nodes: new Map(), edges: []};
  #cards = new Map();   // id -> {card, name, figures, flags, chips, box}
  #paths = new Map();   // edge -> {path, label}
  #near = null;         // id of the card under the pointer, or with the focus: its edges say their rates
  #current = null;      // id of the card that Tab comes to
  #selected = null;     // id of the card that is open

  // onOpen(hash): somebody wants to see "service/NAME", "operator/SERVICE/0", …
  constructor(canvas, stage, onOpen) {
    this.#canvas = canvas;
    this.#stage = stage;
    this.#onOpen = onOpen;
    this.#camera = new Camera(canvas, stage);
    stage.addEventListener('click', (event) => this.#click(event));
    stage.addEventListener('focusin', (event) => this.#focused(event));
    for (const [type, of] of [['pointerover', 'target'], ['pointerleave'], ['focusin', 'target'], ['focusout', 'relatedTarget']]) {
      stage.addEventListener(type, (event) => this.#setNear(event[of]?.closest?.('.node')?.dataset.id ?? null));
    }
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  get camera() {
    return this.#camera;
  }

  get box() {
    return Object.fromEntries([...this.#cards].map(([id, {box}]) => [id, box]));
  }

  // Draws another graph. The view stays where it is if `keep_view`.
  setGraph(graph, keep_view) {
    const had_focus = this.#stage.contains(document.activeElement) ? this.#current : null;
    this.#graph = graph;
    this.#cards.clear();
    this.#paths.clear();
    const svg = document.createElementNS(kSvg, 'svg');
    svg.setAttribute('class', 'edges');
    svg.setAttribute('aria-hidden', 'true');
    const list = el('ul', {class: 'nodes', 'aria-describedby': 'help', 'aria-label': 'Topics and services'});
    for (const node of graph.nodes.values()) list.append(this.#makeCard(node));
    this.#stage.replaceChildren(svg, list);
    const size = this.#layOut(svg);
    this.#camera.size = size;
    if (!keep_view) this.#camera.fit(Math.min(kReadable, 1));
    if (!graph.nodes.has(this.#current)) this.#current = [...this.#ordered()][0] ?? null;
    this.#updateTabStops();
    this.select(this.#selected);
    if (had_focus !== null && this.#cards.has(had_focus)) this.focus(had_focus);
  }

  #makeCard(node) {
    const name = el('button', {type: 'button', class: 'node-name', tabindex: '-1', 'data-open': node.id}, el('span', {class: 'icon', 'aria-hidden': 'true'}), el('span', {class: 'text', title: node.name}, node.name));
    name.setAttribute('aria-label', this.#label(node));
    const figures = el('p', {class: 'figures'});
    const flags = el('p', {class: 'flags'});
    const card = el('li', {class: `node ${node.kind}`, 'data-id': node.id}, name, figures, flags);
    const chips = [];
    const chip = (kind, text, hash, label) => {
      const button = el('button', {type: 'button', class: `chip ${kind}`, tabindex: '-1', 'data-open': hash, 'aria-label': label, title: label}, text);
      chips.push(button);
      return el('li', {}, button);
    };
    if (node.kind === 'service') {
      const items = [
        ...node.operators.map((o) => chip('operator', o.name, `operator/${node.name}/${o.place}`, `Operator ${o.name} of ${node.name}${o.of ? `, ${o.of}` : ''}`)),
        ...node.states.map((s) => chip('state', s.name, `state/${node.name}/${s.name}`, `State ${s.name} of ${node.name}`)),
      ];
      if (items.length > 0) card.append(el('ul', {class: 'chips', 'aria-label': `Operators and states of ${node.name}`}, ...items));
    }
    this.#cards.set(node.id, {card, name, figures, flags, chips, box: null, shown: ''});
    return card;
  }

  #label(node) {
    const names = (pick, at) => this.#graph.edges.filter((e) => e[at] === node.id).map((e) => this.#graph.nodes.get(e[pick]).name).join(', ');
    const before = names('from', 'to'), after = names('to', 'from');
    if (node.kind === 'service') return `Service ${node.name}${before && `, reads ${before}`}${after && `, writes ${after}`}`;
    return `Topic ${node.name}${before && `, written by ${before}`}${after && `, read by ${after}`}`;
  }

  #layOut(svg) {
    const layout = new dagre.graphlib.Graph();
    layout.setGraph({rankdir: 'LR', ranksep: kColumnGap, nodesep: kRowGap, edgesep: 10, ranker: 'network-simplex'});
    layout.setDefaultEdgeLabel(() => ({}));
    const linked = new Set(this.#graph.edges.flatMap(({from, to}) => [from, to]));
    for (const [id, {card}] of this.#cards) {
      if (linked.has(id)) layout.setNode(id, sizeOf(card));
    }
    for (const {from, to} of this.#graph.edges) layout.setEdge(from, to);
    if (linked.size > 0) dagre.layout(layout);
    const {width = 0, height = 0} = linked.size > 0 ? layout.graph() : {};
    const columns = new Map();  // its middle -> ids
    for (const id of linked) columns.set(layout.node(id).x, [...(columns.get(layout.node(id).x) ?? []), id]);
    for (const [middle, ids] of columns) {
      const widest = Math.max(...ids.map((id) => layout.node(id).width));
      for (const id of ids) {
        const {y, height: h} = layout.node(id);
        this.#put(id, {left: middle - widest / 2, top: y - h / 2, width: widest, height: h});
      }
    }
    const below = this.#putAlone([...this.#cards.keys()].filter((id) => !linked.has(id)), Math.max(width, 640), height);
    const size = {width: Math.max(width, below.width), height: below.height};
    svg.setAttribute('width', size.width);
    svg.setAttribute('height', size.height);
    for (const edge of this.#graph.edges) {
      const path = svg.appendChild(document.createElementNS(kSvg, 'path'));
      path.setAttribute('d', this.#curve(edge, layout.edge(edge.from, edge.to).points));
      path.setAttribute('class', edge.kind);
      const label = document.createElementNS(kSvg, 'text');
      const middle = path.getPointAtLength(path.getTotalLength() / 2);
      label.setAttribute('x', middle.x);
      label.setAttribute('y', middle.y - 6);
      this.#paths.set(edge, {path, label});
    }
    svg.append(...[...this.#paths.values()].map(({label}) => label));  // over all edges
    return size;
  }

  // What nothing leads to or from, such as the dead letters: in rows below.
  #putAlone(ids, width_max, top) {
    let left = 0, row = 0, width = 0;
    if (ids.length > 0 && top > 0) top += 2 * kRowGap;
    for (const id of ids) {
      const {width: w, height: h} = sizeOf(this.#cards.get(id).card);
      if (left > 0 && left + w > width_max) {
        left = 0;
        top += row + kRowGap;
        row = 0;
      }
      this.#put(id, {left, top, width: w, height: h});
      left += w + kRowGap;
      row = Math.max(row, h);
      width = Math.max(width, left - kRowGap);
    }
    return {width, height: top + row};
  }

  #put(id, box) {
    const entry = this.#cards.get(id);
    entry.box = box;
    entry.card.style.transform = `translate(${Math.round(box.left)}px, ${Math.round(box.top)}px)`;
    entry.card.style.width = `${box.width}px`;
    entry.card.style.height = `${box.height}px`;
  }

  // Leaves to the right and comes from the left; on a longer way level at the points that the layout gives.
  #curve({from, to}, points) {
    const a = this.#cards.get(from).box, b = this.#cards.get(to).box;
    const forward = b.left >= a.left + a.width;
    const between = points.length > kPointsOfNeighbours ? points.slice(2, -2) : [];
    const begin = {x: a.left + a.width, y: a.top + a.height / 2}, end = {x: b.left - 2, y: b.top + b.height / 2};
    const way = forward ? [begin, ...between, end] : points;
    const last = way.at(-1), at = ({x, y}) => `${x.toFixed(1)},${y.toFixed(1)}`;
    const line = way.slice(1).map((p, i) => {
      const middle = (way[i].x + p.x) / 2;
      return `C${at({x: middle, y: way[i].y})} ${at({x: middle, y: p.y})} ${at(p)}`;
    });
    const head = forward ? `M${at({x: last.x - 7, y: last.y - 4.5})} L${at(last)} L${at({x: last.x - 7, y: last.y + 4.5})}` : '';
    return `M${at(way[0])} ${line.join(' ')} ${head}`;
  }

  // figures(id) -> {in, out, lag, delay, dead, late, held, stopped} of a service, {rate, records} of a topic, or null.
  update(figures) {
    for (const [id, entry] of this.#cards) {
      const now = figures(id);
      if (!now) continue;
      const is_service = this.#graph.nodes.get(id).kind === 'service';
      entry.active = (is_service ? now.in : now.rate) > 0;
      const text = is_service
        ? [`${figure(now.in)} → ${figure(now.out)} /s`, `lag ${short(now.lag)}`, ...(now.delay === null ? [] : [`${duration(now.delay)} behind`])]
        : [`${figure(now.rate)} /s`, `${short(now.records)} records`];
      const flags = is_service ? [now.dead > 0 && ['bad', `${short(now.dead)} dead`], now.late > 0 && ['warn', `${short(now.late)} late`], now.held && ['bad', 'held'], now.stopped && ['bad', 'stopped']].filter(Boolean) : [];
      const shown = JSON.stringify([text, flags, entry.active]);
      if (shown === entry.shown) continue;
      entry.shown = shown;
      while (entry.figures.children.length > text.length) entry.figures.lastChild.remove();
      text.forEach((t, i) => setText(entry.figures.children[i] ?? entry.figures.appendChild(el('span')), t));
      entry.flags.replaceChildren(...flags.map(([tone, t]) => el('span', {class: tone}, t)));
      entry.card.classList.toggle('active', entry.active);
    }
  }

  // rate(edge): records a second, or null where that is not known. An edge is the wider the more there are.
  updateEdges(rate) {
    for (const [edge, {path, label}] of this.#paths) {
      const now = rate(edge);
      path.classList.toggle('active', now > 0);
      path.style.setProperty('--more', Math.min(3.5, Math.log10(1 + (now ?? 0))).toFixed(1));
      setText(label, now === null ? '' : `${figure(now)} /s`);
    }
  }

  // fails(id of a service, operator): whether records have failed in it.
  updateOperators(fails) {
    for (const [id, {chips}] of this.#cards) {
      const {operators} = this.#graph.nodes.get(id);
      operators.forEach((operator, i) => chips[i].classList.toggle('failed', fails(id, operator)));
    }
  }

  #setNear(id) {
    if (id === this.#near) return;
    this.#near = id;
    for (const [{from, to}, {path, label}] of this.#paths) {
      for (const part of [path, label]) part.classList.toggle('near', from === id || to === id);
    }
  }

  // Marks the card that is open, and its edges.
  select(id, hash = id) {
    this.#selected = id;
    for (const [own, {card, name, chips}] of this.#cards) {
      card.classList.toggle('selected', own === id);
      for (const button of [name, ...chips]) {
        if (button.dataset.open === hash) button.setAttribute('aria-current', 'true');
        else button.removeAttribute('aria-current');
      }
    }
    for (const [{from, to}, {path, label}] of this.#paths) {
      for (const part of [path, label]) part.classList.toggle('selected', from === id || to === id);
    }
  }

  // Ids of the nodes whose words have all of `text`; others are dimmed. No text: none is.
  find(text) {
    const words = text.toLowerCase().split(/\s+/).filter((w) => w !== '');
    const found = [...this.#ordered()].filter((id) => words.every((w) => this.#graph.nodes.get(id).words.toLowerCase().includes(w)));
    for (const [id, {card}] of this.#cards) card.classList.toggle('dim', words.length > 0 && !found.includes(id));
    this.#stage.classList.toggle('searching', words.length > 0);
    return words.length > 0 ? found : [];
  }

  show(id, options = {}) {
    const box = this.#cards.get(id)?.box;
    if (box) this.#camera.reveal(box, options);
  }

  focus(id) {
    this.#cards.get(id)?.name.focus({preventScroll: true});
  }

  // The button that stands for `hash`, or its card.
  buttonOf(hash, id) {
    const card = this.#cards.get(id);
    return card && ([card.name, ...card.chips].find((button) => button.dataset.open === hash) ?? card.name);
  }

  #click(event) {
    const button = event.target.closest('[data-open]') ?? event.target.closest('.node')?.querySelector('.node-name');
    if (button) this.#onOpen(button.dataset.open);
  }

  #focused(event) {
    const id = event.target.closest('.node')?.dataset.id;
    if (!id) return;
    if (id !== this.#current) {
      this.#current = id;
      this.#updateTabStops();
    }
    if (event.target.matches(':focus-visible')) this.show(id, {zoom_min: 0.5});
  }

  // Tab comes to one card and its chips; arrows go to the others.
  #updateTabStops() {
    for (const [id, {name, chips}] of this.#cards) {
      for (const button of [name, ...chips]) button.tabIndex = id === this.#current ? 0 : -1;
    }
  }

  // Column by column, from the top.
  *#ordered() {
    yield* [...this.#cards].sort(([, a], [, b]) => a.box.left - b.box.left || a.box.top - b.box.top).map(([id]) => id);
  }

  #key(event) {
    const keys = {'+': this.#camera.zoomIn, '=': this.#camera.zoomIn, '-': this.#camera.zoomOut, 0: () => this.#camera.fit()};
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const chip = event.target.closest('.chip');
    const go = () => {
      if (chip && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) return this.#alongChips(chip, event.key === 'ArrowRight' ? 1 : -1);
      if (chip && event.key === 'ArrowUp') return this.#cards.get(this.#current).name;
      const id = this.#neighbour(event.key);
      return id === undefined ? null : this.#cards.get(id)?.name;
    };
    if (keys[event.key]) keys[event.key]();
    else if (/^(Arrow|Home|End)/.test(event.key)) (go() ?? event.target).focus({preventScroll: true});
    else return;
    event.preventDefault();
  }

  #alongChips(chip, step) {
    const {chips} = this.#cards.get(this.#current);
    return chips[chips.indexOf(chip) + step];
  }

  #neighbour(key) {
    const all = [...this.#ordered()];
    if (key === 'Home') return all[0];
    if (key === 'End') return all.at(-1);
    const here = this.#cards.get(this.#current)?.box;
    if (!here) return all[0];
    const middle = ({top, height}) => top + height / 2;
    if (key === 'ArrowLeft' || key === 'ArrowRight') {
      const [at, pick] = key === 'ArrowRight' ? ['from', 'to'] : ['to', 'from'];
      const ids = this.#graph.edges.filter((e) => e[at] === this.#current).map((e) => e[pick]);
      return ids.sort((a, b) => Math.abs(middle(this.#cards.get(a).box) - middle(here)) - Math.abs(middle(this.#cards.get(b).box) - middle(here)))[0];
    }
    const down = key === 'ArrowDown';
    const overlaps = ({left, width}) => left < here.left + here.width && left + width > here.left;
    const column = all.filter((id) => id !== this.#current && overlaps(this.#cards.get(id).box))
      .map((id) => ({id, distance: (middle(this.#cards.get(id).box) - middle(here)) * (down ? 1 : -1)})).filter(({distance}) => distance > 0);
    return column.sort((a, b) => a.distance - b.distance)[0]?.id;
  }
}
