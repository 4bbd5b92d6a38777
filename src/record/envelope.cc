#include "record/envelope.h"

#include <array>
#include <cstddef>

#include <gameflow/types.h>

#include "base/check.h"
#include "record/type.h"
#include "record/visit.h"

namespace gameflow::record {
namespace {

struct Layout {
  const Type* type;
  std::uint32_t topic, key, has_key, value;  // offsets
};

const Layout& layout() {
  static TypeTable types;
  static const Layout found = [] {
    const Type* const type = types.object("record", {{"topic", types.scalar(Kind::kString)},
                                                     {"key", types.scalar(Kind::kString), true},
                                                     {"value", types.scalar(Kind::kJson)}});
    const Field& key = *type->find("key");
    return Layout{type, type->find("topic")->offset, key.offset, key.flag_offset,
                  type->find("value")->offset};
  }();
  return found;
}

}  // namespace

bool decode_envelope(Decoder& decoder, std::string_view json, Arena& arena, Envelope& out) {
  const Layout& at = layout();
  alignas(std::max_align_t) std::array<char, 128> slot;
  GF_CHECK(at.type->size <= slot.size());
  if (!decoder.decode(*at.type, json, arena, slot.data())) return false;
  out.topic = load<Text>(slot.data() + at.topic).view();
  out.key.reset();
  if (load<bool>(slot.data() + at.has_key)) out.key = load<Text>(slot.data() + at.key).view();
  const auto value = load<JsonSlot>(slot.data() + at.value);
  out.value = {value.data, value.size};
  return true;
}

}  // namespace gameflow::record
