// A line of the last values, as SVG: for tiles, where a chart library would be too much.

const kSvg = 'http://www.w3.org/2000/svg';
const kWidth = 120, kHeight = 32;

export class Sparkline {
  #line;
  #area;

  constructor(parent) {
    const svg = document.createElementNS(kSvg, 'svg');
    svg.setAttribute('viewBox', `0 0 ${kWidth} ${kHeight}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('class', 'sparkline');
    svg.setAttribute('aria-hidden', 'true');
    this.#area = svg.appendChild(document.createElementNS(kSvg, 'polygon'));
    this.#line = svg.appendChild(document.createElementNS(kSvg, 'polyline'));
    parent.append(svg);
  }

  // `values`: oldest first, the newest at the right edge of `slots` places, so that the width always
  // means the same time. The scale starts at 0, so that the height means something.
  draw(values, slots) {
    const top = Math.max(...values, Number.EPSILON);
    const step = kWidth / (slots - 1), left = kWidth - (values.length - 1) * step;
    const points = values.map((v, i) => `${(left + i * step).toFixed(1)},${(kHeight - 1 - (v / top) * (kHeight - 3)).toFixed(1)}`);
    const drawn = values.length > 1 ? points.join(' ') : '';
    this.#line.setAttribute('points', drawn);
    this.#area.setAttribute('points', drawn && `${left.toFixed(1)},${kHeight} ${drawn} ${kWidth},${kHeight}`);
  }
}
