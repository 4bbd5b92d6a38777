// Local time in a place: its offsets from UTC, as the system's time zone database has them
// (/usr/share/zoneinfo, package tzdata).
//
// Units    ms. A local time is what a clock in the place shows, counted as if it were UTC.
// Threads  immutable once loaded.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace gameflow {

class TimeZone {
 public:
  // "Europe/Berlin". kInvalidArgument: there is no such zone, or no database, which the message
  // tells.
  static Result<std::shared_ptr<const TimeZone>> load(std::string_view name);
  // All that load() knows, for suggestions.
  static std::vector<std::string> names();
  // The bytes of a TZif file (RFC 8536); null where they are none.
  static std::shared_ptr<const TimeZone> parse(std::string name, std::string_view bytes);

  const std::string& name() const { return name_; }
  // Local time less UTC.
  Duration offset_at(Timestamp utc) const;
  // The first moment at which the local clock shows `local` or more: of a time that is left out
  // when it is put forward, the moment of that; of one that comes twice, the first.
  Timestamp first_at(Timestamp local) const;

 private:
  struct Offset {
    Timestamp from;
    Duration offset;
  };

  std::string name_;
  std::vector<Offset> offsets_;  // by time; the first one counts for all time before, too
};

}  // namespace gameflow
