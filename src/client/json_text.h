// Reading the JSON of answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/error.h"
#include "client/http_client.h"

namespace gameflow::client {

// The answer's body as an object. The server's own error if the status is not 2xx; kUnavailable if
// the body is something else.
Result<boost::json::object> object_of(Result<HttpReply> reply);

// A member, or 0, "" or an empty array where it is absent or of another kind.
std::uint64_t number_at(const boost::json::object& object, std::string_view name);
std::string text_at(const boost::json::object& object, std::string_view name);
const boost::json::array& array_at(const boost::json::object& object, std::string_view name);

}  // namespace gameflow::client
