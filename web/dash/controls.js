// What whoever looks can choose: variables, time, zone. Made anew from the page's state each time, by patch().

import {kPresets, parseRange, rangeName, rangeTitle} from './range.js';
import {h} from './view.js';
import {fromInput, localZone, offsetText, toInput} from './zones.js';

const kSelectMax = 40;      // more options are typed, with suggestions
const kSuggestionsMax = 500;

// variables  [{name, title, value, options: [[value, text]] or null, required}]
// state      {range, zone}; actions: {setVariable(name, value), setRange(range), setZone(zone)}
export function controls({dashboard, variables, state, bounds, now, ui, actions}) {
  return [
    ...variables.map((variable) => variableControl(variable, actions)),
    ...(dashboard.time ? timeControls(dashboard, state, bounds, now, ui, actions) : []),
  ];
}

function variableControl({name, title, value, options, required}, {setVariable}) {
  const text = title ?? name;
  if (options === null || options.length > kSelectMax) {
    const list = `options-${name}`;
    return h('label', {key: name}, text, ' ',
      h('input', {
        value: value === null ? '' : String(value), list: options && list, placeholder: required ? '' : 'all', autocomplete: 'off', spellcheck: 'false',
        on: {change: ({target}) => setVariable(name, target.value.trim() === '' ? null : target.value.trim())},
      }),
      options && h('datalist', {id: list}, options.slice(0, kSuggestionsMax).map(([one, shown]) =>
        h('option', {value: String(one)}, shown === String(one) ? '' : shown))));
  }
  const known = value === null || options.some(([one]) => String(one) === String(value));
  const all = known ? options : [[value, String(value)], ...options];
  const change = ({target}) => setVariable(name, target.value === '' ? null : target.value);
  return h('label', {key: name}, text, ' ', h('select', {value: value === null ? '' : String(value), on: {change}},
    !required || value === null ? h('option', {value: ''}, required ? '–' : 'All') : null,
    all.map(([one, shown]) => h('option', {value: String(one)}, shown))));
}

function timeControls(dashboard, {range, zone}, bounds, now, ui, {setRange, setZone, update}) {
  const current = rangeName(range);
  const names = kPresets.includes(current) || current === 'custom' ? kPresets : [current, ...kPresets];
  const choose = ({target}) => {
    ui.custom = target.value === 'other' ? draftOf(zone, bounds, now) : null;
    if (ui.custom) update();
    else setRange(parseRange(target.value));
  };
  const zones = [...new Set([dashboard.time.zone ?? 'UTC', localZone(), 'UTC', zone])];
  const zoneText = (one) => `${one.replaceAll('_', ' ')}${one === 'UTC' ? '' : ` (${offsetText(one, now)})`}`;
  return [
    h('label', {key: 'time'}, 'Time ', h('select', {id: 'range', value: ui.custom ? 'other' : current, on: {change: choose}},
      current === 'custom' && h('option', {value: 'custom', hidden: true}, rangeTitle(range, zone)),
      names.map((name) => h('option', {value: name}, rangeTitle(parseRange(name), zone))),
      h('option', {value: 'other'}, 'Custom …'))),
    ui.custom && h('form', {key: 'custom', class: 'custom', on: {submit: (event) => {
      event.preventDefault();
      const [from, to] = [ui.custom.from, ui.custom.to].map((text) => fromInput(zone, text));
      event.target.elements.to.setCustomValidity(from !== null && to !== null && from < to ? '' : 'The end has to be after the beginning.');
      if (!event.target.reportValidity()) return;
      ui.custom = null;
      setRange({from, to});
    }}},
      moment('from', 'From', ui.custom), moment('to', 'to', ui.custom),
      h('button', {type: 'submit'}, 'Show')),
    h('label', {key: 'zone'}, 'Zone ', h('select', {id: 'zone-choice', value: zone, on: {change: ({target}) => setZone(target.value)}},
      zones.map((one) => h('option', {value: one}, zoneText(one))),
      h('optgroup', {label: 'All'}, allZones().filter((one) => !zones.includes(one)).map((one) => h('option', {value: one}, one.replaceAll('_', ' ')))))),
  ];
}

// What is being written, as an input's text: kept here, as everything is drawn again whenever numbers come.
const draftOf = (zone, {from, to}, now) => ({from: toInput(zone, from), to: toInput(zone, Math.min(to, Math.max(now, from + 60_000)))});

const moment = (name, text, draft) => h('label', {}, `${text} `, h('input', {type: 'datetime-local', name, required: true, value: draft[name],
  on: {input: ({target}) => {
    draft[name] = target.value;
    target.form.elements.to.setCustomValidity('');
  }}}));

let zones = null;
const allZones = () => (zones ??= Intl.supportedValuesOf?.('timeZone') ?? []);
