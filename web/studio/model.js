// The dataflow as nodes and edges to be drawn, from GET /dataflow/graph (which stays while the dataflow
// runs) and GET /dataflow (its counters). No DOM here.

// node: {id, kind: 'topic' | 'service', name, operators, states, links: [ids of neighbours], text to be searched}
// edge: {from, to, kind: 'flow' | 'late' | 'lookup'}
// operator: {place, name, code, of, from, to}: `place` tells it apart within its service
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
    nodes.set(id, {id, kind: 'service', name: service.name, window: service.window, operators, states,
      words: [service.name, ...operators.map((o) => o.name), ...states.map((s) => s.name)].join(' ')});
  }
  const link = (from, to, kind) => {
    if (!edges.some((e) => e.from === from && e.to === to)) edges.push({from, to, kind});
  };
  for (const {name, sources, sinks, states, window} of dataflow.services) {
    for (const {topic} of sources) link(addTopic(topic), serviceId(name), 'flow');
    for (const topic of sinks) link(serviceId(name), addTopic(topic), 'flow');
    if (window?.late_topic) link(serviceId(name), addTopic(window.late_topic), 'late');
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
  const add = (f, node, of) => out.push({name: f.name, code: f.code, of, type: node.type, node: node.id});
  for (const node of sources) {
    for (const f of node.functions) if (!isShared(f)) add(f, node, sources.length > 1 ? topicsOf('read', node.inputs).join(', ') : '');
  }
  for (const f of sources[0]?.functions ?? []) if (isShared(f)) add(f, sources[0], '');
  for (const node of nodes) {
    if (isSource(node)) continue;
    const sinks = node.kind === 'chain' ? nodes.filter(({kind, inputs}) => kind === 'write' && inputs.includes(node.id)).map(topicOf) : [];
    for (const f of node.functions) add(f, node, sinks.join(', '));
  }
  return out.map((operator, place) => ({...operator, place}));
}

const same = (a, b) => a.name === b.name && a.code === b.code;
const topicOf = ({id}) => id.slice(id.lastIndexOf('/') + 1);

// What is to be said of a service at the moment. Rates are null until they are known.
export function serviceFigures(service, now, rates) {
  const partitions = service.sources.flatMap((source) => source.partitions.map((p) => ({...p, topic: source.topic})));
  const {counters} = service;
  return {
    in: rates.of(`in ${service.name}`),
    out: rates.of(`out ${service.name}`),
    lag: partitions.reduce((sum, {lag}) => sum + lag, 0),
    delay: service.window && service.watermark !== null ? Math.max(0, now - service.watermark) : null,
    dead: counters.records_dead,
    late: counters.records_late,
    held: service.held,
    stopped: service.stopped,
    partitions,
  };
}
