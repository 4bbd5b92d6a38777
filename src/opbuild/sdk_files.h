// The headers of sdk/include/gameflow, inside this program.
#pragma once

#include <span>
#include <string_view>

namespace gameflow::opbuild {

struct SdkFile {
  std::string_view name;  // "types.h"
  std::string_view text;
};

std::span<const SdkFile> sdk_files();
// Those of its folder `connect`, which operators do not need.
std::span<const SdkFile> connector_headers();

}  // namespace gameflow::opbuild
