#include "runtime/late_meter.h"

namespace gameflow::runtime {
namespace {

constexpr Duration kMinute{60'000};
constexpr double kWarnRatio = 0.5;
constexpr std::uint64_t kWarnRecords = 20;  // fewer say nothing

}  // namespace

void LateMeter::add(Duration now, std::uint64_t records, std::uint64_t late) {
  const std::int64_t number = now.ms / kSlotMs;
  Slot& slot = slots_[static_cast<std::size_t>(number) % kSlots];
  if (slot.number != number) slot = {number, {}};
  slot.count.records += records;
  slot.count.late += late;
}

LateMeter::Count LateMeter::last_minute(Duration now) const {
  const std::int64_t newest = now.ms / kSlotMs;
  Count count;
  for (const Slot& slot : slots_) {
    if (slot.number < 0 || slot.number + static_cast<std::int64_t>(kSlots) <= newest) continue;
    count.records += slot.count.records;
    count.late += slot.count.late;
  }
  return count;
}

bool LateMeter::should_warn(Duration now) {
  if (now < quiet_until_) return false;
  const Count count = last_minute(now);
  if (count.records < kWarnRecords || count.ratio() < kWarnRatio) return false;
  quiet_until_ = now + kMinute;
  return true;
}

}  // namespace gameflow::runtime
