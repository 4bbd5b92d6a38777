// A value taken apart: handed from the decoder that found its parts to the batch that stores them.
#pragma once

#include <memory>
#include <string_view>

namespace gameflow::record {

struct Outline;
using OutlinePtr = std::shared_ptr<const Outline>;

// Views live as long as the value, `outline` and `parts` until the next call of the decoder.
struct Outlined {
  const OutlinePtr* outline = nullptr;      // null: the value was not taken apart
  const std::string_view* parts = nullptr;  // one for each kind of the outline
  // Whether a line break may stand in the value.
  bool may_have_breaks = true;

  explicit operator bool() const { return outline != nullptr; }
};

}  // namespace gameflow::record
