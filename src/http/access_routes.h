// Who may do what: the page on which people sign in, and the table of routes with what each needs.
// docs/security.md
#pragma once

#include <vector>

#include "base/error.h"
#include "http/reply.h"
#include "http/routes.h"

namespace gameflow::http {

Reply sign_in_page(const Call& call);
// The token of the request is that of the browser from now on, until it signs out.
Reply sign_in(const Call& call);
Reply sign_out(const Call& call);
// Adds GET /routes, which says what each of them needs, this one included.
void add_list_of(std::vector<Route>& routes);

}  // namespace gameflow::http
