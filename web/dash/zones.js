// Times of a zone (IANA name), right over changes of its clock. Times are ms UTC; a "wall" time is what clocks of the zone show,
// as the ms that it would be in UTC.

const kDay = 86_400_000;
const kCompact = {day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit'};

const formats = new Map();  // bounded: a page knows some zones and a handful of shapes

function format(zone, options) {
  const id = `${zone} ${Object.keys(options)}`;
  if (!formats.has(id)) formats.set(id, new Intl.DateTimeFormat('en-GB', {timeZone: zone, hourCycle: 'h23', ...options}));
  return formats.get(id);
}

export function isZone(zone) {
  try {
    return typeof zone === 'string' && zone !== '' && Boolean(new Intl.DateTimeFormat('en', {timeZone: zone}));
  } catch {
    return false;
  }
}

export const localZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

// What is added to UTC there and then.
export function offsetOf(zone, ms) {
  const whole = Math.floor(ms / 1000) * 1000, at = {};
  const shape = {year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric'};
  for (const {type, value} of format(zone, shape).formatToParts(whole)) at[type] = Number(value);
  return Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) - whole;
}

export const wallOf = (zone, ms) => ms + offsetOf(zone, ms);

// Of a wall time that there is twice: the first. Of one that is skipped: as if clocks had not been changed yet, so that
// midnight, where it is skipped, is the moment of the change.
export function utcOf(zone, wall) {
  const before = offsetOf(zone, wall - kDay), after = offsetOf(zone, wall + kDay);
  const fits = [wall - before, wall - after].filter((ms) => wallOf(zone, ms) === wall);
  return fits.length > 0 ? Math.min(...fits) : wall - before;
}

// The beginning of the day of `ms`, or `days` later.
export function startOfDay(zone, ms, days = 0) {
  return utcOf(zone, (Math.floor(wallOf(zone, ms) / kDay) + days) * kDay);
}

export function timeOfDay(zone, ms, seconds = true) {
  return format(zone, {hour: '2-digit', minute: '2-digit', ...(seconds ? {second: '2-digit'} : {})}).format(ms);
}

export const dayAndTime = (zone, ms) => format(zone, kCompact).format(ms);
export const dayOf = (zone, ms) => format(zone, {day: 'numeric', month: 'short'}).format(ms);
export const fullDay = (zone, ms) => format(zone, {day: '2-digit', month: 'short', year: 'numeric'}).format(ms);
export const monthOf = (zone, ms) => format(zone, {month: 'short', year: 'numeric'}).format(ms);

// With the date where it is not today.
export function timeIn(zone, ms, now = Date.now()) {
  if (!Number.isFinite(ms)) return '–';
  const same = fullDay(zone, ms) === fullDay(zone, now);
  return same ? timeOfDay(zone, ms) : `${fullDay(zone, ms)}, ${timeOfDay(zone, ms)}`;
}

// "UTC+01:00"
export function offsetText(zone, ms) {
  const minutes = Math.round(offsetOf(zone, ms) / 60_000), size = Math.abs(minutes);
  const pad = (n) => String(n).padStart(2, '0');
  return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '−' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

// "2026-03-29T14:30" of an <input type="datetime-local">, as ms UTC; null where it is none.
export function fromInput(zone, text) {
  const wall = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text) ? Date.parse(`${text}Z`) : NaN;
  return Number.isFinite(wall) ? utcOf(zone, wall) : null;
}

export const toInput = (zone, ms) => new Date(wallOf(zone, ms)).toISOString().slice(0, 16);

const kSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200].map((s) => s * 1000);

// Where an axis from `from` to `to` has its ticks, some `count` of them: at whole seconds, hours or days of the zone.
export function ticks(zone, from, to, count) {
  const wanted = (to - from) / Math.max(1, count);
  const step = kSteps.find((one) => one >= wanted);
  const places = [];
  if (step !== undefined) {
    // Whole steps of a day's clock. Near a change of it the wall times may be skipped or come twice: they are looked up one by one.
    for (let wall = Math.ceil(wallOf(zone, from) / step) * step; places.length < 200; wall += step) {
      const at = utcOf(zone, wall);
      if (at > to) break;
      if (at >= from && at > (places.at(-1) ?? -Infinity)) places.push(at);
    }
    return places;
  }
  const days = [1, 2, 7, 14, 30].find((n) => n * kDay >= wanted) ?? Math.ceil(wanted / kDay);
  for (let i = 1; places.length < 200; i += days) {
    const at = startOfDay(zone, from, i);
    if (at > to) break;
    places.push(at);
  }
  return places;
}

// What is written at a tick: a midnight says its day.
export function tickText(zone, ms, span) {
  const wall = wallOf(zone, ms);
  if (wall % kDay === 0) return dayOf(zone, ms);
  return timeOfDay(zone, ms, span < 10 * 60_000 && wall % 60_000 !== 0);
}
