// The connectors of this server: what each says of itself, kept in memory, and where it goes on,
// which is stored.
//
// Threads  every method may be called from any thread; forget() waits for the disk.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "log/store.h"

namespace gameflow::api {

// From a report on a connector counts as lost.
inline constexpr Duration kReportAgeMax{15'000};
inline constexpr std::size_t kConnectorsMax = 1000;

// What a running connector sends every few seconds.
struct ConnectorReport {
  std::string type;       // "http-source"
  std::string direction;  // "source" or "sink"
  std::vector<std::string> topics;
  std::string state;  // "starting", "running", "retrying", "failed" or "stopped"
  Timestamp since;    // of the state
  std::uint64_t records = 0, bytes = 0, rejected = 0, retries = 0;  // since it was started
  std::optional<std::uint64_t> lag;                                 // records
  std::optional<std::string> last_error;
  std::optional<Timestamp> last_error_at;
  std::uint64_t pid = 0;
  std::string version;
};

struct Connector {
  std::string name;
  std::optional<ConnectorReport> report;  // nothing: only what is stored is known
  std::optional<Timestamp> reported_at;
  // As reported; or "lost", where it does not report any more, or "not running".
  std::string state;
  log::ProducerState stored;
  std::optional<std::uint64_t> lag;  // of a sink by its stored position, else as reported
  // Between its last reports; nothing where there are none, or not any more.
  std::optional<double> records_per_second;

  bool is_up() const { return state == "running"; }
};

class Connectors {
 public:
  // Both outlive it.
  Connectors(log::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  // kInvalidArgument: a name that none can have, or too many connectors
  Status report(std::string_view name, ConnectorReport report);
  std::vector<Connector> list() const;  // by name
  // Nothing where there is none.
  std::optional<Connector> find(std::string_view name) const;

  enum class Forgotten : std::uint8_t { kDone, kUnknown, kStillReports };
  // Its report and its position.
  Result<Forgotten> forget(std::string_view name);

 private:
  struct Reported {
    ConnectorReport report;
    Timestamp at;
    // An earlier report of the same process, and the rate since then.
    std::uint64_t records_before = 0;
    Timestamp before;
    double records_per_second = 0;
  };
  static void measure(const Reported& last, Reported& now);
  Connector describe(std::string name, const Reported* reported, log::ProducerState stored) const;
  std::string state_of(const Reported& reported) const;
  std::optional<std::uint64_t> lag_behind(std::string_view position) const;

  log::Store& store_;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, Reported, std::less<>> reported_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::api
