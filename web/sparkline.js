// A line of the last values, as SVG: for tiles, where a chart library would be too much.

const kSvg = 'http://www.w3.org/2000/svg';
const kWidth = 120, kHeight = 32;

// The points of a line and of the area below it. `values`: oldest first, the newest at the right edge of `slots` places, so that
// the width always means the same time. The scale starts at 0, so that the height means something.
export function sparkPoints(values, slots) {
  const top = Math.max(...values, Number.EPSILON);
  const step = kWidth / (slots - 1), left = kWidth - (values.length - 1) * step;
  const points = values.map((v, i) => `${(left + i * step).toFixed(1)},${(kHeight - 1 - (v / top) * (kHeight - 3)).toFixed(1)}`);
  const line = values.length > 1 ? points.join(' ') : '';
  return {line, area: line && `${left.toFixed(1)},${kHeight} ${line} ${kWidth},${kHeight}`, box: `0 0 ${kWidth} ${kHeight}`};
}

export class Sparkline {
  #line;
  #area;

  constructor(parent) {
    const svg = document.createElementNS(kSvg, 'svg');
    svg.setAttribute('viewBox', sparkPoints([], 2).box);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('class', 'sparkline');
    svg.setAttribute('aria-hidden', 'true');
    this.#area = svg.appendChild(document.createElementNS(kSvg, 'polygon'));
    this.#line = svg.appendChild(document.createElementNS(kSvg, 'polyline'));
    parent.append(svg);
  }

  draw(values, slots) {
    const {line, area} = sparkPoints(values, slots);
    this.#line.setAttribute('points', line);
    this.#area.setAttribute('points', area);
  }
}
