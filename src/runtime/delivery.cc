#include "runtime/delivery.h"

#include <utility>

namespace gameflow::runtime {
namespace {

constexpr std::size_t kArenaBytesKept = 2U << 20;

}  // namespace

void Delivery::clear() {
  chunk = nullptr;
  exchange.clear();
  emitted = {};
  out.clear();
  dead.clear();
  late.clear();
  records_out = records_late = records_future = 0;
  progress.reset();
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
