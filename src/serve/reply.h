// What a route answers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace gameflow::serve {

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kNdjsonType = "application/x-ndjson";

// Names and types are constants.
using Headers = std::vector<std::pair<std::string_view, std::string>>;

struct Reply {
  unsigned status = 200;
  std::string_view content_type = kJsonType;
  std::string body;
  Headers headers;
};

// {"error":{"code":…,"message":…}}
Reply error_reply(unsigned status, std::string_view code, std::string_view message);
Reply error_reply(const Error& error);
// The HTTP status of a catalogue code.
unsigned status_of(ErrorCode code);

}  // namespace gameflow::serve
