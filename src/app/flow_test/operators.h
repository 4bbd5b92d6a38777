// The operators of a dataflow by name, and a graph around a single one: `gameflow test function`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <gameflow/types.h>

#include "base/error.h"
#include "plan/functions.h"
#include "plan/graph.h"
#include "record/type.h"

namespace gameflow::app::flow_test {

struct Operator {
  plan::ServiceId service = 0;
  plan::NodeId node = 0;  // its Chain or Keyed
  std::size_t index = 0;  // its place in these steps
  const plan::Step* step = nullptr;
  std::string id;        // "counting/assign-key"; "counting/filter/2" is the second one
  std::string function;  // what its C++ calls it; empty: a lambda
};

// In the order of the dataflow.
std::vector<Operator> operators_of(const plan::Graph& graph);

// By id, by the part of it behind the service, or by the function's name, which may be written as
// in YAML (`mask-ssn` is mask_ssn). kInvalidArgument: there is none or more than one; the message
// lists those that there are.
Result<Operator> find_operator(const plan::Graph& graph, const std::string& name);

// Names of topics in the graphs below.
inline constexpr const char* kProbeInput = "_input";
inline constexpr const char* kProbeOutput = "_output";

// In each graph below, what the operator reads by key or in SQL is there: tables with their rows,
// states of other services without any.

// One service that reads values of type `in` (null: any) from kProbeInput, hands them to the steps
// and writes what comes out to kProbeOutput.
plan::Graph pipe_around(const plan::Graph& graph, const Operator& found, const record::Type* in,
                        std::vector<plan::Step> steps);

// The operator, or what calls it and gives what it returns, as a transform.
plan::Step as_transform(const plan::Graph& graph, const Operator& found);
// What an assign-timestamp sees as the time of the record. Fixed, so that what was built once can
// be used again.
inline constexpr i64 kRecordTime = 1'700'000'000'000;

// The rows that the operator changes, in windows in which nothing is late. Values of type `in` are
// what comes to the rows: they go through the operators there up to this one. With `key` that is
// the key of all rows, else what assign-key says.
Result<plan::Graph> rows_around(const plan::Graph& graph, const Operator& found,
                                const record::Type* in, const std::optional<std::string>& key);

// The whole service of a flush, but for its sinks: what flush gives goes to kProbeOutput.
plan::Graph service_without_sinks(const plan::Graph& graph, const Operator& found);

}  // namespace gameflow::app::flow_test
