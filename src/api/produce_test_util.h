// For tests of what is sent: a store in memory, its records and the answers as text.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/produce.h"
#include "base/time.h"
#include "log/memory/memory_store.h"

namespace gameflow::api {

// What `send` answers for `body`: it gets (body, callback) and calls back before it returns, once.
template <class Send>
Result<ProduceReply> answer_to(std::string_view body, Send send) {
  std::optional<Result<ProduceReply>> out;
  // A copy that ends where its memory does: nothing may be read past it.
  const std::vector<char> exact(body.begin(), body.end());
  send(std::string_view(exact.data(), exact.size()), [&](Result<ProduceReply> reply) {
    EXPECT_FALSE(out) << "answered twice";
    out = std::move(reply);
  });
  EXPECT_TRUE(out) << "not answered";
  return out ? *out : Result<ProduceReply>(fail(ErrorCode::kInternal, "not answered"));
}

// "accepted/duplicates/rejected", errors, corrected times and warnings, or the code.
inline std::string text_of(const Result<ProduceReply>& reply) {
  if (!reply) return std::string(to_string(reply.error().code));
  std::string out = fmt::format("{}/{}/{}", reply->accepted, reply->duplicates, reply->rejected);
  for (const RejectedRecord& error : reply->errors)
    out += fmt::format(" {}:{}:{}", error.index, error.field, to_string(error.code));
  if (reply->corrected > 0) out += fmt::format(" corrected={}", reply->corrected);
  for (const RejectedRecord& told : reply->warnings)
    out += fmt::format(" warns {}:{}:{}", told.index, told.field, to_string(told.code));
  return out;
}

class StoreTest : public testing::Test {
 protected:
  explicit StoreTest(Timestamp now) : clock_(now) {}

  // "key=value" of every record, by partition; those without a key only their value.
  std::string stored(std::string_view topic) {
    const auto info = store_->topic(topic);
    std::string out;
    for (std::uint32_t p = 0; p < info->partitions.size(); ++p) {
      const auto read = store_->read(info->id, p, info->partitions[p].begin, 1U << 30);
      for (const auto& batch : read->batches) {
        for (std::size_t i = 0; i < batch->size(); ++i) {
          const record::RecordView record = (*batch)[i];
          if (!out.empty()) out += ' ';
          if (record.key) out += fmt::format("{}=", *record.key);
          out += record.value;
        }
      }
    }
    return out;
  }

  ManualClock clock_;
  std::unique_ptr<log::MemoryStore> store_ = log::make_memory_store(clock_);
};

}  // namespace gameflow::api
