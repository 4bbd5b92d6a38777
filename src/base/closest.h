// "did you mean": words that are nearly right.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gameflow {

// The candidate that `word` most likely means, or empty: at most a third of its letters differ.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);
// The end of a message that names the wrong word: "; did you mean 'players'?", or nothing.
std::string or_closest(std::string_view word, std::span<const std::string_view> candidates);
// A hint of its own: "did you mean 'name'?", or "the columns are: id, name", if those are `what`.
std::string closest_or_all(std::string_view word, std::span<const std::string_view> candidates,
                           std::string_view what);

}  // namespace gameflow
