// The header of a response, as it goes over the wire.
//
// Threads  any.
#pragma once

#include <string>

#include "base/time.h"
#include "http/reply.h"

namespace gameflow::http {

// With the empty line behind it. `version`: 10 or 11, as the request has it.
std::string response_header(const Reply& reply, unsigned version, bool keep_alive, Timestamp now);

// Whether a reply of this status has a body, and so a length and a type.
bool has_body(unsigned status);

}  // namespace gameflow::http
