// The time range of a page: what it is called, and from when to when it goes.
//
// A range is one of
//   {last: ms}        the last so many ms
//   {day: 'today'} or {day: 'yesterday'}, of the page's zone
//   {from, to}        fixed, ms UTC

import {dayAndTime, startOfDay, timeOfDay, fullDay} from './zones.js';

const kUnits = {s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000};
const kLastMin = kUnits.m, kLastMax = 366 * kUnits.d;
const kGridParts = 120;     // a range moves on by such a part of itself,
const kGrid = [5, 10, 30, 60, 300, 900, 1800, 3600].map((s) => s * 1_000);  // one of these, so that equal pages ask the same

export const kPresets = ['5m', '15m', '30m', '1h', '3h', '6h', '12h', '24h', '2d', '7d', '30d', '90d', 'today', 'yesterday'];
export const kDefaultRange = '1h';

const kUnitWords = {s: 'second', m: 'minute', h: 'hour', d: 'day'};

// null where the text is no range.
export function parseRange(text) {
  if (text === 'today' || text === 'yesterday') return {day: text};
  const [, count, unit] = /^(\d{1,4})([smhd])$/.exec(text ?? '') ?? [];
  const last = Number(count) * kUnits[unit];
  return last >= kLastMin && last <= kLastMax ? {last} : null;
}

export function rangeName(range) {
  if (range.day) return range.day;
  if (range.last === undefined) return 'custom';
  const preset = kPresets.find((text) => parseRange(text).last === range.last);
  if (preset) return preset;
  const unit = ['d', 'h', 'm', 's'].find((one) => range.last % kUnits[one] === 0);
  return `${range.last / kUnits[unit]}${unit}`;
}

export function rangeTitle(range, zone) {
  if (range.day) return range.day === 'today' ? 'Today' : 'Yesterday';
  if (range.last !== undefined) {
    const [, count, unit] = /^(\d+)(.)$/.exec(rangeName(range));
    return `Last ${count === '1' ? '' : `${count} `}${kUnitWords[unit]}${count === '1' ? '' : 's'}`;
  }
  const same = fullDay(zone, range.from) === fullDay(zone, range.to);
  const seconds = range.to - range.from < 10 * kUnits.m;
  return `${dayAndTime(zone, range.from)} to ${same ? timeOfDay(zone, range.to, seconds) : dayAndTime(zone, range.to)}`;
}

// From when to when, half-open, and until when that holds. A range that ends now is asked for on a grid, up to the grid's next
// place, so that what comes meanwhile is in it and the question stays the same for a while.
export function boundsOf(range, zone, now) {
  if (range.day) {
    const back = range.day === 'today' ? 0 : -1;
    return {from: startOfDay(zone, now, back), to: startOfDay(zone, now, back + 1), until: startOfDay(zone, now, 1)};
  }
  if (range.last === undefined) return {from: range.from, to: range.to, until: Infinity};
  const step = gridOf(range.last);
  const from = Math.floor((now - range.last) / step) * step;
  return {from, to: from + range.last + step, until: from + range.last + step};
}

export const gridOf = (last) => kGrid.findLast((step) => step <= last / kGridParts) ?? kGrid[0];

// Does the range go up to now, so that numbers in it may still change?
export const isLive = (range, now) => (range.day ? range.day === 'today' : range.last !== undefined || range.to > now);
