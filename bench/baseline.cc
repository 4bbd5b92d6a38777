#include "baseline.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <simdjson.h>

namespace gameflow::bench {
namespace {

struct PlayerEvent {
  std::string_view event_name;
  std::string_view player_id, session_id, event_type, level_id, map_id;
  std::string_view event_timestamp;
  std::string_view user_id, platform;
};

// Throws simdjson_error. The fields are asked for in the order in which they stand in the JSON.
PlayerEvent decode(simdjson::ondemand::parser& parser, std::string_view json) {
  auto document = parser.iterate(json, json.size() + simdjson::SIMDJSON_PADDING);
  PlayerEvent event;
  event.event_name = document["event_name"].get_string().value();
  simdjson::ondemand::object parameters = document["parameters"].get_object();
  event.player_id = parameters["player_id"].get_string().value();
  event.session_id = parameters["session_id"].get_string().value();
  event.event_type = parameters["event_type"].get_string().value();
  event.level_id = parameters["level_id"].get_string().value();
  event.map_id = parameters["map_id"].get_string().value();
  event.event_timestamp = document["event_timestamp"].get_string().value();
  simdjson::ondemand::object user = document["user_data"].get_object();
  event.user_id = user["user_id"].get_string().value();
  event.platform = user["platform"].get_string().value();
  return event;
}

// "2024-11-12T10:15:30Z" or "2024-11-12T10:15:30.250Z" in ms UTC.
std::int64_t parse_time(std::string_view text) {
  const auto number = [&](std::size_t begin, std::size_t size) {
    int value = 0;
    for (const char digit : text.substr(begin, size)) {
      if (digit < '0' || digit > '9') throw std::runtime_error("malformed time");
      value = value * 10 + (digit - '0');
    }
    return value;
  };
  if (text.size() < 20) throw std::runtime_error("malformed time");
  const std::chrono::sys_days day = std::chrono::year(number(0, 4)) /
                                    std::chrono::month(static_cast<unsigned>(number(5, 2))) /
                                    std::chrono::day(static_cast<unsigned>(number(8, 2)));
  const std::int64_t seconds = day.time_since_epoch().count() * std::int64_t{86'400} +
                               number(11, 2) * 3'600 + number(14, 2) * 60 + number(17, 2);
  return seconds * 1'000 + (text.size() >= 24 && text[19] == '.' ? number(20, 3) : 0);
}

struct TextHash : std::hash<std::string_view> {
  using is_transparent = void;
};
using Counts = boost::unordered_flat_map<std::string, std::uint32_t, TextHash, std::equal_to<>>;

// The ids need no escapes: they came from JSON without any.
std::string encode_sorted(const Counts& counts) {
  std::vector<std::pair<std::uint32_t, std::string_view>> rows;
  rows.reserve(counts.size());
  for (const auto& [player, count] : counts) rows.emplace_back(count, player);
  std::ranges::sort(rows, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::string json = "[";
  json.reserve(rows.size() * 48);
  for (const auto& [count, player] : rows) {
    if (json.size() > 1) json += ',';
    json += R"({"player_id":")";
    json += player;
    json += R"(","event_count":)";
    json += std::to_string(count);
    json += '}';
  }
  json += ']';
  return json;
}

constexpr std::int64_t kBeforeMs = 500, kKeptMs = 1'500;

// What waits for its other half, of one player.
struct Waiting {
  std::int64_t at;
  std::string level, text;  // its time as it came
};
struct Sides {
  std::deque<Waiting> sides[2];
};
using Waiters = boost::unordered_flat_map<std::string, Sides, TextHash, std::equal_to<>>;

class JoinLoop {
 public:
  void take(const record::Batch& batch, bool is_right, std::string& lines) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const PlayerEvent event = decode(parser_, batch[i].value);
      const std::int64_t at = parse_time(event.event_timestamp);
      auto found = waiting_.find(event.user_id);
      if (found == waiting_.end()) found = waiting_.emplace(event.user_id, Sides()).first;
      Sides& sides = found->second;
      for (auto& side : sides.sides) {
        while (!side.empty() && side.front().at < at - kKeptMs) side.pop_front();
      }
      for (const Waiting& other : sides.sides[is_right ? 0 : 1]) {
        const std::int64_t apart = is_right ? other.at - at : at - other.at;  // left - right
        if (apart < 0 || apart > kBeforeMs) continue;
        add(event.user_id, is_right, event.level_id, other.level, event.event_timestamp, other.text,
            lines);
      }
      sides.sides[is_right ? 1 : 0].push_back(
          {at, std::string(event.level_id), std::string(event.event_timestamp)});
    }
  }

 private:
  static void add(std::string_view player, bool is_right, std::string_view level,
                  std::string_view other_level, std::string_view at, std::string_view other_at,
                  std::string& lines) {
    if (is_right) {
      std::swap(level, other_level);
      std::swap(at, other_at);
    }
    lines.append(R"({"player":")").append(player);
    lines.append(R"(","level":")").append(level);
    lines.append(R"(","other_level":")").append(other_level);
    lines.append(R"(","at":")").append(at);
    lines.append(R"(","other_at":")").append(other_at).append("\"}\n");
  }

