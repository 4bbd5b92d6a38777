// `mqtt-source`: the messages of an MQTT broker.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kMqttSource;

}  // namespace gameflow::connect
