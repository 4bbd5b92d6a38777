// What a connector's `transforms` make of its records.
#pragma once

#include <string>
#include <vector>

#include <gameflow/connect/connector.h>

#include "base/error.h"

namespace gameflow::connect {

struct Transformed {
  std::vector<Record> records;
  std::vector<std::string> dead_letters;  // of those that failed, as JSON
};

// A pure function of each record: the same records give the same, however they are cut into
// batches. One thread.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual Result<Transformed> apply(std::vector<Record> records) = 0;
};

}  // namespace gameflow::connect
