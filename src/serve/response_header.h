// The header of a response, as it goes over the wire.
//
// Threads  any.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "serve/reply.h"

namespace gameflow::serve {

// How the other side knows where the body ends.
enum class BodyEnd : std::uint8_t {
  kLength,     // it is reply.body
  kLastChunk,  // it comes in chunks
  kClose,      // of the connection
};

// With the empty line behind it. `version`: 10 or 11, as the request has it.
std::string response_header(const Reply& reply, unsigned version, bool keep_alive, Timestamp now,
                            BodyEnd end = BodyEnd::kLength);

// Whether a reply of this status has a body, and so a length and a type.
bool has_body(unsigned status);

}  // namespace gameflow::serve
