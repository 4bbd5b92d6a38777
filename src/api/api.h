// What a client can do with gameflow, as plain functions: no sockets, no HTTP, no JSON except the
// records'.
//
// Threads  every method may be called from any thread. produce() answers through a callback on the
//          store's commit thread, which must be quick.
// Errors   returned; the code decides the HTTP status (status_of in http/reply.h), the message goes
//          to the user as it is.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/clock_stats.h"
#include "api/connectors.h"
#include "api/dashboards.h"
#include "api/produce_stats.h"
#include "base/error.h"
#include "base/memory_watch.h"
#include "base/time.h"
#include "log/store.h"
#include "query/query.h"
#include "record/type.h"
#include "runtime/engine.h"
#include "spec/ingest.h"

namespace gameflow::api {

enum class BodyFormat : std::uint8_t {
  kJson,    // one object, or an array of records
  kNdjson,  // one record a line
  kAny,     // JSON where the body is one value, else lines; of raw records lines
};

struct ProduceOptions {
  BodyFormat format = BodyFormat::kNdjson;
  std::optional<std::string> key;        // one key for all records
  std::optional<std::string> key_field;  // path of the field that holds it: "user_data.user_id"
  std::optional<std::string> unwrap;     // path of the array of records in each value of the body
  bool are_keyed = false;  // records are {"key":…,"value":…}, as Kafka's REST has them
  // Exactly-once over retries: records are numbered from first_sequence, rejected ones included.
  std::optional<std::string> producer;
  std::uint64_t first_sequence = 0;
  // Stored in the same commit: where the producer goes on behind these records. With `producer`.
  std::optional<std::string> position;
  // Whether records whose ids the topic knows are left out; no: they are stored, and no id is
  // noted.
  bool deduplicates = true;
  // Events only: when the client sent the request, by its clock, ISO 8601 or ms.
  std::optional<std::string> sent_at;
  std::function<Status(std::string_view topic)> check_topic = {};  // may it be written? null: yes
  std::function<Status(std::uint64_t records)> admit = {};  // before any is stored; null: yes
};

struct RejectedRecord {
  std::uint64_t index = 0;  // position in the request
  std::string field;        // dotted path; empty: the whole record
  ErrorCode code = ErrorCode::kInvalidJson;
  std::string message;
};

struct ProduceReply {
  std::uint64_t accepted = 0, duplicates = 0, rejected = 0;
  std::uint64_t known = 0;  // of the duplicates: by the number that the producer gave them
  std::map<ErrorCode, std::uint64_t> rejected_by;  // all of them
  std::vector<RejectedRecord> errors;              // the first kRejectedListed of those rejected
  // Events only: those whose times were corrected, and what could not be read for it.
  std::uint64_t corrected = 0;
  std::vector<RejectedRecord> warnings;  // likewise, the first ones
};
inline constexpr std::size_t kRejectedListed = 100;

using ProduceCallback = std::function<void(Result<ProduceReply>)>;

using Columns = std::vector<std::pair<std::string, std::string>>;  // of a table: name, type
struct TopicDescription {
  log::TopicInfo info;
  std::string type;                      // name of the schema's type; empty: no schema
  std::string table;                     // in SQL; empty: none
  Columns columns;                       // of that
  std::optional<record::Kind> raw = {};  // records are such values' bytes, no JSON (record/raw.h)
};

struct StateDescription {
  runtime::Engine::TableName name;
  std::uint64_t rows = 0, bytes = 0;
  Columns columns;
};

// Which rows of a state; what is empty does not matter.
struct StateQuery {
  std::optional<std::string> key;     // without prefix and after
  std::optional<std::string> prefix;  // of the key as it is shown
  std::optional<Timestamp> window_start;
  bool is_newest_window = false;  // of the window that starts last
  std::string after;              // StateRows::next of the page before
  std::size_t limit = 1000;
};

struct StateWindow {
  Timestamp start{}, end{};
  bool is_closed = false;
  std::uint64_t rows = 0;
};

struct StateRows {
  query::Answer answer;
  std::string next;                  // where the following rows begin; empty: there are none
  std::vector<StateWindow> windows;  // all of the state's, in order of time
};

class Api {
 public:
  // `engine` may be null: a server with topics only; `memory` too: no limit. All are borrowed and
  // outlive the Api.
  Api(log::Store& store, const runtime::Engine* engine, const Clock& clock,
      const MemoryWatch* memory = nullptr);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // Checks every record of `body` (against the topic's schema, if it has one), appends the good
  // ones in one commit and reports the bad ones by index. `done` runs once the records are durable.
  // The body is used only during the call.
  //   kTopicNotFound (with a "did you mean"), kInvalidJson (the body cannot be split into records),
  //   kPayloadTooLarge, kSequenceGap, kDiskFull, kMemoryFull, kClosed, kOutcomeUnknown
  void produce(std::string_view topic, std::string_view body, const ProduceOptions& options,
               ProduceCallback done);

