// What a request is refused for before its body is read.
#pragma once

#include <optional>

#include "http/reply.h"
#include "http/request.h"
#include "http/routes.h"

namespace gameflow::http {

// 403 for pages of others, 400 for parameters that the route does not have, 415 for bodies of other
// types; nothing where all is well.
std::optional<Reply> refuse(const RouteContext& context, const Request& request,
                            const Route& route);

}  // namespace gameflow::http
