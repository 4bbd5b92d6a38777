#include "api/events.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <gameflow/time.h>

#include "api/body_records.h"
#include "api/unwrap.h"
#include "base/byte_order_mark.h"
#include "base/closest.h"
#include "record/json_split.h"

namespace gameflow::api {
namespace {

constexpr std::string_view kName = "event_name", kSentAt = "sent_at";
constexpr std::size_t kPlatformBytesMax = 100;

// Years 1 to 9999: what can be written as a timestamp.
constexpr Timestamp kTimeMin{-62'135'596'800'000}, kTimeMax{253'402'300'799'999};

// Whether the event says more than once what it is called. `name`: what it says first.
bool is_named_twice(std::string_view event, std::string_view name) {
  const std::string_view behind(name.data() + name.size(), event.data() + event.size());
  const bool may_be =
      behind.find(kName) != std::string_view::npos || behind.find('\\') != std::string_view::npos;
  return may_be && record::repeated_member(event, {&kName, 1});
}

bool is_text(std::string_view json) {
  return json.size() >= 2 && json.front() == '"';
}

std::string_view unquoted(std::string_view json) {
  return is_text(json) ? json.substr(1, json.size() - 2) : json;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Whole numbers are ms.
std::optional<Timestamp> read_time(std::string_view text) {
  i64 ms = 0;
  if (const auto number = whole_number(text)) {
    ms = *number;
  } else if (!parse_time(text, &ms)) {
    return std::nullopt;
  }
  const Timestamp time{ms};
  if (time < kTimeMin || time > kTimeMax) return std::nullopt;
  return time;
}

// The time that stands in JSON, shifted.
std::optional<std::string> shifted(std::string_view json, Duration by, record::TimeUnit unit) {
  if (!is_text(json) && unit != record::TimeUnit::kNone) {
    const auto number = whole_number(json);
    std::int64_t shift = by.ms;
    if (unit == record::TimeUnit::kSeconds) shift = by.ms / 1000;
    std::int64_t sum = 0;
    const bool is_us = unit == record::TimeUnit::kMicroseconds;
    if (!number || (is_us && __builtin_mul_overflow(by.ms, 1000, &shift)) ||
        __builtin_add_overflow(*number, shift, &sum)) {
      return std::nullopt;
    }
    return std::to_string(sum);
  }
  const auto time = read_time(unquoted(json));
  if (!time) return std::nullopt;
  const Timestamp right = *time + by;
  if (right < kTimeMin || right > kTimeMax) return std::nullopt;
  return is_text(json) ? fmt::format("\"{}\"", format_timestamp(right)) : std::to_string(right.ms);
}

// The unit of times at a path of the type.
record::TimeUnit unit_of(const record::Type* type, std::string_view path) {
  while (type != nullptr && !path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const auto field =
        std::ranges::find(type->fields, path.substr(0, dot), &record::Field::read_name);
    if (field == type->fields.end()) return record::TimeUnit::kNone;
    type = field->type;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return type == nullptr ? record::TimeUnit::kNone : type->unit;
}

}  // namespace

Events::Events(Turns& turns, CheckScratch& scratch, const FindTopic& find,
               const spec::Ingest& ingest, const Settings& settings, CheckedBody& out)
    : turns_(turns),
      scratch_(scratch),
      find_(find),
      ingest_(ingest),
      settings_(settings),
      out_(out) {}

Status Events::add_all(std::string_view body, BodyFormat format) {
  body = without_byte_order_mark(body);
  body_ = body;
  if (std::ranges::all_of(body, is_space))
    return fail(ErrorCode::kInvalidJson,
                "the body is empty: send an event, an array of them, or "
                "{\"events\":[…],\"sent_at\":…}");
  if (format_of(body, format) == BodyFormat::kNdjson) {
    GF_TRY(each(Lines(body)));
  } else {
    GF_ASSIGN(std::vector<std::string_view> elements, record::split_json(body));
    GF_TRY(each(Elements(std::move(elements))));
  }
  for (auto& [name, found] : found_) {
    if (found.checker) found.checker->finish();
  }
  return {};
}

template <class Values>
Status Events::each(Values values) {
  Announcer announcer(body_, scratch_.decoder);
  std::string_view value;
  while (values.next(value)) {
    announcer.announce(values, value);
    GF_TRY(add_value(value));
  }
  return {};
}

// An event, or a batch of them.
Status Events::add_value(std::string_view value) {
  std::optional<std::string_view> events;
  if (!settings_.unwrap && !record::find_member(value, kName))
    events = record::find_member(value, "events");
  const bool is_batch = settings_.unwrap || (events && events->starts_with('['));
  // Looked for only where it may be.
  std::optional<std::string_view> sent_at = settings_.sent_at;
  if (!sent_at && value.find(kSentAt) != std::string_view::npos)
    sent_at = record::find_member(value, kSentAt);
  ClientClock clock = clock_of(sent_at);
  if (!is_batch) return add_event(value, clock);
  const auto elements = unwrap(value, settings_.unwrap.value_or("events"));
  if (!elements && settings_.unwrap) return fail(elements.error());
  if (!elements) {
    out_.reject("events", elements.error().code, elements.error().message);
    ++out_.records;
    return {};
  }
  for (const std::string_view element : *elements) {
    if (clock.is_told || element.find(kSentAt) == std::string_view::npos) {
      GF_TRY(add_event(element, clock));
      continue;
    }
    ClientClock own = clock_of(record::find_member(element, kSentAt));
    GF_TRY(add_event(element, own));
  }
  return {};
}

Status Events::add_event(std::string_view event, ClientClock& clock) {
  if (out_.records == ingest_.events_max) {
    return fail(ErrorCode::kPayloadTooLarge,
                fmt::format("there are more than {} events in the request; nothing was stored. "
                            "Send them in several",
                            ingest_.events_max));
  }
  take(event, clock);
  ++out_.records;
  return {};
}

void Events::take(std::string_view event, ClientClock& clock) {
  if (event.size() > ingest_.event_bytes_max) {
    return out_.reject({}, ErrorCode::kPayloadTooLarge,
                       fmt::format("the event has {} bytes; the limit is {}", event.size(),
                                   ingest_.event_bytes_max));
  }
  const auto written = record::find_member(event, kName);
  if (!written || !is_text(*written)) return reject_nameless(event);
  if (is_named_twice(event, *written))
    return out_.reject(std::string(kName), ErrorCode::kWrongType,
                       "the event has 'event_name' twice: which one counts?");
  std::string_view name = unquoted(*written);
  std::optional<std::string> unescaped;
  if (name.find('\\') != std::string_view::npos) {
    unescaped = record::json_field(out_.padded(event), kName);
    name = unescaped ? std::string_view(*unescaped) : std::string_view();
  }
  Found* const found = find(name);
  if (found == nullptr) {
    std::vector<std::string_view> names;
    for (const spec::EventRoute& route : ingest_.routes) names.emplace_back(route.event);
    return out_.reject(std::string(kName), ErrorCode::kUnknownEvent,
                       fmt::format("no events are called '{}' here{}", name.substr(0, 200),
                                   or_closest(name, names)));
  }
  if (!found->checker)
    return out_.reject(std::string(kName), found->error.code, found->error.message);
  count(event, *found, clock);
  const std::string_view stored = clock.behind ? corrected(event, *found, clock) : event;
  const bool is_same = stored.data() == event.data();
  found->checker->add(std::nullopt, stored, is_same ? bytes_after(event) : record::kPaddingBytes,
                      event);
}

void Events::reject_nameless(std::string_view event) {
  if (!scratch_.decoder.check(out_.padded(event))) {
    const record::DecodeError& error = scratch_.decoder.error();
    return out_.reject(error.field, error.code, error.message);
  }
  out_.reject(std::string(kName), ErrorCode::kMissingField,
              "an event is an object with a text in 'event_name', which says where it goes" +
                  (settings_.unwrap ? std::string() : unwrap_hint(event, nullptr)));
}

Events::Found* Events::find(std::string_view name) {
  if (const auto known = found_.find(name); known != found_.end()) return &known->second;
  const auto route = std::ranges::lower_bound(ingest_.routes, name, {}, &spec::EventRoute::event);
  if (route == ingest_.routes.end() || route->event != name) return nullptr;
  Found& found = found_[std::string(name)];
  found.route = &*route;
  if (auto to = find_(route->topic)) {
    found.to = *std::move(to);
    found.unit = unit_of(found.to.type, route->time);
    std::optional<std::string_view> key;
    if (route->key) key = *route->key;
    found.checker.emplace(turns_, scratch_, found.to,
                          RecordChecker::Settings{.format = BodyFormat::kJson,
                                                  .key_field = key,
                                                  .value_place = {},
                                                  .key_place = {},
                                                  .now = settings_.now,
                                                  .known = settings_.known,
                                                  .body_bytes = body_.size()},
                          out_);
  } else {
    found.error = std::move(to).error();
  }
  return &found;
}

Events::ClientClock Events::clock_of(std::optional<std::string_view> sent_at) {
  if (!sent_at || *sent_at == "null") return {};
  const auto sent = read_time(unquoted(*sent_at));
  if (!sent) {
    warn(std::string(kSentAt), ErrorCode::kWrongType,
         fmt::format("{} is no time that can be read: send ISO 8601 or ms since 1970; no time was "
                     "corrected",
                     sent_at->substr(0, 100)));
    return {.is_told = true, .is_unreadable = true};
  }
  ClientClock clock{.is_told = true};
  const Duration behind = settings_.now - *sent;
  if (std::abs(behind.ms) > ingest_.clock_drift.ms) clock.behind = behind;
  return clock;
}

// Counts for the clock's platform: of a batch that of its first event.
void Events::count(std::string_view event, const Found& found, ClientClock& clock) {
  if (!clock.is_told || out_.records < settings_.known) return;
  if (clock.stats == nullptr) {
    std::string_view platform;
    if (found.route->platform) {
      const auto written = record::find_member(event, *found.route->platform);
      if (written) platform = unquoted(*written).substr(0, kPlatformBytesMax);
    }
    clock.stats = &out_.clocks[std::string(platform)];
    if (clock.is_unreadable) ++clock.stats->unreadable;
    if (clock.behind) clock.stats->drift = *clock.behind;
  }
  ++clock.stats->events;
}

std::string_view Events::corrected(std::string_view event, const Found& found, ClientClock& clock) {
  const std::string& path = found.route->time;
  const auto written = record::find_member(event, path);
  const auto right = written ? shifted(*written, *clock.behind, found.unit) : std::nullopt;
  if (!right) {
    if (clock.stats != nullptr) ++clock.stats->unreadable;
    warn(path, written ? ErrorCode::kWrongType : ErrorCode::kMissingField,
         "the client's clock is off, but the event has no time that can be corrected");
    return event;
  }
  if (clock.stats != nullptr) ++clock.stats->corrected;
  ++out_.reply.corrected;
  const std::string_view name = std::string_view(path).substr(path.rfind('.') + 1);
  const auto begin = static_cast<std::size_t>(written->data() - event.data());
  return out_.padded(fmt::format("{}{},\"{}_raw\":{}{}", event.substr(0, begin), *right, name,
                                 *written, event.substr(begin + written->size())));
}

std::size_t Events::bytes_after(std::string_view value) const {
  if (value.empty()) return 0;
  return static_cast<std::size_t>(body_.data() + body_.size() - (value.data() + value.size()));
}

void Events::warn(std::string field, ErrorCode code, std::string message) {
  if (out_.reply.warnings.size() < kRejectedListed)
    out_.reply.warnings.push_back({out_.records, std::move(field), code, std::move(message)});
}

}  // namespace gameflow::api
