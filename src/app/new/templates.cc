#include "app/new/templates.h"

#include <fmt/format.h>

namespace gameflow::app {
namespace {

constexpr std::string_view kCounterDataflow =
    R"(# Counts events and points of each player, minute by minute.
apiVersion: 0.6.0
meta:
  name: @NAME@
  version: 0.1.0

types:
  event:
    type: object
    properties:
      player: { type: string }
      points: { type: i64, optional: true }
      at: { type: string } # ISO 8601
  player-count:
    type: object
    properties:
      player: { type: string }
      events: { type: u64 }
      points: { type: i64 }
  player-counts:
    type: list
    items: { type: player-count }

topics:
  events: { schema: { value: { type: event } }, partitions: 2 }
  counts: { schema: { value: { type: player-counts } } }

services:
  counting:
    sources: [{ type: topic, id: events }]
    states:
      # A row for each player; in C++ per_player(), in SQL table per_player.
      per-player:
        type: keyed-state
        properties:
          key: { type: string }
          value: { type: arrow-row, properties: { events: { type: u64 }, points: { type: i64 } } }
    window:
      tumbling: { duration: 1m }
      # How long the window waits for events that come out of order.
      watermark: { grace-period: 2s }
      assign-timestamp:
        run: |
          i64 time_of(const Event& event) { return parse_time(event.at); }
      partition:
        assign-key:
          run: |
            Text player_of(const Event& event) {
              if (event.player.empty()) throw std::invalid_argument("an event without a player");
              return event.player;
            }
        update-state:
          run: |
            void count(const Event& event) {
              per_player().events += 1;
              per_player().points += event.points.value_or(0);
            }
      # Once for each window, when it closes.
      flush:
        run: |
          PlayerCounts counts() {
            return sql<PlayerCounts>("select _key as player, events, points from per_player order by player");
          }
    sinks: [{ type: topic, id: counts }]
)";

constexpr std::string_view kCounterTest =
    R"(# Each player's events and points of a minute; an event without a player is a dead letter.
at 2024-11-12T10:00:10Z
dataflow dataflow.yaml

send events
{"player":"ann","points":5,"at":"2024-11-12T10:00:01Z"}
{"player":"bob","at":"2024-11-12T10:00:02Z"}
{"player":"ann","points":2,"at":"2024-11-12T10:00:03Z"}
{"player":"","at":"2024-11-12T10:00:04Z"}
run
expect sql select _key, events, points from per_player order by _key
ann 2 7
bob 1 0

end
expect counts
[{"player":"ann","events":2,"points":7},{"player":"bob","events":1,"points":0}]
expect stats counting in=4 out=1 dead=1 late=0
)";

constexpr std::string_view kWindowDataflow =
    R"(# The three best players of each 10 seconds. What comes too late is kept in a topic of its own.
apiVersion: 0.6.0
meta:
  name: @NAME@
  version: 0.1.0

types:
  score:
    type: object
    properties:
      player: { type: string }
      points: { type: i64 }
      at: { type: string } # ISO 8601
  best-player:
    type: object
    properties:
      player: { type: string }
      points: { type: i64 }
  best-players:
    type: list
    items: { type: best-player }

topics:
  scores: { schema: { value: { type: score } }, partitions: 2 }
  best: { schema: { value: { type: best-players } } }
  late-scores: {}

services:
  ranking:
    sources: [{ type: topic, id: scores }]
    states:
      # A row for each player; in C++ per_player(), in SQL table per_player.
      per-player:
        type: keyed-state
        properties:
          key: { type: string }
          value: { type: arrow-row, properties: { points: { type: i64 } } }
    window:
      tumbling: { duration: 10s }
      watermark: { grace-period: 2s, idleness: 5s }
      late: { topic: late-scores }
      # A score without a usable time counts for when it arrived.
      assign-timestamp:
        run: |
          i64 time_of(const Score& score, i64 arrival) { return parse_time(score.at, arrival); }
      partition:
        assign-key:
          run: |
            Text player_of(const Score& score) { return score.player; }
        update-state:
          run: |
            void add(const Score& score) { per_player().points += score.points; }
      flush:
        run: |
          BestPlayers best() {
            return sql<BestPlayers>("select _key as player, points from per_player order by points desc, player limit 3");
          }
    sinks: [{ type: topic, id: best }]
)";

constexpr std::string_view kWindowTest =
    R"(# The best of a window, and what comes after it has closed.
at 2024-11-12T10:00:05Z
dataflow dataflow.yaml

