// `gameflow test --update`: the text of a case with what came in place of what it expected.
#pragma once

#include <string>
#include <vector>

#include "app/flow_test/case.h"
#include "app/flow_test/difference.h"
#include "base/error.h"

namespace gameflow::app::flow_test {

// All else stays as it is. kInvalidArgument: what came cannot stand in a case, such as a line that
// would be read as a command.
Result<std::string> updated(const Case& test, const std::string& text,
                            const std::vector<Difference>& differences);

}  // namespace gameflow::app::flow_test
