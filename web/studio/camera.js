// Pan and zoom of the graph: wheel, drag, pinch. Moves `stage` inside `canvas`.

const kZoomMax = 2, kZoomStep = 1.25;
const kDragStarts = 4;  // px: less is a click
const kFar = 0.65;      // below this only names are readable
const kMargin = 24, kLegend = 28;  // px around the graph, and more below it

export class Camera {
  x = 0;
  y = 0;
  zoom = 1;
  #canvas;
  #stage;
  #size = {width: 1, height: 1};
  #pointers = new Map();
  #dragged = false;

  constructor(canvas, stage) {
    this.#canvas = canvas;
    this.#stage = stage;
    canvas.addEventListener('wheel', (event) => this.#wheel(event), {passive: false});
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, (event) => this.#up(event));
    // The click that ends a drag opens nothing.
    canvas.addEventListener('click', (event) => {
      if (!this.#dragged) return;
      event.stopPropagation();
      event.preventDefault();
      this.#dragged = false;
    }, {capture: true});
  }

  // Of the graph, at zoom 1.
  set size(size) {
    this.#size = size;
  }

  fitZoom() {
    const {width, height} = this.#view();
    return Math.min((width - 2 * kMargin) / this.#size.width, (height - 2 * kMargin - kLegend) / this.#size.height, 1);
  }

  // All of it in the middle, but no smaller than `zoom_min`; then the beginning.
  fit(zoom_min = 0) {
    const {width, height} = this.#view();
    this.zoom = Math.max(this.fitZoom(), zoom_min);
    const left = (width - this.#size.width * this.zoom) / 2, top = (height - kLegend - this.#size.height * this.zoom) / 2;
    this.x = Math.max(left, kMargin);
    this.y = Math.max(top, kMargin);
    this.#apply();
  }

  zoomBy(factor, at = this.#middle()) {
    const wanted = Math.min(kZoomMax, Math.max(Math.min(this.fitZoom(), 1) / 2, this.zoom * factor));
    this.x = at.x - ((at.x - this.x) * wanted) / this.zoom;
    this.y = at.y - ((at.y - this.y) * wanted) / this.zoom;
    this.zoom = wanted;
    this.#apply();
  }

  zoomIn = () => this.zoomBy(kZoomStep);
  zoomOut = () => this.zoomBy(1 / kZoomStep);

  // Moves as little as shows the box {left, top, width, height} of the graph, or puts it in the middle.
  reveal(box, {centre = false, zoom_min = 0} = {}) {
    if (this.zoom < zoom_min) this.zoom = zoom_min;
    const {width, height} = this.#view();
    const move = (at, start, size, room) => {
      const from = at + start * this.zoom, span = size * this.zoom;
      if (centre || span > room - 2 * kMargin) return at + (room - span) / 2 - from;
      return at + Math.max(0, kMargin - from) - Math.max(0, from + span - (room - kMargin));
    };
    this.x = move(this.x, box.left, box.width, width);
    this.y = move(this.y, box.top, box.height, height);
    this.#apply();
  }

  #view() {
    return {width: this.#canvas.clientWidth, height: this.#canvas.clientHeight};
  }

  #middle() {
    const {width, height} = this.#view();
    return {x: width / 2, y: height / 2};
  }

  #apply() {
    const {width, height} = this.#view();
    const keep = (at, span, room) => Math.min(room - 60, Math.max(60 - span, at));  // something is always to be seen
    this.x = keep(this.x, this.#size.width * this.zoom, width);
    this.y = keep(this.y, this.#size.height * this.zoom, height);
    this.#stage.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
    this.#canvas.style.backgroundPosition = `${this.x}px ${this.y}px`;
    this.#canvas.style.backgroundSize = `${24 * this.zoom}px ${24 * this.zoom}px`;
    this.#stage.style.setProperty('--zoom', this.zoom);
    this.#canvas.classList.toggle('far', this.zoom < kFar);
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return {x: event.clientX - box.left, y: event.clientY - box.top};
  }

  #wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (event.ctrlKey || event.metaKey) {
      this.zoomBy(Math.exp((-event.deltaY * unit) / 200), this.#place(event));
      return;
    }
    const [dx, dy] = event.shiftKey && event.deltaX === 0 ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
    this.x -= dx * unit;
    this.y -= dy * unit;
    this.#apply();
  }

  #down(event) {
    if (event.button !== 0) return;
    this.#dragged = false;
    this.#pointers.set(event.pointerId, {...this.#place(event), begin: this.#place(event)});
  }

  #move(event) {
    const known = this.#pointers.get(event.pointerId);
    if (!known) return;
    const now = this.#place(event);
    if (this.#pointers.size === 2) {
      const other = [...this.#pointers].find(([id]) => id !== event.pointerId)[1];
      const distance = (p) => Math.max(10, Math.hypot(p.x - other.x, p.y - other.y));
      this.#dragged = true;
      this.zoomBy(distance(now) / distance(known), {x: (now.x + other.x) / 2, y: (now.y + other.y) / 2});
    } else if (this.#dragged || Math.hypot(now.x - known.begin.x, now.y - known.begin.y) > kDragStarts) {
      if (!this.#dragged) this.#canvas.setPointerCapture(event.pointerId);
      this.#dragged = true;
      this.#canvas.classList.add('dragging');
      this.x += now.x - known.x;
      this.y += now.y - known.y;
      this.#apply();
    }
    Object.assign(known, now);
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
    this.#canvas.classList.remove('dragging');
    // The click comes next, if it comes at all.
    if (this.#dragged) setTimeout(() => (this.#dragged = false));
  }
}
