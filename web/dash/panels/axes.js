// Axes that charts of panels share.

const kTickWidth = 66;    // px of the width for each tick of a time axis
const kNumberWidth = 60;

// Time of the page's zone. ECharts knows the browser's zone and UTC only, so its ticks are placed and written here.
export function timeAxis(context, from, to, {ticks, tickText}) {
  const count = Math.max(2, Math.floor((context.width - kNumberWidth) / (kTickWidth * context.scale)));
  const places = Number.isFinite(from) && to > from ? ticks(context.zone, from, to, count) : [];
  return {
    type: 'time', min: from, max: to,
    axisTick: {customValues: places, lineStyle: {color: context.colour('line')}},
    fit: {customValues: places, formatter: (ms) => tickText(context.zone, ms, to - from)},
    axisPointer: {label: {show: false}},
  };
}

// `values` that it has to reach.
export function valueAxis(context, unit, values, more = {}) {
  const count = Math.max(2, Math.round(context.height / (55 * context.scale)));
  let low = more.scale ? Infinity : 0, high = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const interval = unit.interval(high - low, count);
  if (interval) Object.assign(more, {interval, min: Math.floor(low / interval) * interval, max: Math.ceil(high / interval) * interval});
  return {
    type: 'value', name: unit.name, nameGap: 10, labels: (n) => unit.axis(n), splitNumber: count,
    axisLine: {show: false}, axisTick: {show: false}, ...more,
  };
}
