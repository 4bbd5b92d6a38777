// Routes of dashboards: what they are, and the page that shows them.
//
// Threads  any.
#pragma once

#include "base/error.h"
#include "http/reply.h"
#include "http/routes.h"

namespace gameflow::http {

Result<Reply> list_dashboards(const Call& call);
Reply page_file(const Call& call);
Result<Reply> describe_dashboard(const Call& call);
Reply dashboard_page(const Call& call);

}  // namespace gameflow::http
