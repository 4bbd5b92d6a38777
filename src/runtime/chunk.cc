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

void Chunk::decode(Source source, record::Decoder& decoder) {
  source_ = std::move(source);
  const record::Type& type = *source_.type;
  std::size_t count = 0;
  for (const auto& batch : source_.batches) count += batch->size();
  values_.reserve(count);
  times_.reserve(count);
  origins_.reserve(count);
  const std::size_t align = std::max<std::size_t>(type.align, 8);
  auto* value = static_cast<char*>(arena_.allocate(count * type.size, align));
  for (const auto& batch : source_.batches) {
    const auto begin = static_cast<std::uint32_t>(batch->index_of(source_.from));
    std::size_t announced = begin;
    for (std::uint32_t index = begin; index < batch->size(); ++index) {
      if (index == announced) {
        announced = batch->run_end(index, record::kLookAheadBytes);
        decoder.look_ahead(announced > index + 1 ? batch->values(index, announced)
                                                 : std::string_view());
      }
      const record::RecordView record = (*batch)[index];
      const Origin origin{batch.get(), index};
      if (!decoder.decode(type, record.value, arena_, value)) {
        undecoded_.push_back({origin, decoder.error()});
        continue;
      }
      values_.push_back(value);
      times_.push_back(record.timestamp.ms);
      origins_.push_back(origin);
      value += type.size;
    }
  }
}

}  // namespace gameflow::runtime
