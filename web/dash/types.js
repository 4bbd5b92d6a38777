// The types of panels. A type is
//   height   of its panels, in units, where the row names none
//   view     (spec, answers, context) -> elements (view.js), or
//   chart    (spec, answers, context) -> {option, summary, note, newest, period, rowOf}: what chart.js draws; what it says in words;
//            and the row of a point that is clicked
//   parts    fields of the panel that are queries of their own; their answers come by these names, that of `query` as main
//   key      fields whose columns tell rows apart, where the panel names them all
//   empty    what it says without rows
//   zoom     dragging in it sets the page's time
// Both functions are pure: what they need to know is in the context (panel.js).

import {alertList} from './panels/alert_list.js';
import {boxPlot} from './panels/box_plot.js';
import {figure} from './panels/figure.js';
import {funnel} from './panels/funnel.js';
import {heatmap} from './panels/heatmap.js';
import {retention} from './panels/retention.js';
import {statusGrid} from './panels/status_grid.js';
import {table} from './panels/table.js';
import {text} from './panels/text.js';
import {timeSeries} from './panels/time_series.js';
import {timeline} from './panels/timeline.js';
import {topList} from './panels/top_list.js';

export const kTypes = {
  figure,
  'time-series': timeSeries,
  'top-list': topList,
  table,
  heatmap,
  funnel,
  retention,
  'box-plot': boxPlot,
  'status-grid': statusGrid,
  'alert-list': alertList,
  timeline,
  text,
};

// What is followed for a panel: {main: {sql, key, guessed}, sparkline: {sql}, …}.
export function queriesOf(spec) {
  const type = kTypes[spec.type] ?? {};
  const queries = {};
  if (spec.query) {
    const guess = (type.key ?? []).filter((field) => field !== 'series' || spec.series !== undefined).map((field) => spec[field]);
    const known = guess.length > 0 && guess.every((column) => typeof column === 'string');
    queries.main = spec.key ? {sql: spec.query, key: spec.key} : {sql: spec.query, key: known ? guess : [], guessed: true};
  }
  for (const part of type.parts ?? []) if (spec[part]?.query) queries[part] = {sql: spec[part].query};
  return queries;
}
