// The `transforms` of a connector, run by the engine over topics in memory.
#pragma once

#include <memory>

#include "app/commands.h"
#include "base/error.h"
#include "connect/transform.h"
#include "spec/connector.h"

namespace gameflow::app {

// Null where the connector has none. Builds its operators, or finds them in the cache; mistakes
// have been printed. `connector` outlives it. Errors as build_operators.
Result<std::unique_ptr<connect::Transform>> make_transform(const spec::Connector& connector,
                                                           const BuildOptions& options);

}  // namespace gameflow::app