  // The same for records that say where they go (api/envelopes.h), all of them in one commit; keys
  // are theirs. A record for a topic that does not exist is a bad one. The producer numbers its
  // records over all topics, and its position may come without records.
  void produce_routed(std::string_view body, const ProduceOptions& options, ProduceCallback done);

  // The same for the events of clients, which go where the dataflow says. Times by clocks that are
  // off are corrected (api/events.h). kPayloadTooLarge: too many; kInvalidArgument: no `ingest`
  void produce_events(std::string_view body, const ProduceOptions& options, ProduceCallback done);
  // Of the dataflow; nothing: it takes no events.
  std::optional<spec::Ingest> ingest() const;
  ClocksByPlatform clocks() const;

  // The sequence number that `producer` should send next to `topic`; 0 for one that never sent.
  Result<std::uint64_t> next_sequence(std::string_view topic, std::string_view producer) const;
  // Of one that numbers its records over all topics.
  Result<log::ProducerState> producer(std::string_view producer) const;

  // Topics. create_topic is for topics without a schema; those of the dataflow exist already.
  Result<TopicDescription> create_topic(const log::TopicConfig& config);
  Status delete_topic(std::string_view name);  // kInvalidArgument while the dataflow uses it
  Result<TopicDescription> topic(std::string_view name) const;
  std::vector<TopicDescription> topics() const;
  // As Log::read, by name.
  Result<log::ReadResult> read(std::string_view topic, std::uint32_t partition, log::Offset from,
                               std::size_t bytes_max) const;

  // State and SQL. At most kQueriesMax queries run side by side; more get kUnavailable. The
  // parameter `now` is there anyway, in ms.
  Result<query::Answer> sql(std::string_view text, const query::Limits& limits,
                            query::Parameters parameters = {}) const;
  // Others than before where the answer of a query that `uses` this may be another one.
  std::vector<std::uint64_t> changes(const query::Uses& uses) const;
  std::vector<StateDescription> states() const;
  // Rows of one state, in order of window, then key.
  Result<StateRows> state_rows(std::string_view service, std::string_view state,
                               const StateQuery& wanted) const;
  static constexpr std::size_t kQueriesMax = 4;

  // Calls from now on see this engine; those that run go on with the one before until they are
  // done. Its graph must outlive the Api: decoders know types by their address.
  void take_over(std::shared_ptr<const runtime::Engine> engine);

  Connectors& connectors();
  Dashboards& dashboards();

  // The dataflow: null if there is none.
  std::shared_ptr<const runtime::Engine> engine() const;
  log::Log& log() const;
  const Clock& clock() const;
  const MemoryWatch* memory() const;
  // Ready: the store accepts commits, there is memory for them, and the engine makes progress.
  // Otherwise the reason.
  Status ready() const;
  Status alive() const;  // fails where only a restart helps: behind a sync that failed
  // Of services that have stopped at a record, as their `on-error` says: where and why.
  std::vector<std::string> stopped() const;
  ProduceStats produce_stats() const;
  // Prometheus text, version 0.0.4: everything of store, engine and produce.
  std::string metrics() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gameflow::api
