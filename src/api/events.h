// Events of game clients, on their way to the topics that section `ingest` of the dataflow names.
//
// A client may say when it sent a request (`sent_at`). Where that is off by more than the dataflow
// allows, its clock is taken to be wrong by as much when its events happened, so their times are
// shifted, and what they said stays beside them: "event_timestamp" and "event_timestamp_raw". All
// else is stored byte for byte.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/record_checker.h"
#include "record/type.h"
#include "spec/ingest.h"

namespace gameflow::api {

// Takes those of one body, which is one event, an array, lines of events, or batches
// {"events":[…],"sent_at":…}, in any mixture. With `unwrap` all of it are batches, of events in the
// member of that name.
//
// Threads  one.
class Events {
 public:
  struct Settings {
    std::optional<std::string_view> sent_at;  // of the request
    std::optional<std::string_view> unwrap = {};
    Timestamp now;
    std::uint64_t known = 0;  // as RecordChecker::Settings
  };
  // References outlive the object.
  Events(Turns& turns, CheckScratch& scratch, const FindTopic& find, const spec::Ingest& ingest,
         const Settings& settings, CheckedBody& out);

  // Once. kInvalidJson, kPayloadTooLarge (too many events); as unwrap()
  Status add_all(std::string_view body, BodyFormat format);

 private:
  // What is known of the clock behind some events.
  struct ClientClock {
    bool is_told = false, is_unreadable = false;
    std::optional<Duration> behind;  // that is to be corrected
    ClockStats* stats = nullptr;     // once the platform is known
  };
  // Where events of one name go.
  struct Found {
    const spec::EventRoute* route;
    Destination to;
    std::optional<RecordChecker> checker;  // nothing: none may go there, as `error` says
    Error error;
    record::TimeUnit unit = record::TimeUnit::kNone;  // of times that are numbers
  };

  template <class Values>
  Status each(Values values);
  Status add_value(std::string_view value);
  Status add_event(std::string_view event, ClientClock& clock);
  void take(std::string_view event, ClientClock& clock);
  void reject_nameless(std::string_view event);
  Found* find(std::string_view name);
  ClientClock clock_of(std::optional<std::string_view> sent_at);
  void count(std::string_view event, const Found& found, ClientClock& clock);
  // The event with the time shifted; itself where it has none that can be read.
  std::string_view corrected(std::string_view event, const Found& found, ClientClock& clock);
  std::size_t bytes_after(std::string_view value) const;
  void warn(std::string field, ErrorCode code, std::string message);

  Turns& turns_;
  CheckScratch& scratch_;
  const FindTopic& find_;
  const spec::Ingest& ingest_;
  const Settings settings_;
  CheckedBody& out_;
  std::string_view body_;
  std::map<std::string, Found, std::less<>> found_;
};

}  // namespace gameflow::api
