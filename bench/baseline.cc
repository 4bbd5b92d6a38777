#include "baseline.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
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

}  // namespace

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

}  // namespace gameflow::bench
