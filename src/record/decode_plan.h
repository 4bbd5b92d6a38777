// A Type prepared for decoding: what the decoder's loops need of it, side by side. Internal to
// src/record.
//
// Threads  one thread at a time: a plan learns from what is decoded by it (shape.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "record/shape.h"
#include "record/type.h"

namespace gameflow::record {

struct Plan;

struct FieldPlan {
  // The key with its closing quote is compared as two masked words; only a longer one needs memcmp.
  std::uint64_t head[2] = {0, 0};
  std::uint64_t mask[2] = {0, 0};
  std::uint32_t offset = 0;
  bool optional = false;
  bool nullable = false;    // null stands for its absence
  bool plain_text = false;  // required, and a string
  bool long_key = false;
  const Plan* value = nullptr;
  const Field* field = nullptr;
  std::string key;  // as in JSON, escaped, without the opening quote: `user_id"`

  // Whether `text`, just behind a quote and `size` long, starts with this key. Exact, as an escaped
  // name ends at its quote and nowhere before. Reads at most 16 bytes of padding.
  bool matches(const char* text, std::size_t size) const {
    std::uint64_t words[2];
    std::memcpy(words, text, sizeof words);
    if ((((words[0] & mask[0]) ^ head[0]) | ((words[1] & mask[1]) ^ head[1])) != 0) return false;
    return !long_key || (key.size() <= size && std::memcmp(text, key.data(), key.size()) == 0);
  }
};

struct Plan {
  const Type* type = nullptr;
  std::vector<FieldPlan> fields;
  const Plan* item = nullptr;         // of a list or a map: of its values
  std::vector<const Plan*> variants;  // of a union; null: without value
  bool has_shapes = true;             // whether shapes can say all of such a value
  Shapes shapes;                      // of the records that are of this type as a whole
};

class Plans {
 public:
  // The plan of `type`, made when first asked for. `type` and the plan live as long as this.
  Plan& of(const Type& type);

 private:
  std::unordered_map<const Type*, std::unique_ptr<Plan>> plans_;
  Plan* last_ = nullptr;  // most calls have the type of the one before
};

}  // namespace gameflow::record
