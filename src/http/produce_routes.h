// The routes by which records come in. docs/reference/http.md
#pragma once

#include "http/routes.h"
#include "serve/route.h"

namespace gameflow::http {

// POST /topics/TOPIC/records
void produce(const Call& call, const serve::ReplyCallback& done);
// POST /records
void produce_routed(const Call& call, const serve::ReplyCallback& done);
// POST /events
void produce_events(const Call& call, serve::ReplyCallback done);

}  // namespace gameflow::http
