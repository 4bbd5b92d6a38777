#include "plan/functions.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include <fmt/format.h>

#include <gameflow/type_ref.h>

namespace gameflow::plan {
namespace {

template <class T>
constexpr bool is_numbered_as(record::Kind kind) {
  return detail::TypeRefOf<T>::value.base == static_cast<u32>(kind);
}
static_assert(is_numbered_as<bool>(record::Kind::kBool) && is_numbered_as<u8>(record::Kind::kU8) &&
              is_numbered_as<i64>(record::Kind::kI64) && is_numbered_as<f64>(record::Kind::kF64) &&
              is_numbered_as<Text>(record::Kind::kString) &&
              is_numbered_as<Bytes>(record::Kind::kBytes) &&
              is_numbered_as<sdk_types::Timestamp>(record::Kind::kTimestamp) &&
              is_numbered_as<Json>(record::Kind::kJson));

// Null: there is no such type in the graph.
const record::Type* resolve(abi::TypeRef ref, record::TypeTable& types) {
  const record::Type* type = nullptr;
  if (ref.base >= abi::kFirstDeclared) {
    const auto& declared = types.declared();
    const std::size_t id = ref.base - abi::kFirstDeclared;
    type = id < declared.size() ? declared[id] : nullptr;
  } else if (ref.base > abi::kFirstDecimal + detail::kScaleMax) {
    return nullptr;
  } else if (ref.base >= abi::kFirstDecimal) {
    type = types.decimal(ref.base - abi::kFirstDecimal);
  } else if (ref.base < static_cast<u32>(record::Kind::kDecimal)) {
    type = types.scalar(static_cast<record::Kind>(ref.base));
  }
  if (type == nullptr || ref.wraps == 0) return nullptr;
  for (int bit = static_cast<int>(std::bit_width(ref.wraps)) - 2; bit >= 0; --bit)
    type = (ref.wraps >> bit & 1U) == 0 ? types.list_of(type) : types.map_of(type);
  return type;
}

abi::FunctionKind flush_kind(const Keyed& keyed) {
  return keyed.flushes_each() ? abi::FunctionKind::kEach : abi::FunctionKind::kFlush;
}

}  // namespace

std::vector<FunctionName> functions_of(const Graph& graph) {
  std::vector<FunctionName> names;
  for (const Service& service : graph.services) {
    for (const NodeId id : service.nodes) {
      const Node& node = graph.nodes[id];
      if (const auto* const chain = std::get_if<Chain>(&node.kind)) {
        names.push_back({abi::FunctionKind::kChain, chain->function});
      } else if (const auto* const keyed = std::get_if<Keyed>(&node.kind)) {
        for (const State& state : keyed->states) {
          if (state.on_expire) names.push_back({abi::FunctionKind::kExpire, state.expire_function});
        }
        for (const State& state : keyed->states) {
          if (!state.merge_function.empty())
            names.push_back({abi::FunctionKind::kMerge, state.merge_function});
        }
        names.push_back({abi::FunctionKind::kUpdate, keyed->update_function});
        if (keyed->flush) names.push_back({flush_kind(*keyed), keyed->flush_function});
      } else if (const auto* const join = std::get_if<Join>(&node.kind)) {
        names.push_back({abi::FunctionKind::kJoin, join->function});
      }
    }
  }
  return names;
}

Result<Functions> Functions::bind(const abi::Library& library, const Graph& graph) {
  const auto invalid = [](std::string why) {
    return fail(ErrorCode::kLibraryInvalid, std::move(why));
  };
  if (library.abi_version != abi::kVersion) {
    return invalid(fmt::format("its ABI version is {}, this program's is {}", library.abi_version,
                               abi::kVersion));
  }
  const std::vector<FunctionName> names = functions_of(graph);
  if (library.function_count != names.size()) return invalid("it has other functions");
  Functions functions;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const abi::Function& function = library.functions[i];
    if (function.kind != names[i].kind || function.name != names[i].name)
      return invalid(fmt::format("its function '{}' should be '{}'", function.name, names[i].name));
    const record::Type* const output = resolve(function.output, *graph.types);
    if (output == nullptr && function.kind != abi::FunctionKind::kMerge)
      return invalid(fmt::format("its function '{}' gives an unknown type", function.name));
    functions.entries_.push_back({&function, output});
  }
  return functions;
}

const Functions::Entry& Functions::find(abi::FunctionKind kind, std::string_view name) const {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.function->kind == kind && entry.function->name == name;
  });
  assert(found != entries_.end());
  return *found;
}

BoundFunction<abi::ChainFn> Functions::chain(std::string_view name) const {
  return bound<abi::ChainFn>(abi::FunctionKind::kChain, name);
}

BoundFunction<abi::UpdateFn> Functions::update(std::string_view name) const {
  return bound<abi::UpdateFn>(abi::FunctionKind::kUpdate, name);
}

BoundFunction<abi::FlushFn> Functions::flush(std::string_view name) const {
  return bound<abi::FlushFn>(abi::FunctionKind::kFlush, name);
}

BoundFunction<abi::ExpireFn> Functions::expire(std::string_view name) const {
  return bound<abi::ExpireFn>(abi::FunctionKind::kExpire, name);
}

BoundFunction<abi::EachFn> Functions::each(std::string_view name) const {
  return bound<abi::EachFn>(abi::FunctionKind::kEach, name);
}

BoundFunction<abi::MergeFn> Functions::merge(std::string_view name) const {
  return bound<abi::MergeFn>(abi::FunctionKind::kMerge, name);
}

BoundFunction<abi::JoinFn> Functions::join(std::string_view name) const {
  return bound<abi::JoinFn>(abi::FunctionKind::kJoin, name);
}

Functions::Sides Functions::sides_of(const Graph& graph, ServiceId service) const {
  const auto node = std::ranges::find_if(graph.services[service].nodes, [&graph](NodeId id) {
    return std::holds_alternative<Join>(graph.nodes[id].kind);
  });
  const Node& join = graph.nodes[*node];
  const Node& exchange = graph.nodes[join.inputs.front()];
  const std::string_view name = std::get<Join>(join.kind).function;
  const u32 key = find(abi::FunctionKind::kJoin, name).function->key;
  return {output_of(graph, exchange.inputs[0]), output_of(graph, exchange.inputs[1]),
          static_cast<record::Kind>(key)};
}

const record::Type* Functions::output_of(const Keyed& keyed) const {
  if (keyed.flush) return find(flush_kind(keyed), keyed.flush_function).output;
  if (keyed.emits) return find(abi::FunctionKind::kUpdate, keyed.update_function).output;
  for (const State& state : keyed.states) {
    if (state.on_expire) return find(abi::FunctionKind::kExpire, state.expire_function).output;
  }
  return nullptr;
}

const record::Type* Functions::output_of(const Graph& graph, NodeId node) const {
  const Node& at = graph.nodes[node];
  if (at.output != nullptr) return at.output;
  if (const auto* const chain = std::get_if<Chain>(&at.kind))
    return find(abi::FunctionKind::kChain, chain->function).output;
  if (const auto* const keyed = std::get_if<Keyed>(&at.kind)) return output_of(*keyed);
  if (const auto* const join = std::get_if<Join>(&at.kind))
    return find(abi::FunctionKind::kJoin, join->function).output;
  return at.inputs.empty() ? nullptr : output_of(graph, at.inputs.front());
}

}  // namespace gameflow::plan
