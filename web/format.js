// Numbers, sizes and times as text. Times are ms UTC in, the browser's zone out.

const kWhole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const kShort = new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 1});
// Twelve digits hide what floating point adds, as in 0.30000000000000004.
const kExact = new Intl.NumberFormat('en', {maximumSignificantDigits: 12});
const kExactShort = new Intl.NumberFormat('en', {notation: 'compact', maximumSignificantDigits: 12});
const kScientific = new Intl.NumberFormat('en', {notation: 'scientific', maximumSignificantDigits: 6});
const kTime = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', second: '2-digit'});
const kDay = new Intl.DateTimeFormat('en-GB', {day: '2-digit', month: 'short', year: 'numeric'});

// Names come from events and may be empty.
export const named = (name) => (name.trim() === '' ? '(no name)' : name);

export const whole = (n) => kWhole.format(n);
export const short = (n) => (Math.abs(n) < 10_000 ? kWhole.format(n) : kShort.format(n));
// All that a number says, whatever its size.
export const plain = (n) => (isExtreme(n) ? kScientific : kExact).format(n);
// The same for an axis: shorter, and still different for different numbers.
export const tick = (n) => (isExtreme(n) ? kScientific : Math.abs(n) < 10_000 ? kExact : kExactShort).format(n);
export const rate = (n) => (n > 0 && n < 10 ? n.toFixed(1) : short(n));

const isExtreme = (n) => n !== 0 && (Math.abs(n) < 1e-6 || Math.abs(n) >= 1e15);

export function bytes(n) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit += 1;
  }
  return `${unit > 0 && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

// 0.4 s, 12 s, 3 min 5 s, 2 h 10 min, 4 d 3 h
export function duration(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 1) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// Time of day; with the date when it is not today.
export function time(ms) {
  if (!Number.isFinite(ms)) return '–';
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  return today ? kTime.format(date) : `${kDay.format(date)}, ${kTime.format(date)}`;
}

// "Europe/Berlin (UTC+01:00)"
export function zone() {
  const minutes = -new Date().getTimezoneOffset();
  const pad = (n) => String(n).padStart(2, '0');
  const size = Math.abs(minutes);
  const offset = `UTC${minutes < 0 ? '−' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return !name || name === 'UTC' ? 'UTC' : `${name} (${offset})`;
}
