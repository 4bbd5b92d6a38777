// Encodes the values of many records, and says of each how it is taken apart: the batch that stores
// them by column need not look for their parts, a sixth of `engine/filter-map`.
//
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <gameflow/arena.h>

#include "record/json_writer.h"
#include "record/outlined.h"
#include "record/type.h"

namespace gameflow::record {

class Encoder {
 public:
  // What encode_json() would append, in the arena and readable for kPaddingBytes past its end.
  // `type` is known by its address and lives as long as the encoder. Until the next call outlined()
  // says what is known of it.
  std::string_view encode(const Type& type, const void* value, Arena& arena);
  const Outlined& outlined() const { return outlined_; }

 private:
  struct Known {
    std::uint64_t choices;
    OutlinePtr outline;
  };
  struct OfType {
    bool has_outlines;
    std::vector<Known> known;
    std::size_t last = 0;  // of them, where there are any
  };
  OfType& of(const Type& type);
  const OutlinePtr* outline_of(OfType& of_type, std::string_view text);
  const OutlinePtr* learn(OfType& of_type, std::string_view text);

  std::unordered_map<const Type*, OfType> types_;
  const Type* last_type_ = nullptr;
  OfType* last_ = nullptr;
  std::string json_;
  PartNotes notes_;
  std::vector<std::string_view> parts_;
  Outlined outlined_;
};

}  // namespace gameflow::record
