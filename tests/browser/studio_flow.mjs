// A dataflow of thirty services as YAML: ten modes of a game, each cleaned and scored, pairs of them merged and
// watched. Every kind of operator that studio shows is in it, and `watch-…` throws for a player called "broken".

export const kModes = ['duel', 'ranked', 'coop', 'raid', 'siege', 'race', 'survival', 'arcade', 'training', 'event'];
const kRegions = ['eu', 'us', 'asia'];
const pairs = Array.from({length: kModes.length / 2}, (_, i) => [kModes[2 * i], kModes[2 * i + 1]]);

const camel = (name) => name.replaceAll('-', '_');

const clean = (mode, i) => `
  clean-${mode}:
    sources: [{ type: topic, id: ${kRegions[i % kRegions.length]}-shots }]
    transforms:
      - operator: filter
        run: |
          bool is_${mode}(const Shot& shot) { return shot.mode == "${mode}"; }
      - operator: map
        run: |
          // Nobody deals more than 1,000.
          Shot cap(const Shot& shot) {
            Shot capped = shot;
            if (capped.damage > 1000) capped.damage = 1000;
            return capped;
          }
    sinks: [{ type: topic, id: ${mode}-shots }]`;

const score = (mode) => `
  score-${mode}:
    sources: [{ type: topic, id: ${mode}-shots }]
    states:
      damage-per-player-${mode}:
        type: keyed-state
        properties:
          key: { type: string }
          value: { type: arrow-row, properties: { shots: { type: u32 }, damage: { type: i64 } } }
    window:
      tumbling: { duration: 5s }
      watermark: { grace-period: 1s, idleness: 1s }
      assign-timestamp:
        run: |
          i64 time_of_${mode}(const Shot&, i64 record_time) { return record_time; }
      partition:
        assign-key:
          run: |
            Text player_of_${mode}(const Shot& shot) { return shot.player; }
        update-state:
          run: |
            void add_${mode}(const Shot& shot) {
              damage_per_player_${camel(mode)}().shots += 1;
              damage_per_player_${camel(mode)}().damage += shot.damage;
            }
      flush:
        run: |
          Scores best_of_${mode}() {
            return sql<Scores>("select _key as player, damage from damage_per_player_${camel(mode)} order by damage desc, _key limit 10");
          }
    sinks: [{ type: topic, id: ${mode}-scores }]`;

const merge = ([a, b]) => `
  merge-${a}-${b}:
    sources: [{ type: topic, id: ${a}-shots }, { type: topic, id: ${b}-shots }]
    sinks: [{ type: topic, id: ${a}-and-${b} }]`;

const watch = ([a, b]) => `
  watch-${a}-${b}:
    sources: [{ type: topic, id: ${a}-and-${b} }]
    transforms:
      - operator: filter-map
        run: |
          Optional<Alert> suspicious_in_${a}(const Shot& shot) {
            if (shot.player == "broken") throw std::runtime_error("this player is broken");
            if (shot.damage < 900) return {};
            Alert alert;
            alert.player = shot.player;
            alert.damage = shot.damage;
            return alert;
          }
    sinks: [{ type: topic, id: alerts }]`;

const topic = (name, type, partitions = 1) => `
  ${name}: { schema: { value: { type: ${type} } }, partitions: ${partitions} }`;

export const manyServices = () => `apiVersion: 0.6.0
meta: { name: arena-analytics, version: 1.4.0, namespace: tests }
types:
  shot: { type: object, properties: { player: { type: string }, mode: { type: string }, damage: { type: i32 } } }
  alert: { type: object, properties: { player: { type: string }, damage: { type: i32 } } }
  score: { type: object, properties: { player: { type: string }, damage: { type: i64 } } }
  scores: { type: list, items: { type: score } }
topics:${[...kRegions.map((r) => topic(`${r}-shots`, 'shot', 2)), ...kModes.flatMap((m) => [topic(`${m}-shots`, 'shot'), topic(`${m}-scores`, 'scores')]),
    ...pairs.map(([a, b]) => topic(`${a}-and-${b}`, 'shot')), topic('alerts', 'alert')].join('')}
services:${[...kModes.map(clean), ...kModes.map(score), ...pairs.map(merge), ...pairs.map(watch)].join('')}
`;

// `count` shots over all modes and 40 players, for each region.
export const shots = (count, seed = 0) => Array.from({length: count}, (_, i) =>
  ({player: `player-${(i * 7 + seed) % 40}`, mode: kModes[(i + seed) % kModes.length], damage: (i * 37 + seed) % 1100}));
export {kRegions};
