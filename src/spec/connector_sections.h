// The keys of a connector's file, but for those of its kind. Immutable; see field.h.
#pragma once

#include <string_view>

#include "spec/field.h"

namespace gameflow::spec {

extern const Section kConnector, kConnectorMeta, kConnectorTopic, kConnectorTopicMeta;
extern const Section kConnectorProducer, kConnectorConsumer, kConnectorSecret, kRoute;

inline constexpr std::string_view kConnectorVersions[] = {"0.1.0", "0.2.0"};
// In the order of RouteOtherwise.
inline constexpr std::string_view kOtherwiseWords[] = {"topic", "drop", "dead-letter"};

}  // namespace gameflow::spec