send scores
{"player":"ann","points":30,"at":"2024-11-12T10:00:01Z"}
{"player":"bob","points":10,"at":"2024-11-12T10:00:02Z"}
{"player":"cid","points":20,"at":"2024-11-12T10:00:03Z"}
{"player":"dee","points":5,"at":"2024-11-12T10:00:03Z"}
{"player":"bob","points":15,"at":"2024-11-12T10:00:04Z"}
run
expect best

# The window closes 2 s after its end, once the other partition has been silent for 5 s.
at 2024-11-12T10:00:13Z
send scores
{"player":"ann","points":1,"at":"2024-11-12T10:00:12Z"}
advance 5s
expect best
[{"player":"ann","points":30},{"player":"bob","points":25},{"player":"cid","points":20}]

send scores
{"player":"bob","points":100,"at":"2024-11-12T10:00:09Z"}
run
expect late-scores
{"player":"bob","points":100,"at":"2024-11-12T10:00:09Z"}
expect stats ranking in=7 late=1
)";

constexpr std::string_view kFilterDataflow =
    R"(# One topic into another: purchases only, with their total.
apiVersion: 0.6.0
meta:
  name: @NAME@
  version: 0.1.0

types:
  event:
    type: object
    properties:
      player: { type: string }
      kind: { type: string }
      price: { type: f64, optional: true }
      pieces: { type: u32, optional: true }
  purchase:
    type: object
    properties:
      player: { type: string }
      total: { type: f64 }

topics:
  events: { schema: { value: { type: event } }, partitions: 2 }
  purchases: { schema: { value: { type: purchase } } }

services:
  purchases-only:
    sources: [{ type: topic, id: events }]
    # Each record goes through them in order, as one loop.
    transforms:
      - operator: filter
        run: |
          bool is_purchase(const Event& event) { return event.kind == "purchase"; }
      - operator: map
        run: |
          Purchase with_total(const Event& event) {
            if (!event.price) throw std::invalid_argument("a purchase without a price");
            return {.player = event.player, .total = *event.price * event.pieces.value_or(1)};
          }
    sinks: [{ type: topic, id: purchases }]
)";

constexpr std::string_view kFilterTest =
    R"(# Purchases go on with their total; one without a price is a dead letter.
dataflow dataflow.yaml

send events
{"player":"ann","kind":"move"}
{"player":"ann","kind":"purchase","price":2.5,"pieces":3}
{"player":"bob","kind":"purchase","price":1}
{"player":"cid","kind":"purchase"}
run
expect purchases
{"player":"ann","total":7.5}
{"player":"bob","total":1}

expect stats purchases-only in=4 out=2 dead=1
)";

constexpr Template kTemplates[] = {
    {"counter", "events and points of each player, minute by minute", kCounterDataflow,
     kCounterTest, "events", R"({"player":"ann","points":5,"at":"2024-11-12T10:00:01Z"})", "counts",
     "select * from per_player"},
    {"window", "the best players of each 10 seconds, and what came too late", kWindowDataflow,
     kWindowTest, "scores", R"({"player":"ann","points":30,"at":"2024-11-12T10:00:01Z"})", "best",
     "select * from per_player"},
    {"filter", "one topic into another, without a state", kFilterDataflow, kFilterTest, "events",
     R"({"player":"ann","kind":"purchase","price":2.5})", "purchases", ""},
};

}  // namespace

std::span<const Template> all_templates() {
  return kTemplates;
}

std::string filled(std::string_view text, std::string_view name) {
  constexpr std::string_view kMark = "@NAME@";
  std::string out(text);
  for (std::size_t at = out.find(kMark); at != std::string::npos; at = out.find(kMark, at))
    out.replace(at, kMark.size(), name);
  return out;
}

std::string readme(const Template& chosen, std::string_view name) {
  const std::string query =
      chosen.query.empty()
          ? ""
          : fmt::format("gameflow sql '{}'     # what is counted right now\n", chosen.query);
  return fmt::format(
      "# {0}\n\n"
      "{1}{2}. The dataflow is `dataflow.yaml`, its test `{3}.test`.\n\n"
      "```sh\n"
      "gameflow test                      # a second or two\n"
      "gameflow run --watch dataflow.yaml # http://127.0.0.1:3001, takes over what you change\n"
      "```\n\n"
      "In another terminal:\n\n"
      "```sh\n"
      "echo '{4}' | gameflow produce {5}\n"
      "{6}"
      "gameflow consume {7} -B            # results\n"
      "gameflow dead-letters list         # what could not be processed, and why\n"
      "```\n",
      name, static_cast<char>(chosen.purpose[0] - 'a' + 'A'), chosen.purpose.substr(1), chosen.name,
      chosen.event, chosen.topic, query, chosen.output);
}

}  // namespace gameflow::app
