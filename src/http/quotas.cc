#include "http/quotas.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

namespace gameflow::http {
namespace {

using std::chrono::nanoseconds;

// Of a bucket. An idle sender may bring so much at once, and then a request more.
constexpr std::chrono::seconds kDepth{1};
// Nobody waits for longer.
constexpr double kWaitMaxNs = 86'400e9;

constexpr std::array<std::string_view, 2> kUnits{"records", "bytes"};

// In which so much comes in, rounded up: many small requests are no way around it.
nanoseconds time_of(std::uint64_t amount, std::uint64_t in_a_second) {
  const double ns = static_cast<double>(amount) * 1e9 / static_cast<double>(in_a_second);
  return nanoseconds{static_cast<std::int64_t>(std::ceil(std::min(ns, kWaitMaxNs)))};
}

}  // namespace

std::optional<Quotas::Refusal> Quotas::take(const std::vector<Sender>& senders,
                                            std::uint64_t records, std::uint64_t bytes,
                                            Instant now) {
  const std::array brought{records, bytes};
  const MutexLock lock(mutex_);
  for (const Sender& sender : senders) {
    const std::array quota{sender.quota.records, sender.quota.bytes};
    const Buckets& full_at = buckets_of(sender.name, now);
    for (std::size_t i = 0; i < quota.size(); ++i) {
      if (quota[i] == 0 || full_at[i] - now < kDepth) continue;
      ++refused_requests_;
      refused_records_ += records;
      const auto wait = std::chrono::floor<std::chrono::seconds>(full_at[i] - now - kDepth) +
                        std::chrono::seconds(1);
      return Refusal{
          fmt::format("{} may send {} {} a second, and has sent more. This request brings {} "
                      "records in {} bytes: nothing of it was stored; send it again in {} s",
                      sender.name, quota[i], kUnits[i], records, bytes, wait.count()),
          wait};
    }
  }
  for (const Sender& sender : senders) {
    const std::array quota{sender.quota.records, sender.quota.bytes};
    Buckets& full_at = buckets_of(sender.name, now);
    for (std::size_t i = 0; i < quota.size(); ++i)
      if (quota[i] != 0) full_at[i] = std::max(full_at[i], now) + time_of(brought[i], quota[i]);
  }
  return std::nullopt;
}

Quotas::Buckets& Quotas::buckets_of(const std::string& name, Instant now) {
  if (senders_.size() >= kSendersMax && !senders_.contains(name)) {
    std::erase_if(senders_,
                  [now](const auto& one) { return *std::ranges::max_element(one.second) <= now; });
    // Else the next ones would look through all of them again.
    if (senders_.size() > kSendersMax / 2) senders_.clear();
  }
  return senders_[name];
}

std::size_t Quotas::senders() const {
  const MutexLock lock(mutex_);
  return senders_.size();
}

}  // namespace gameflow::http
