#include "runtime/delivery.h"

#include <utility>

namespace gameflow::runtime {
namespace {

constexpr std::size_t kArenaBytesKept = 2U << 20;

}  // namespace

void Placement::clear() {
  exchange.clear();
  emitted = {};
  failed.clear();
  late.clear();
  records_late = records_future = 0;
  progress.reset();
}

Optional<Text> Delivery::record_key(std::uint32_t number) const {
  const abi::Emitted& record = placement->emitted[number];
  if (record.record_key != nullptr) return *record.record_key;
  const Origin& origin = chunk->origin(record.origin);
  const auto key = origin.batch->key(origin.index);
  return key ? Optional<Text>(Text::view(*key)) : Optional<Text>();
}

void Delivery::clear() {
  chunk = nullptr;
  placement = nullptr;
  out.clear();
  records_out = 0;
  dead.clear();
  counts.clear();
  own_placement.clear();
  arena.reset(kArenaBytesKept);
}

DeadLetter dead_letter(std::string_view service, std::string_view op, const Chunk& chunk,
                       const Origin& origin, std::string reason) {
  const Chunk::Source& source = chunk.source();
  return {.service = service,
          .op = op,
          .field = {},
          .reason = std::move(reason),
          .origin =
              DeadLetter::Origin{source.topic, source.partition, origin.offset(), origin.record()},
          .window_start = std::nullopt};
}

}  // namespace gameflow::runtime
