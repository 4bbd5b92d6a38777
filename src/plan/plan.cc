#include "plan/plan.h"

#include <utility>

#include "spec/names.h"

namespace gameflow::plan {

std::string cpp_type(const record::Type& type) {
  switch (type.kind) {
    case record::Kind::kString:
      return "Text";
    case record::Kind::kBytes:
      return "Bytes";
    case record::Kind::kObject:
      return spec::to_pascal_case(type.name);
    case record::Kind::kList:
      return "List<" + cpp_type(*type.item) + ">";
    default:
      return std::string(record::to_string(type.kind));  // spelled the same in C++
  }
}

Plan make_plan(std::shared_ptr<const spec::Dataflow> dataflow) {
  Plan plan;
  for (const spec::Service& service : dataflow->services) {
    ServicePlan& planned = plan.services.emplace_back(
        ServicePlan{.spec = &service, .scope = spec::to_snake_case(service.name), .states = {}});
    for (const spec::State& state : service.states) {
      planned.states.push_back({.name = state.name,
                                .table = spec::to_snake_case(state.name),
                                .row_struct = spec::to_pascal_case(state.name) + "Row",
                                .key = state.key,
                                .row = state.type});
    }
  }
  plan.dataflow = std::move(dataflow);
  return plan;
}

}  // namespace gameflow::plan
