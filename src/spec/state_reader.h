// Section `states` of a service.
#pragma once

#include <optional>
#include <vector>

#include "record/type.h"
#include "spec/reader.h"
#include "spec/type_reader.h"

namespace gameflow::spec {

class StateReader {
 public:
  StateReader(Report& report, TypeReader& types) : report_(report), types_(types) {}

  std::vector<State> read(const Node& map);

 private:
  std::optional<State> read_state(const Node& key, const Node& body);
  const record::Type* read_row(const Fields& fields);

  Report& report_;
  TypeReader& types_;
};

}  // namespace gameflow::spec
