// What a connector is made of: a Source brings records from elsewhere into topics, a Sink takes
// records of topics elsewhere. `gameflow connect FILE.yaml` runs one.
//
// Life     make, open, then poll or write and commit until close. After a Retry the object is
//          closed and destroyed, and another one is made and opened where the last durable one
//          ended.
// Threads  all calls come from one thread. What a connector does on threads of its own it hands
//          over in poll(), and it ends them in close().
// Errors   thrown. Retry: the other side is away for now. Any other std::exception is final: the
//          connector stops and shows its message, which says what is wrong and what to do.
// Secrets  settings come with `${env:…}` and the like filled in. They are for the other side, never
//          for messages.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gameflow/connect/settings.h>

namespace gameflow::connect {

// The other side cannot be reached, is overloaded, or broke off. The runner tries again with a
// growing, random pause, and after `wait` at the earliest (of an HTTP `Retry-After`, for example).
struct Retry : std::runtime_error {
  explicit Retry(const std::string& message, std::chrono::milliseconds at_least = {})
      : std::runtime_error(message), wait(at_least) {}
  std::chrono::milliseconds wait;
};

// What the runner does for a connector.
class Host {
 public:
  virtual ~Host() = default;
  // Whether it is time to stop. poll() and write() look at it where they wait for long.
  virtual bool is_stopping() const = 0;
  // A line in the log for a person, and nothing that happens for every record.
  virtual void tell(const std::string& line) = 0;
};

// --- sources -------------------------------------------------------------------------------------

// A record on its way into a topic.
struct Record {
  std::string value;
  std::optional<std::string> key{};
  std::string topic{};  // empty: the one of `meta`
};

struct Batch {
  std::vector<Record> records;
  // Where to open() to get what comes behind these records, in words of the source's own: UTF-8
  // without control characters, at most 4,096 bytes. Empty: this source cannot go back, what it has
  // not handed over is gone.
  std::string position{};
};

class Source {
 public:
  virtual ~Source() = default;
  // `position`: of the last batch that is durable; empty at the very first time.
  virtual void open(std::string_view position) = 0;
  // What has come, after at most about `wait`; no records if nothing has. Keeps a batch near
  // `bytes_max`.
  virtual Batch poll(std::chrono::milliseconds wait, std::size_t bytes_max) = 0;
  // All that came up to and with the batch of this position is durable: acknowledge it. Called for
  // each batch with records, in order.
  virtual void committed(std::string_view position) { (void)position; }
  // How many records (or, where nobody can tell, bytes) the other side holds that were not polled
  // yet.
  virtual std::optional<std::uint64_t> lag() const { return std::nullopt; }
  // Lets go of everything. Also called after a throw, and never throws.
  virtual void close() noexcept {}
};

// --- sinks ---------------------------------------------------------------------------------------

// A record of a topic. Views are valid during the call.
struct Delivery {
  std::string_view topic;
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;
  std::int64_t timestamp_ms = 0;  // of its append, UTC
  std::optional<std::string_view> key;
  std::string_view value;  // JSON, of raw topics too; see Kind::takes_bytes
};

// The next offset of each topic and partition.
using Positions = std::map<std::pair<std::string, std::uint32_t>, std::uint64_t>;

// A record that the other side will never take: it goes to the dead letters with the reason.
struct Refused {
  std::size_t index = 0;  // in the span that was written
  std::string reason;
};

class Sink {
 public:
  virtual ~Sink() = default;
  // Where to continue, if the other side itself has kept that beside the records: then each arrives
  // exactly once. Nothing: where the runner has noted it, after the last commit() that it saw
  // return, so that some records may come again.
  virtual std::optional<Positions> open() = 0;
  // Takes records, of each partition in order of their offsets; may keep them until commit().
  virtual std::vector<Refused> write(std::span<const Delivery> records) = 0;
  // Returns when all that was written is durable on the other side; `next` are the positions behind
  // it. A target that can keep them stores them in the same transaction.
  virtual void commit(const Positions& next) = 0;
  virtual void close() noexcept {}
};

// --- kinds ---------------------------------------------------------------------------------------

// A kind of connector, as data: reading its file, "did you mean", and its table on the reference
// page come from this.
struct Kind {
  std::string_view type;     // in `meta`: "mqtt-source"
  std::string_view section;  // the key of its settings in the file: "mqtt"
  std::string_view doc;      // one sentence, Markdown
  std::span<const Setting> settings;
  // One of the two; what it is given outlives what it makes. They may throw for settings that do
  // not go together.
  std::unique_ptr<Source> (*make_source)(const Settings&, Host&) = nullptr;
  std::unique_ptr<Sink> (*make_sink)(const Settings&, Host&) = nullptr;
  // Of a sink: it gets what raw topics hold as it is stored, bytes. Else as JSON: a text, a number,
  // `true`, `false`, of `bytes` base64.
  bool takes_bytes = false;
};

// Raised with every change of a layout or meaning above.
inline constexpr std::uint32_t kVersion = 2;

// What `gameflow connect` looks for in a library: see GAMEFLOW_CONNECTORS.
struct Library {
  std::uint32_t version;
  std::span<const Kind> kinds;
};

}  // namespace gameflow::connect

// Once in a library: `GAMEFLOW_CONNECTORS(kKinds)`, where kKinds is an array of Kind.
#define GAMEFLOW_CONNECTORS(kinds)                                                   \
  extern "C" const ::gameflow::connect::Library* gameflow_connectors() {             \
    static const ::gameflow::connect::Library library{::gameflow::connect::kVersion, \
                                                      ::std::span(kinds)};           \
    return &library;                                                                 \
  }
