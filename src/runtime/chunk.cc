#include "runtime/chunk.h"

#include <algorithm>
#include <utility>

namespace gameflow::runtime {
namespace {

constexpr std::size_t kArenaBytesKept = 2U << 20;

}  // namespace

void Chunk::clear() {
  source_ = {};
  arena_.reset(kArenaBytesKept);
  values_.clear();
  times_.clear();
  origins_.clear();
  undecoded_.clear();
}

void Chunk::decode(Source source, record::BatchDecoder& decoder, record::BlockArena* passing) {
  source_ = std::move(source);
  const record::Type& type = *source_.type;
  std::size_t count = 0;
  for (const auto& batch : source_.batches) count += batch->size();
  values_.reserve(count);
  times_.reserve(count);
  origins_.reserve(count);
  const std::size_t align = std::max<std::size_t>(type.align, 8);
  record::BlockArena& arena = passing != nullptr ? *passing : arena_;
  auto* value = static_cast<char*>(arena.allocate(count * type.size, align));
  for (const auto& batch : source_.batches) {
    const std::size_t begin = batch->index_of(source_.from);
    failures_.clear();
    decoder.decode(type, *batch, begin, arena, value, failures_);
    auto failure = failures_.begin();
    for (auto index = static_cast<std::uint32_t>(begin); index < batch->size(); ++index) {
      const char* const decoded = std::exchange(value, value + type.size);
      const Origin origin{batch.get(), index};
      if (failure != failures_.end() && failure->record == index) {
        undecoded_.push_back({origin, std::move(failure->error)});
        ++failure;
        continue;
      }
      values_.push_back(decoded);
      times_.push_back(batch->timestamp(index).ms);
      origins_.push_back(origin);
    }
  }
}

}  // namespace gameflow::runtime
