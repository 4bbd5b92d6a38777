// Routes of connectors: what they report, and what is known of them.
//
// Threads  any.
#pragma once

#include "base/error.h"
#include "http/reply.h"
#include "http/routes.h"

namespace gameflow::http {

Result<Reply> list_connectors(const Call& call);
Result<Reply> describe_connector(const Call& call);
Result<Reply> report_connector(const Call& call);
Result<Reply> delete_connector(const Call& call);

}  // namespace gameflow::http
