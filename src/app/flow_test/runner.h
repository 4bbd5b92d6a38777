// Runs a case: what its commands do, and what they expect.
#pragma once

#include <vector>

#include "app/commands.h"
#include "app/flow_test/case.h"
#include "app/flow_test/difference.h"
#include "app/flow_test/world.h"
#include "base/error.h"

namespace gameflow::app::flow_test {

// Runs the case once, from an empty start, and goes on behind an `expect` that does not hold. The
// error names file:line of what could not be done.
Result<std::vector<Difference>> run(const Case& test, const BuildOptions& build,
                                    const WorldOptions& options);

}  // namespace gameflow::app::flow_test
