// The kinds of `run:` blocks, and all that depends on which kind a block is. This is the only list
// of them: reading the YAML, generated code, its checks, dead letters and documents go by it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "record/type.h"

namespace gameflow::spec {

struct State;

enum class FunctionKind : std::uint8_t {
  kMap,
  kFilter,
  kFilterMap,
  kFlatMap,
  kAssignTimestamp,
  kAssignKey,
  kUpdateState,
  kFlush,
  kFlushEach,
  kOnExpire,
};

// A service's own names, for an example of what it could say. Parts that are unknown are left null.
struct ExampleNames {
  const record::Type* event = nullptr;
  const record::Type* output = nullptr;
  std::string event_name, output_name;  // as in the YAML
  const State* state = nullptr;
};

struct FunctionInfo {
  FunctionKind kind;
  std::string_view key;           // in the YAML, in messages and in dead letters: "assign-key"
  bool is_transform = false;      // may stand in `transforms`
  std::string_view doc;           // what it is for
  std::string_view signature;     // what it must be callable as, see signature_of()
  std::string_view remark;        // what else is to say of the signature
  std::string_view concept_name;  // what the SDK calls a function that fits: "AssignsKey"
  std::string_view example_name;  // what its example is called if nothing else is known
  std::string (*example)(const ExampleNames& names, std::string_view function);
};

std::span<const FunctionInfo> all_functions();  // in the order of FunctionKind
const FunctionInfo& info_of(FunctionKind kind);

// The C++ spelling of a type: "Text", "u32", "List<PlayerEventCount>", "PlayerEvent".
std::string cpp_type(const record::Type& type);

// What a function must be callable as: "bool(const Click&)". `in`, `out` and `key` are C++ types:
// what it reads, what the sinks take, the key of the states. A kind ignores what it has not.
std::string signature_of(FunctionKind kind, std::string_view in, std::string_view out = {},
                         std::string_view key = {});

// What a function of this kind looks like in C++, under the name `function` if that is not empty.
std::string example_of(FunctionKind kind, const ExampleNames& names, std::string_view function);

}  // namespace gameflow::spec
