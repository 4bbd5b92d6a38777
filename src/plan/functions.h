// The functions of a built operator library, under the names that the graph has for them.
//
// Threads  bind() changes the graph's type table; what it made is immutable.
#pragma once

#include <string_view>
#include <vector>

#include <gameflow/abi.h>
#include <gameflow/pairs.h>

#include "base/error.h"
#include "plan/graph.h"
#include "record/type.h"

namespace gameflow::plan {

// What a library for `graph` has to hold, in order.
struct FunctionName {
  abi::FunctionKind kind;
  std::string_view name;  // of the graph
};
std::vector<FunctionName> functions_of(const Graph& graph);

// A function of a library, and what it asks for: a mask of abi::Asks.
template <class Pointer>
struct BoundFunction {
  Pointer pointer = nullptr;
  u32 asks = 0;
};

class Functions {
 public:
  Functions() = default;

  // kLibraryInvalid: it is of another version, or holds other functions than `graph` needs.
  // `library` lives as long as the process.
  static Result<Functions> bind(const abi::Library& library, const Graph& graph);

  // Of names in the graph.
  BoundFunction<abi::ChainFn> chain(std::string_view name) const;
  BoundFunction<abi::UpdateFn> update(std::string_view name) const;
  BoundFunction<abi::FlushFn> flush(std::string_view name) const;
  BoundFunction<abi::ExpireFn> expire(std::string_view name) const;
  BoundFunction<abi::EachFn> each(std::string_view name) const;
  BoundFunction<abi::MergeFn> merge(std::string_view name) const;
  BoundFunction<abi::JoinFn> join(std::string_view name) const;

  // What the sides of a join hand on, and by what it meets: text, bools, i64 or u64.
  struct Sides {
    const record::Type* left;
    const record::Type* right;
    record::Kind key;
  };
  // Of a service with a join.
  Sides sides_of(const Graph& graph, ServiceId service) const;

  // The type of what leaves a node, which the library knows where the graph does not.
  const record::Type* output_of(const Graph& graph, NodeId node) const;

 private:
  struct Entry {
    const abi::Function* function;
    const record::Type* output;  // null: it has none
  };
  const Entry& find(abi::FunctionKind kind, std::string_view name) const;
  const record::Type* output_of(const Keyed& keyed) const;
  template <class Pointer>
  BoundFunction<Pointer> bound(abi::FunctionKind kind, std::string_view name) const {
    const abi::Function& function = *find(kind, name).function;
    return {reinterpret_cast<Pointer>(function.pointer), function.asks};
  }

  std::vector<Entry> entries_;
};

}  // namespace gameflow::plan
