#include "base/memory_watch.h"

#include <algorithm>
#include <string>
#include <utility>

#include <malloc.h>

#include "base/memory_reserve.h"

namespace gameflow {

MemoryWatch::MemoryWatch(const MemoryLimit& limit, const Clock& clock, Read read)
    : max_(limit.max()), clock_(clock), read_(std::move(read)), limit_(limit) {
  const MutexLock lock(mutex_);
  observe(clock_.steady());
}

void MemoryWatch::observe(Duration now) const {
  limit_.observe(read_(), now);
  used_ = limit_.used();
  level_ = limit_.level();
  read_at_ms_ = now.ms;
}

void MemoryWatch::refresh() const {
  const Duration now = clock_.steady();
  std::int64_t read_at_ms = read_at_ms_.load();
  if (now.ms - read_at_ms < kAgeMax.ms) return;
  if (!read_at_ms_.compare_exchange_strong(read_at_ms, now.ms)) return;  // somebody else is at it
  const MutexLock lock(mutex_);
  observe(now);
}

MemoryWatch::Level MemoryWatch::look() {
  const Duration now = clock_.steady();
  const MutexLock lock(mutex_);
  if (!refill_memory_reserve()) limit_.ran_out(now);
  observe(now);
  if (limit_.level() == Level::kFine) return Level::kFine;
  if (trimmed_at_ && now - *trimmed_at_ < kTrimInterval) return limit_.level();
  trimmed_at_ = now;
  ::malloc_trim(0);
  observe(now);
  return limit_.level();
}

void MemoryWatch::ran_out() {
  const MutexLock lock(mutex_);
  limit_.ran_out(clock_.steady());
  level_ = limit_.level();
}

MemoryWatch::Level MemoryWatch::level() const {
  refresh();
  return level_;
}

std::uint64_t MemoryWatch::used() const {
  refresh();
  return used_;
}

std::uint64_t MemoryWatch::left() const {
  return max_ - std::min(max_, used());
}

Status MemoryWatch::status() const {
  if (level() == Level::kFine) return {};
  const auto mib = [](std::uint64_t bytes) { return std::to_string(bytes >> 20); };
  return fail(ErrorCode::kMemoryFull,
              "memory is full: " + mib(used()) + " of " + mib(max_) +
                  " MiB are in use; nothing was written. Send again later: windows that close give "
                  "memory back. If that is not enough, raise --memory-max or shorten the windows");
}

}  // namespace gameflow
