// The header of a request: from what the parser has accepted to what routes see. And what is said
// where a header or body does not arrive.
//
// Threads  any.
#pragma once

#include <optional>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>

#include "serve/net.h"
#include "serve/reply.h"
#include "serve/request.h"
#include "serve/server.h"

namespace gameflow::serve {

using RequestHeader = boost::beast::http::request_header<>;

// Whether a request begins in `buffer`. Empty lines in front of one are nothing, and are taken off
// (RFC 9112, 2.2): old clients send one behind a body.
bool has_request(boost::beast::flat_buffer& buffer);

// A field that goes on in a line that begins with a blank: the parser would join the two, others
// see two fields, or none (obs-fold; RFC 9112, 5.2). `bytes` are what is left of a header, which
// may go on.
bool has_folded_line(boost::asio::const_buffer bytes);

// The reply to a header that did not arrive or does not parse; nothing where nobody waits for one.
// `expired`: it took too long.
std::optional<Reply> header_failure(const ErrorOf& error, bool expired,
                                    const SessionLimits& limits);

// The reply to a body that did not arrive. `error` is no_memory where the budget of all has no
// room.
Reply body_failure(const ErrorOf& error, bool expired, const SessionLimits& limits,
                   std::size_t body_bytes_max);

// The reply that refuses it; nothing where it is fine. What the parser lets pass and a proxy in
// front might read differently: where a body ends must have one meaning (request smuggling).
std::optional<Reply> check_header(const RequestHeader& header);

// Fills `request`, which refers to `header` for other fields; or the reply that refuses it.
std::optional<Reply> read_header(const RequestHeader& header, Request& request);

}  // namespace gameflow::serve
