// What a case's functions do at the rows of keys, made of the SDK's templates as generated code is.
//
// Threads  any; what a function is about is said with a Scope around its call.
#pragma once

#include <string_view>

#include <gameflow/abi.h>
#include <gameflow/distinct.h>
#include <gameflow/quantiles.h>

#include "runtime/property_case.h"

namespace gameflow::runtime::property {

// An event as operators have it.
struct Value {
  Text name;
  i64 at, n, depth;
};
Event event_of(const Value& value);
Value value_of(const Event& event);

// The rows of states, by their names.
struct TotalsRow {
  i64 count, sum, deep, low;
};
struct LastsRow {
  Text last;
  i64 number, deep;  // `deep`: the greatest depth + 1
};
struct SketchRow {
  Distinct names;
  Quantiles sizes;
};
struct KeptRow {
  i64 count, sum, deep;
  Text last;
};
struct NumberRow {
  i64 value;
};

// The window or view that the functions called meanwhile on this thread are about.
class Scope {
 public:
  Scope(const Window* window, const View* view);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
};

abi::UpdateFn update_of(const Window& window);
abi::UpdateFn update_of(const View& view);
abi::ExpireFn expire_of(const View& view);
// Of the last row, where there is a second state, else of the first.
abi::EachFn each_of(const Window& window);
// Of a state by its name.
abi::MergeFn merge_of(const Window& window, std::string_view state);

}  // namespace gameflow::runtime::property
