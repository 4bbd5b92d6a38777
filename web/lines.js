// From the last records of a topic to what is drawn: lines of points, or bars. No DOM.

export const kTime = '(record time)';
export const kKey = '(record key)';
export const kNothing = '(nothing)';
export const kLinesMax = 20;
export const kBarsMax = 30;
const kPointsMax = 10_000;  // of all lines that are drawn as points
const kTimesFrom = Date.UTC(2001), kTimesTo = Date.UTC(2101);  // numbers between are taken for ms on x

// Of a record and one of its rows. `field`: a path, or one of the three above.
export const numberOf = (record, row, field) => (field === kTime ? record.timestamp : row.number(field));

// What tells the row from others; undefined where nothing does.
export function nameOf(record, row, field) {
  if (field === kNothing) return undefined;
  return field === kKey ? record.key ?? '' : row.text(field) ?? '';
}

// Whether all numbers that x shows are times.
export function areTimes(numbers) {
  return numbers.length > 0 && numbers.every((number) => number >= kTimesFrom && number < kTimesTo);
}

// The records in view. Those of a quiet partition reach back further than those of a busy one: over time, begin
// where all have some. `limit`: of all partitions together.
export function inView(records, overTime, limit) {
  if (!overTime) return records;
  const partitions = new Map();
  for (const {partition, timestamp} of records) {
    const {count, oldest} = partitions.get(partition) ?? {count: 0, oldest: Infinity};
    partitions.set(partition, {count: count + 1, oldest: Math.min(oldest, timestamp)});
  }
  const full = [...partitions.values()].filter(({count}) => count >= limit / partitions.size);
  const from = Math.max(-Infinity, ...full.map(({oldest}) => oldest));
  return records.filter(({timestamp}) => timestamp >= from);
}

// {lines: [[name, points]], more, without}: the lines of the largest latest values, by name; `more` are not among them,
// `without` rows lack x or y. `home`: the list that the rows are of.
export function linesOf(records, {home, x, y, by, overTime}) {
  const found = new Map();
  let without = 0;
  for (const record of records) {
    const rows = y === undefined ? undefined : record.rows.get(home);
    if (rows === undefined) without += 1;
    for (const row of rows ?? []) {
      const px = numberOf(record, row, x), py = numberOf(record, row, y);
      if (px === undefined || py === undefined) {
        without += 1;
        continue;
      }
      const name = nameOf(record, row, by) ?? y;
      if (!found.has(name)) found.set(name, {points: [], at: -Infinity, latest: 0});
      const line = found.get(name);
      line.points.push([px, py]);
      if (record.timestamp >= line.at) Object.assign(line, {at: record.timestamp, latest: py});
    }
  }
  const largest = [...found].sort(([, a], [, b]) => b.latest - a.latest).slice(0, kLinesMax);
  // Partitions arrive side by side.
  if (overTime) for (const [, {points}] of largest) points.sort((a, b) => a[0] - b[0]);
  const lines = largest.map(([name, {points}]) => [name, points]);
  return {lines: lines.sort(([a], [b]) => a.localeCompare(b, 'en', {numeric: true})), more: found.size - largest.length, without};
}

// The newest points of each line, so many that they can be drawn one by one.
export function newestPoints(lines) {
  const each = Math.max(1, Math.floor(kPointsMax / Math.max(1, lines.length)));
  return lines.map(([name, points]) => [name, points.slice(-each)]);
}

// Values that never go back are drawn as a line, a cloud as points.
export function kindOf(lines) {
  const ahead = ([, points]) => points.every((point, i) => i === 0 || point[0] >= points[i - 1][0]);
  return lines.every(ahead) ? 'line' : 'scatter';
}

// {bars: [{name, value, row}], total, without} of [record, row]: the largest first.
export function barsOf(rows, {y, by}) {
  const all = [];
  rows.forEach(([record, row], i) => {
    const value = row.number(y);
    if (value !== undefined) all.push({name: nameOf(record, row, by) ?? `#${i + 1}`, value, row});
  });
  all.sort((a, b) => b.value - a.value);
  return {bars: all.slice(0, kBarsMax), total: all.length, without: rows.length - all.length};
}

// The newest row of each name, for records that are no lists.
export function latestRows(records, {home, y, by}) {
  const latest = new Map();
  for (const record of records) {
    for (const row of record.rows.get(home) ?? []) {
      const name = nameOf(record, row, by) ?? y;
      const before = latest.get(name);
      if (row.number(y) !== undefined && !(before && before[0].timestamp > record.timestamp)) latest.set(name, [record, row]);
    }
  }
  return [...latest.values()];
}
