// Verdicts as JUnit XML, which CI servers show.
#pragma once

#include <string>
#include <vector>

namespace gameflow::app::flow_test {

struct Verdict {
  std::string file;
  double seconds = 0;
  std::string failure;  // empty: passed
};

std::string junit_xml(const std::vector<Verdict>& verdicts);

}  // namespace gameflow::app::flow_test
