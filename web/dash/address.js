// What a page shows is in its address: /dash/NAME?platform=ios&range=6h&zone=Europe/Berlin&wall=1. Variables go by their names;
// a variable without a parameter has its default, one with an empty parameter is "all".

import {kDefaultRange, parseRange, rangeName} from './range.js';
import {isZone} from './zones.js';

// These are the page's own; no variable can be called so.
export const kOwn = new Set(['range', 'from', 'to', 'zone', 'wall']);

export const nameOf = (pathname) => decodeURIComponent(/\/dash\/([^/]*)$/.exec(pathname)?.[1] ?? '');

// {range, zone, wall, variables: {NAME: value or null}}; what cannot be read is the default.
export function readAddress(search, dashboard) {
  const parameters = new URLSearchParams(search);
  const time = (name) => {
    const text = parameters.get(name) ?? '';
    return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  };
  const from = time('from'), to = time('to');
  const preset = parseRange(parameters.get('range')) ?? parseRange(dashboard.time?.range) ?? parseRange(kDefaultRange);
  const variables = {};
  for (const variable of dashboard.variables ?? []) {
    const given = kOwn.has(variable.name) ? null : parameters.get(variable.name);
    variables[variable.name] = given === null || given === String(variable.default) ? (variable.default ?? null) : given === '' ? null : given;
  }
  return {
    range: from < to ? {from, to} : preset,
    zone: [parameters.get('zone'), dashboard.time?.zone].find(isZone) ?? 'UTC',
    wall: parameters.get('wall') === '1',
    variables,
  };
}

// '' or '?…', without what is the default anyway.
export function writeAddress({range, zone, wall, variables}, dashboard) {
  const parameters = new URLSearchParams();
  for (const {name, default: usual = null} of dashboard.variables ?? []) {
    const value = variables[name] ?? null;
    if (String(value) !== String(usual) && !kOwn.has(name)) parameters.set(name, value ?? '');
  }
  addTime(parameters, {range, zone, wall}, dashboard);
  return textOf(parameters);
}

// The address of another dashboard, with values of its variables. What is chosen here goes along: it takes what it knows.
export function linkTo(name, variables, state, dashboard) {
  const parameters = new URLSearchParams();
  for (const {name: own, default: usual = null} of dashboard.variables ?? []) {
    const value = state.variables[own] ?? null;
    if (String(value) !== String(usual) && !kOwn.has(own)) parameters.set(own, value ?? '');
  }
  for (const [variable, value] of Object.entries(variables)) parameters.set(variable, value ?? '');
  addTime(parameters, dashboard.time ? state : {...state, range: null, zone: null}, null);
  return `dash/${encodeURIComponent(name)}${textOf(parameters)}`;
}

// `dashboard` null: of another one, which has other defaults. `range` and `zone` null: there are none.
function addTime(parameters, {range, zone, wall}, dashboard) {
  if (range?.from !== undefined) {
    parameters.set('from', new Date(range.from).toISOString());
    parameters.set('to', new Date(range.to).toISOString());
  } else if (range && rangeName(range) !== (dashboard === null ? null : dashboard.time?.range ?? kDefaultRange)) {
    parameters.set('range', rangeName(range));
  }
  if (zone && zone !== (dashboard === null ? null : dashboard.time?.zone ?? 'UTC')) parameters.set('zone', zone);
  if (wall) parameters.set('wall', '1');
}

function textOf(parameters) {
  // Slashes and colons may stand in a query as they are, and read better so.
  const text = parameters.toString().replaceAll('%2F', '/').replaceAll('%3A', ':');
  return text === '' ? '' : `?${text}`;
}
