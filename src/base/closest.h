// "did you mean": words that are nearly right.
#pragma once

#include <span>
#include <string_view>

namespace gameflow {

// The candidate that `word` most likely means, or empty: at most a third of its letters differ.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace gameflow
