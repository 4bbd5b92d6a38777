// What `gameflow connector new` writes: a connector that works, with its test.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gameflow::app {

// @NAME@ in both stands for the connector's name.
struct KitFile {
  std::string_view name, text;
};

std::span<const KitFile> source_kit();
std::span<const KitFile> sink_kit();

// With `name` in place of @NAME@.
std::string filled_kit(std::string_view text, std::string_view name);

}  // namespace gameflow::app
