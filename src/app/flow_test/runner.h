// Runs a case: what its commands do, and what they expect.
#pragma once

#include "app/commands.h"
#include "app/flow_test/case.h"
#include "app/flow_test/world.h"
#include "base/error.h"

namespace gameflow::app::flow_test {

// Runs the case once, from an empty start. The error names file:line, what was expected and what
// came.
Status run(const Case& test, const BuildOptions& build, const WorldOptions& options);

}  // namespace gameflow::app::flow_test