  simdjson::ondemand::parser parser_;
  Waiters waiting_;
};

}  // namespace

void run_join(const Events& left, const Events& right,
              const std::function<void(std::string_view)>& take) try {
  JoinLoop loop;
  std::string lines;
  for (std::size_t i = 0; i < left.batches.size(); ++i) {
    lines.clear();
    loop.take(*left.batches[i], false, lines);
    loop.take(*right.batches[i], true, lines);
    take(lines);
  }
} catch (const simdjson::simdjson_error& error) {
  throw std::runtime_error(error.what());
}

BaselineResult run_baseline(const Events& events) try {
  BaselineResult result;
  simdjson::ondemand::parser parser;
  Counts counts;
  std::int64_t window_end = 0;
  const auto flush = [&] {
    if (counts.empty()) return;
    result.last_json = encode_sorted(counts);
    result.players += counts.size();
    ++result.windows;
    counts.clear();
  };
  for (const auto& batch : events.batches) {
    for (std::size_t i = 0; i < batch->size(); ++i) {
      const PlayerEvent event = decode(parser, (*batch)[i].value);
      const std::int64_t time = parse_time(event.event_timestamp);
      if (time >= window_end) {
        flush();
        window_end = time - time % events.options.window_ms + events.options.window_ms;
      }
      const auto found = counts.find(event.user_id);
      if (found != counts.end()) {
        ++found->second;
      } else {
        counts.emplace(event.user_id, 1);
      }
      ++result.events;
    }
  }
  flush();
  return result;
} catch (const simdjson::simdjson_error& error) {
  throw std::runtime_error(error.what());
}

void run_filter_map(const Events& events, const std::function<void(std::string_view)>& take) try {
  simdjson::ondemand::parser parser;
  std::string lines;
  const auto field = [&](std::string_view before, std::string_view text) {
    lines += before;
    lines += text;
  };
  for (const auto& batch : events.batches) {
    lines.clear();
    for (std::size_t i = 0; i < batch->size(); ++i) {
      const PlayerEvent event = decode(parser, (*batch)[i].value);
      if (event.event_type == "chat" || event.platform == "Mobile") continue;
      field(R"({"player":")", event.player_id);
      field(R"(","action":")", event.event_type);
      field(R"(","level":")", event.level_id);
      field(R"(","at":")", event.event_timestamp);
      lines += "\"}\n";
    }
    take(lines);
  }
} catch (const simdjson::simdjson_error& error) {
  throw std::runtime_error(error.what());
}

void run_session_loop(const Events& events, std::int64_t gap_ms,
                      const std::function<void(std::string_view)>& take) try {
  struct Session {
    std::int64_t first, last;
    std::uint32_t events;
  };
  boost::unordered_flat_map<std::string, Session, TextHash, std::equal_to<>> open;
  simdjson::ondemand::parser parser;
  std::string lines;
  const auto end = [&](std::string_view player, const Session& session) {
    lines += R"({"player":")";
    lines += player;
    lines += R"(","from":)";
    lines += std::to_string(session.first);
    lines += R"(,"to":)";
    lines += std::to_string(session.last + gap_ms);
    lines += R"(,"events":)";
    lines += std::to_string(session.events);
    lines += "}\n";
  };
  for (const auto& batch : events.batches) {
    lines.clear();
    for (std::size_t i = 0; i < batch->size(); ++i) {
      const PlayerEvent event = decode(parser, (*batch)[i].value);
      const std::int64_t time = parse_time(event.event_timestamp);
      const auto found = open.find(event.user_id);
      if (found == open.end()) {
        open.emplace(event.user_id, Session{time, time, 1});
      } else if (Session& session = found->second; time < session.last + gap_ms) {
        session.last = time;
        ++session.events;
      } else {
        end(event.user_id, session);
        session = {time, time, 1};
      }
    }
    take(lines);
  }
  lines.clear();
  for (const auto& [player, session] : open) end(player, session);
  take(lines);
} catch (const simdjson::simdjson_error& error) {
  throw std::runtime_error(error.what());
}

void run_look_up(const Events& events, const std::vector<PlayerLevel>& levels,
                 const std::function<void(std::string_view)>& take) try {
  simdjson::ondemand::parser parser;
  Counts by_player;
  for (const PlayerLevel& level : levels) by_player.emplace(level.player, level.level);
  std::string lines;
  for (const auto& batch : events.batches) {
    lines.clear();
    for (std::size_t i = 0; i < batch->size(); ++i) {
      const PlayerEvent event = decode(parser, (*batch)[i].value);
      const auto found = by_player.find(event.user_id);
      if (found == by_player.end()) continue;
      lines += R"({"player":")";
      lines += event.player_id;
      lines += R"(","action":")";
      lines += event.event_type;
      lines += R"(","level":)";
      lines += std::to_string(found->second);
      lines += "}\n";
    }
    take(lines);
  }
} catch (const simdjson::simdjson_error& error) {
  throw std::runtime_error(error.what());
}

}  // namespace gameflow::bench
