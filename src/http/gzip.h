// Gzip, with a limit on what comes out: a request of kilobytes may claim to be gigabytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gameflow::http {

// One or more gzip members. kInvalidEncoding: not gzip, damaged, cut short or followed by other
// bytes; kPayloadTooLarge: more than `bytes_max` come out (at most that much was ever held).
Result<std::string> gunzip(std::string_view compressed, std::size_t bytes_max);

std::string gzip(std::string_view bytes);

}  // namespace gameflow::http
