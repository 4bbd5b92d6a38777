// A record's JSON, with a type that has every kind of field.
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz.h"
#include "record/arena.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/json_dom.h"
#include "record/type.h"

namespace gameflow::record {
namespace {

using fuzz::must;

const Type& everything() {
  static TypeTable types;
  static const Type* const kType = [] {
    const auto scalar = [](Kind kind) { return types.scalar(kind); };
    const Type* inner =
        types.object("inner", {{"id", scalar(Kind::kString)}, {"level", scalar(Kind::kU32), true}});
    return types.object("everything", {{"flag", scalar(Kind::kBool), true},
                                       {"small", scalar(Kind::kI8), true},
                                       {"large", scalar(Kind::kI64), true},
                                       {"huge", scalar(Kind::kU64), true},
                                       {"ratio", scalar(Kind::kF32), true},
                                       {"exact", scalar(Kind::kF64), true},
                                       {"name", scalar(Kind::kString), true},
                                       {"blob", scalar(Kind::kBytes), true},
                                       {"at", scalar(Kind::kTimestamp), true},
                                       {"any", scalar(Kind::kJson), true},
                                       {"inner", inner, true},
                                       {"numbers", types.list_of(scalar(Kind::kU16)), true},
                                       {"inners", types.list_of(inner), true}});
  }();
  return *kType;
}

struct Decoded {
  explicit Decoded(std::string_view json) : padded(json), slot(everything().size + 64) {
    padded.append(kPaddingBytes, ' ');
    is_fine = decoder().decode(everything(), std::string_view(padded).substr(0, json.size()), arena,
                               slot.data());
  }
  std::string encoded() const {
    std::string out;
    encode_json(everything(), slot.data(), out);
    return out;
  }
  static Decoder& decoder() {
    static Decoder decoder;
    return decoder;
  }

  std::string padded;
  Arena arena;
  std::vector<char> slot;
  bool is_fine = false;
};

void run(std::string_view json) {
  const Decoded first(json);
  const std::string_view text = std::string_view(first.padded).substr(0, json.size());
  const bool is_json = dom_accepts(json);
  const bool is_checked = Decoded::decoder().check(text);
  must(is_checked || !first.is_fine, "what is decoded is JSON");
  must(is_checked == is_json, "check() takes what the DOM parser takes");
  if (!first.is_fine) return;
  const std::string once = first.encoded();
  const Decoded second(once);
  must(second.is_fine, "what is encoded can be decoded");
  must(second.encoded() == once, "what is decoded again is the same");
}

}  // namespace
}  // namespace gameflow::record

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gameflow::record::run(gameflow::fuzz::text_of(data, size));
  return 0;
}
