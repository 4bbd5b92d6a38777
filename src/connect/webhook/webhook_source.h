// `webhook-source`: what others POST to an address of ours.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kWebhookSource;

}  // namespace gameflow::connect
