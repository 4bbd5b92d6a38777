// An integer with a meaning: two ids of different tags do not mix, compare or convert.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace gameflow {

template <class Integer, class Tag>
struct StrongId {
  Integer value{};

  friend constexpr auto operator<=>(StrongId, StrongId) = default;
};

}  // namespace gameflow

template <class Integer, class Tag>
struct std::hash<gameflow::StrongId<Integer, Tag>> {
  std::size_t operator()(gameflow::StrongId<Integer, Tag> id) const noexcept {
    return std::hash<Integer>{}(id.value);
  }
};
