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
  const Field *topic, *key, *partition, *value;  // no topic: null
};

Layout layout_of(const Type* type) {
  return {type, type->find("topic"), type->find("key"), type->find("partition"),
          type->find("value")};
}

bool decode(const Layout& at, Decoder& decoder, std::string_view json, Arena& arena,
            Envelope& out) {
  alignas(std::max_align_t) std::array<char, 128> slot;
  GF_CHECK(at.type->size <= slot.size());
  if (!decoder.decode(*at.type, json, arena, slot.data())) return false;
  out.topic = {};
  if (at.topic != nullptr) out.topic = load<Text>(slot.data() + at.topic->offset).view();
  out.key.reset();
  if (load<bool>(slot.data() + at.key->flag_offset))
    out.key = load<Text>(slot.data() + at.key->offset).view();
  out.names_partition = load<bool>(slot.data() + at.partition->flag_offset);
  const auto value = load<JsonSlot>(slot.data() + at.value->offset);
  out.value = {value.data, value.size};
  return true;
}

}  // namespace

bool decode_envelope(Decoder& decoder, std::string_view json, Arena& arena, Envelope& out) {
  static TypeTable types;
  static const Layout layout =
      layout_of(types.object("record", {{"topic", types.scalar(Kind::kString)},
                                        {"key", types.scalar(Kind::kString), true},
                                        {"partition", types.scalar(Kind::kJson), true},
                                        {"value", types.scalar(Kind::kJson)}}));
  return decode(layout, decoder, json, arena, out);
}

bool decode_keyed(Decoder& decoder, std::string_view json, Arena& arena, Envelope& out) {
  static TypeTable types;
  static const Layout layout =
      layout_of(types.object("keyed-record", {{"key", types.scalar(Kind::kString), true},
                                              {"partition", types.scalar(Kind::kJson), true},
                                              {"value", types.scalar(Kind::kJson)}}));
  return decode(layout, decoder, json, arena, out);
}

}  // namespace gameflow::record
