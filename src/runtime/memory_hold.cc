#include "runtime/memory_hold.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace gameflow::runtime {
namespace {

// Batches, decoded values, changed rows as they are stored, and the store's copies of these.
constexpr std::size_t kCopiesOfInput = 8;
constexpr std::size_t kInputBytesMin = 1U << 20;

constexpr std::uint64_t kMadeBytesMin = 64U << 20, kMadeBytesMax = 1U << 30;
// An epoch of no more than this, or of a batch, is not made smaller for what is made of it.
constexpr std::size_t kLeastInputBytes = 64U << 10;
// An epoch that was too large is done again in so many; then they grow by an eighth each.
constexpr std::size_t kPieces = 4, kGrowth = 8;
constexpr std::size_t kMuch = 64;  // times the input
constexpr std::uint64_t kGrownBytesMin = 64U << 20;

}  // namespace

std::vector<bool> services_at_fault(std::span<const std::uint64_t> state_bytes,
                                    std::uint64_t memory_max) {
  std::vector<bool> at_fault(state_bytes.size());
  const auto stateful = std::ranges::count_if(state_bytes, [](auto bytes) { return bytes != 0; });
  if (stateful == 0) return at_fault;
  const std::uint64_t share = memory_max / static_cast<std::uint64_t>(stateful);
  for (std::size_t i = 0; i < state_bytes.size(); ++i) at_fault[i] = state_bytes[i] > share;
  if (std::ranges::count(at_fault, true) == 0)
    at_fault[static_cast<std::size_t>(std::ranges::max_element(state_bytes) -
                                      state_bytes.begin())] = true;
  return at_fault;
}

MemoryHold::MemoryHold(MemoryWatch* watch, std::vector<std::string> services)
    : watch_(watch), services_(std::move(services)), held_(services_.size()) {}

void MemoryHold::look(std::span<const std::uint64_t> state_bytes) {
  if (watch_ == nullptr) return;
  if (watch_->look() == MemoryLimit::Level::kFull) {
    hold(state_bytes);
  } else {
    release();
  }
}

void MemoryHold::hold(std::span<const std::uint64_t> state_bytes) {
  const std::vector<bool> at_fault = services_at_fault(state_bytes, watch_->max());
  for (std::size_t i = 0; i < held_.size(); ++i) {
    if (held_[i] || !at_fault[i]) continue;
    held_[i] = true;
    spdlog::warn(
        "memory is full ({} of {} MiB): service '{}', whose state takes {} MiB, gets no input "
        "until "
        "windows have closed; if none closes by itself, raise --memory-max or shorten its window",
        watch_->used() >> 20, watch_->max() >> 20, services_[i], state_bytes[i] >> 20);
  }
}

void MemoryHold::release() {
  for (std::size_t i = 0; i < held_.size(); ++i) {
    if (!held_[i]) continue;
    held_[i] = false;
    spdlog::info("memory is no longer full ({} of {} MiB): service '{}' goes on",
                 watch_->used() >> 20, watch_->max() >> 20, services_[i]);
  }
}

bool MemoryHold::has_grown() const {
  return watch_ != nullptr &&
         watch_->used() > given_back_at_ + std::max(given_back_at_ / 4, kGrownBytesMin);
}

void MemoryHold::note_given_back() {
  if (watch_ == nullptr) return;
  watch_->look();  // what used() says may be of before
  given_back_at_ = watch_->used();
}

void MemoryHold::ran_out() {
  if (watch_ != nullptr) watch_->ran_out();
}

std::size_t MemoryHold::input_bytes_max() const {
  if (watch_ == nullptr) return input_bytes_max_;
  return std::min(input_bytes_max_,
                  std::max<std::size_t>(watch_->left() / kCopiesOfInput, kInputBytesMin));
}

std::uint64_t MemoryHold::made_bytes_max() const {
  const std::uint64_t left = watch_ == nullptr ? 2 * kMadeBytesMax : watch_->left();
  const std::uint64_t most = std::max(left / 2, kMadeBytesMin);
  return input_bytes_max_ <= kLeastInputBytes ? most : std::min(most, kMadeBytesMax);
}

bool MemoryHold::made_too_much(std::size_t input_bytes, std::uint64_t made_bytes_max) {
  if (input_bytes_max_ <= kLeastInputBytes) return false;
  input_bytes_max_ = std::max<std::size_t>(1, std::min(input_bytes_max_, input_bytes) / kPieces);
  // A large epoch of many services may make that much; more than that of little is somebody's
  // fault.
  const bool is_much = input_bytes < made_bytes_max / kMuch;
  spdlog::log(
      is_much ? spdlog::level::warn : spdlog::level::info,
      "of {} MiB of input functions made more than {} MiB in memory; nothing is lost: it is "
      "done again in smaller pieces{}",
      std::max<std::size_t>(1, input_bytes >> 20), made_bytes_max >> 20,
      is_much ? ". Do lists grow with each record?" : "");
  return true;
}

void MemoryHold::fitted() {
  if (input_bytes_max_ > SIZE_MAX / 2) return;
  input_bytes_max_ += input_bytes_max_ / kGrowth + 1;
}

}  // namespace gameflow::runtime
