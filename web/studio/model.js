// The dataflow as nodes and edges to be drawn, from GET /dataflow/graph (which stays while the dataflow
// runs) and GET /dataflow (its counters). No DOM here.

// node: {id, kind: 'topic' | 'service', name, operators, states, links: [ids of neighbours], text to be searched}
// edge: {from, to, kind: 'flow' | 'late' | 'lookup'}
// operator: {place, name, code, of, counted}: `place` tells it apart within its service; `counted` are the {node, step}
//   under which it is counted: a transform of the service is part of the chain of each source
export function buildGraph(description, dataflow) {
  const nodes = new Map(), edges = [];
  const addTopic = (name, type = '') => {
    const id = topicId(name);
    if (!nodes.has(id)) nodes.set(id, {id, kind: 'topic', name, type, operators: [], states: [], words: `${name} ${type}`});
    return id;
  };
  for (const {name, type} of description.topics) addTopic(name, type);
  const described = new Map(description.services.map((service) => [service.name, service]));
  for (const service of dataflow.services) {
    const id = serviceId(service.name);
    const operators = operatorsOf(described.get(service.name)?.nodes ?? []);
    const states = service.states.map(({name, table, from}) => ({name, table, from}));
    nodes.set(id, {id, kind: 'service', name: service.name, window: service.window, join: service.join, operators, states,
      words: [service.name, ...operators.map((o) => o.name), ...states.map((s) => s.name)].join(' ')});
  }
  const link = (from, to, kind) => {
    if (!edges.some((e) => e.from === from && e.to === to)) edges.push({from, to, kind});
  };
  for (const {name, sources, sinks, states, window, join} of dataflow.services) {
    for (const {topic} of sources) link(addTopic(topic), serviceId(name), 'flow');
    for (const topic of sinks) link(serviceId(name), addTopic(topic), 'flow');
    const late = (window ?? join)?.late_topic;
    if (late) link(serviceId(name), addTopic(late), 'late');
    for (const {from} of states) {
      const owner = from && serviceId(from.split('.')[0]);
      if (owner && nodes.has(owner)) link(owner, serviceId(name), 'lookup');
    }
  }
  addTopic(dataflow.dead_letter_topic);
  return {nodes, edges};
}

export const topicId = (name) => `topic/${name}`;
export const serviceId = (name) => `service/${name}`;

// The `run:` blocks of a service in the order in which a record meets them. Transforms of the service stand in the
// chain of each source; here they come once, behind those of the sources.
function operatorsOf(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const isSource = (node) => node.kind === 'chain' && node.inputs.some((id) => byId.get(id)?.kind === 'read');
  const topicsOf = (kind, ids) => ids.map((id) => byId.get(id)).filter((node) => node?.kind === kind).map(topicOf);
  const sources = nodes.filter(isSource);
  const isShared = (f) => sources.length > 1 && sources.every((node) => node.functions.some((g) => same(f, g)));
  const out = [];
  const add = (f, of, counted) => out.push({name: f.name, code: f.code, of, counted});
  const counts = (node, f) => ({node: node.id, step: node.functions.indexOf(f)});
  for (const node of sources) {
    for (const f of node.functions) if (!isShared(f)) add(f, sources.length > 1 ? topicsOf('read', node.inputs).join(', ') : '', [counts(node, f)]);
  }
  for (const f of sources[0]?.functions ?? []) {
    if (isShared(f)) add(f, '', sources.map((node) => counts(node, node.functions.find((g) => same(f, g)))));
  }
  for (const node of nodes) {
    if (isSource(node)) continue;
    const sinks = node.kind === 'chain' ? nodes.filter(({kind, inputs}) => kind === 'write' && inputs.includes(node.id)).map(topicOf) : [];
    for (const f of node.functions) add(f, sinks.join(', '), [counts(node, f)]);
  }
  return out.map((operator, place) => ({...operator, place}));
}

const same = (a, b) => a.name === b.name && a.code === b.code;
const topicOf = ({id}) => id.slice(id.lastIndexOf('/') + 1);

// The counters of GET /dataflow of which rates are asked: [name, count] each.
export function countersOf(service) {
  const {name, counters, operators, sources} = service;
  return [[`in ${name}`, counters.records_in], [`out ${name}`, counters.records_out],
    ...sources.map(({topic, partitions}) => [`${topicId(topic)} > ${serviceId(name)}`, partitions.reduce((sum, p) => sum + p.next_offset, 0)]),
    ...operators.flatMap((o) => [[`in ${o.node} ${o.step}`, o.in], ...(o.out === null ? [] : [[`out ${o.node} ${o.step}`, o.out]])])];
}

// Records a second along an edge; null where it is not known, or not counted.
export function edgeRate({from, to, kind}, rates) {
  if (kind !== 'flow') return null;
  return rates.of(from.startsWith('topic/') ? `${from} > ${to}` : `in ${from.slice('service/'.length)}/write/${to.slice('topic/'.length)} 0`);
}

// What an operator has done since the server started: {in, out, failed, in_rate, out_rate}; `out` is null for update-state.
export function operatorFigures(service, operator, rates) {
  const counted = operator.counted.map(({node, step}) => service.operators.find((o) => o.node === node && o.step === step)).filter(Boolean);
  const sum = (values) => values.reduce((a, b) => (a === null || b === null ? null : a + b), 0);
  return {in: sum(counted.map((o) => o.in)), out: sum(counted.map((o) => o.out)), failed: sum(counted.map((o) => o.failed)),
    in_rate: sum(counted.map((o) => rates.of(`in ${o.node} ${o.step}`))), out_rate: sum(counted.map((o) => rates.of(`out ${o.node} ${o.step}`)))};
}

// What is to be said of a service at the moment. Rates are null until they are known.
export function serviceFigures(service, now, rates) {
  const partitions = service.sources.flatMap((source) => source.partitions.map((p) => ({...p, topic: source.topic})));
  const {counters} = service;
  return {
    in: rates.of(`in ${service.name}`),
    out: rates.of(`out ${service.name}`),
    lag: partitions.reduce((sum, {lag}) => sum + lag, 0),
    delay: (service.window ?? service.join) && service.watermark !== null ? Math.max(0, now - service.watermark) : null,
    dead: counters.records_dead,
    late: counters.records_late,
    held: service.held,
    stopped: service.stopped,
    partitions,
  };
}
