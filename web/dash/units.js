// Numbers with their units, as text: `unit` of a panel or a column.

import {bytes, plain, short, tick, whole} from '../format.js';

const kTimes = {ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000};
const kTimeUnits = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000], ['ms', 1]];
const kSpace = '\u202f';   // narrow, and no line ends there

const formats = new Map();
function intl(options) {
  const id = JSON.stringify(options);
  if (!formats.has(id)) formats.set(id, new Intl.NumberFormat('en', options));
  return formats.get(id);
}

const fixed = (decimals) => intl({minimumFractionDigits: decimals, maximumFractionDigits: decimals});
const digits = (n) => intl({maximumSignificantDigits: Math.abs(n) >= 100 ? Math.max(3, String(Math.trunc(Math.abs(n))).length) : 3});

// {text(n), number(n), axis(n), parts(n), name, interval}: a number with its unit; without, where `name` is written elsewhere; shorter,
// for an axis; [number, unit] apart, the unit to be set smaller; and what an axis is called, '' where its numbers say it.
export function unitOf(unit = '', decimals = undefined) {
  const own = kinds(unit, decimals);
  const join = ([number, name]) => (name === '' ? number : name === '%' ? `${number}%` : `${number}${kSpace}${name}`);
  const check = (f) => (n) => (typeof n === 'number' && Number.isFinite(n) ? f(n) : '–');
  return {
    text: check((n) => join(own.parts(n))),
    number: check((n) => (own.name ? own.parts(n)[0] : join(own.parts(n)))),
    axis: check(own.axis ?? ((n) => join(own.parts(n)))),
    parts: (n) => (typeof n === 'number' && Number.isFinite(n) ? own.parts(n) : ['–', '']),
    name: own.name ?? '',
    // Between ticks, where tens are not what reads well.
    interval: (span, count) => (unit in kTimes && span > 0 ? timeInterval(span * kTimes[unit], count, kTimes[unit]) : undefined),
  };
}

function kinds(unit, decimals) {
  const figure = (n) => (decimals === undefined ? usual(n) : fixed(decimals).format(n));
  if (unit in kTimes) {
    return {parts: (n) => timeParts(n * kTimes[unit], unit, decimals), axis: (n) => timeParts(n * kTimes[unit], unit).join(kSpace)};
  }
  if (unit === 'bytes') return {parts: (n) => (n < 0 ? `−${bytes(-n)}` : bytes(n)).split(' ')};
  if (unit === 'percent' || unit === 'ratio') {
    const scale = unit === 'ratio' ? 100 : 1;
    const number = (n, d) => (d === undefined ? intl({maximumFractionDigits: Math.abs(n) < 10 ? 2 : 1}).format(n) : fixed(d).format(n));
    return {parts: (n) => [number(n * scale, decimals), '%'], axis: (n) => `${plain(round(n * scale))}%`};
  }
  if (isCurrency(unit)) {
    const money = (options) => intl({style: 'currency', currency: unit, ...options});
    const exact = decimals === undefined ? {} : {minimumFractionDigits: decimals, maximumFractionDigits: decimals};
    const large = {notation: 'compact', maximumFractionDigits: 2}, ticks = {minimumFractionDigits: 0, maximumFractionDigits: 2};
    return {
      parts: (n) => [money(Math.abs(n) >= 1e7 && decimals === undefined ? large : exact).format(n), ''],
      axis: (n) => money(Math.abs(n) >= 10_000 ? {notation: 'compact', maximumSignificantDigits: 6} : ticks).format(n),
    };
  }
  if (unit === '' || unit === 'count') return {parts: (n) => [figure(n), ''], axis: tick};
  return {parts: (n) => [figure(n), unit], axis: tick, name: unit};
}

const kIntervals = [1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
  7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 432_000_000, 864_000_000];

function timeInterval(ms, count, size) {
  if (ms < count * 1_000) return undefined;
  const interval = kIntervals.find((one) => one >= ms / (count + 1));
  return interval && interval / size;
}

const round = (n) => Number(n.toPrecision(12));

// As exact as it helps: whole numbers up to a million, else three digits or so.
function usual(n) {
  if (Number.isInteger(n)) return Math.abs(n) < 1e6 ? whole(n) : intl({notation: 'compact', maximumFractionDigits: 2}).format(n);
  if (Math.abs(n) < 1e-3) return plain(n);
  return Math.abs(n) < 1e6 ? digits(n).format(n) : short(n);
}

// In the unit that was named, or a larger one where that is easier to read.
function timeParts(ms, unit, decimals) {
  if (decimals !== undefined) return [fixed(decimals).format(ms / kTimes[unit]), unit];
  const [name, size] = kTimeUnits.find(([, one]) => Math.abs(ms) >= one && one >= kTimes[unit]) ?? [unit, kTimes[unit]];
  return [digits(ms / size).format(ms / size), name];
}

const currencies = new Set(Intl.supportedValuesOf?.('currency') ?? []);
export const isCurrency = (unit) => /^[A-Z]{3}$/.test(unit) && (currencies.size === 0 || currencies.has(unit));

// The difference to the period before, as text: "+12%". null where there is none.
export function changeOf(value, before) {
  if (!Number.isFinite(value) || !Number.isFinite(before) || before === 0) return null;
  const part = (value - before) / Math.abs(before);
  const size = Math.abs(part) * 100;
  const text = size === 0 ? '±0' : size > 999 ? '>999' : intl({maximumFractionDigits: size < 10 ? 1 : 0}).format(size);
  return {part, text: `${part > 0 ? '+' : part < 0 ? '−' : ''}${text}%`};
}
