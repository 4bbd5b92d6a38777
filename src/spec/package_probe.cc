#include "spec/package_probe.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "spec/function.h"

namespace gameflow::spec {
namespace {

std::string_view text_at(const Node& node, std::initializer_list<std::string_view> path,
                         std::string_view otherwise = "") {
  const Node* at = &node;
  for (const std::string_view key : path) {
    at = at->find(key);
    if (at == nullptr) return otherwise;
  }
  return at->kind == NodeKind::kScalar ? std::string_view(at->text) : otherwise;
}

bool is_key(std::string_view type) {
  return type == "string" || type == "bool" || type.starts_with('u') || type.starts_with('i');
}

// Something of the type of a key.
std::string_view key_literal(std::string_view type) {
  if (type == "string") return "Text()";
  return type == "bool" ? "false" : "0";
}

// The type of the record among the inputs: (event), (key, event), (event, time), (key, event,
// time).
std::string_view input_type(const Node& function, std::string_view op) {
  const Node* const inputs = function.find("inputs");
  if (inputs == nullptr || inputs->items.empty()) return "string";
  std::size_t count = inputs->items.size();
  const bool has_time =
      op == "assign-timestamp" && count > 1 && text_at(inputs->items.back(), {"type"}) == "i64";
  if (has_time) --count;
  return text_at(inputs->items[count - 1], {"type"}, "string");
}

std::string_view state_key(const Node& package, const Node& function) {
  const Node* const states = function.find("states");
  if (states == nullptr || states->items.empty()) return "string";
  return text_at(package,
                 {"states", text_at(states->items.front(), {"name"}), "properties", "key", "type"},
                 "string");
}

std::string state_of(std::string_view key) {
  return fmt::format(
      "    states:\n"
      "      probe: {{ type: keyed-state, properties: {{ key: {{ type: {} }}, value: {{ type: u64 "
      "}} }} }}\n",
      key);
}

// The service behind its sources.
std::string body_of(const Node& package, const std::string& name, const Node& function,
                    std::string_view op) {
  const Node* const of_function = function.find("states");
  const bool has_states = of_function != nullptr && !of_function->items.empty();
  const std::string states = has_states ? "" : state_of("string");
  const std::string keep = "      update-state: { run: \"[](const auto&) { ++probe(); }\" }\n";
  if (op == "assign-key") {
    const std::string_view key = text_at(function, {"output", "type"}, "string");
    return state_of(is_key(key) ? key : "string") +
           fmt::format("    partition:\n      assign-key: {{ uses: {} }}\n{}", name, keep);
  }
  if (op == "assign-timestamp") {
    return state_of("string") +
           fmt::format(
               "    partition:\n      assign-timestamp: {{ uses: {} }}\n"
               "      assign-key: {{ run: \"[](const auto&) {{ return Text(); }}\" }}\n{}",
               name, keep);
  }
  if (op == "update-state") {
    return states + fmt::format(
                        "    partition:\n"
                        "      assign-key: {{ run: \"[](const auto&) {{ return {}; }}\" }}\n"
                        "      update-state: {{ uses: {} }}\n",
                        key_literal(state_key(package, function)), name);
  }
  if (op == "flush") {
    return states + fmt::format(
                        "    window:\n"
                        "      tumbling: {{ duration: 1s }}\n"
                        "      watermark: {{ grace-period: 0s }}\n"
                        "      assign-timestamp: {{ run: \"[](const auto&, i64 time) {{ return "
                        "time; }}\" }}\n"
                        "      partition:\n"
                        "        assign-key: {{ run: \"[](const auto&) {{ return {}; }}\" }}\n"
                        "        update-state: {{ run: \"[](const auto&) {{ {} }}\" }}\n"
                        "      flush: {{ uses: {} }}\n",
                        key_literal(state_key(package, function)), has_states ? "" : "++probe();",
                        name);
  }
  return fmt::format(
      "    transforms: [{{ operator: {}, uses: {} }}]\n"
      "    sinks: [{{ type: topic, id: output }}]\n",
      op, name);
}

std::string names_of(const Node& package, std::string_view section) {
  const Node* const map = package.find(section);
  std::string names;
  if (map != nullptr) {
    for (const Node& key : map->keys)
      names += fmt::format("{}{{ name: {} }}", names.empty() ? "" : ", ", key.text);
  }
  return names.empty() ? "" : fmt::format("    {}: [{}]\n", section, names);
}

// Types of inputs that the package has from others.
std::string imported_types(const Node& package) {
  std::string names;
  const Node* const imports = package.find("imports");
  if (imports == nullptr) return names;
  for (const Node& import : imports->items) {
    const Node* const types = import.find("types");
    if (types == nullptr) continue;
    for (const Node& type : types->items)
      names += fmt::format("{}{{ name: {} }}", names.empty() ? "" : ", ", text_at(type, {"name"}));
  }
  return names;
}

}  // namespace

std::string dataflow_around(const Node& package) {
  std::string topics = "topics:\n  output: {}\n", services;
  if (const Node* const functions = package.find("functions")) {
    for (std::size_t i = 0; i < functions->keys.size(); ++i) {
      const std::string& name = functions->keys[i].text;
      const Node& function = functions->items[i];
      const std::string_view op = text_at(function, {"operator"});
      const auto known = std::ranges::find(all_functions(), op, &FunctionInfo::key);
      if (known == all_functions().end() || op == "on-expire" || op == "each") continue;
      topics += fmt::format("  {}: {{ schema: {{ value: {{ type: {} }} }} }}\n", name,
                            input_type(function, op));
      services += fmt::format("  {0}:\n    sources: [{{ type: topic, id: {0} }}]\n{1}", name,
                              body_of(package, name, function, op));
    }
  }
  std::string types = names_of(package, "types");
  if (const std::string more = imported_types(package); !more.empty()) {
    if (types.empty()) {
      types = fmt::format("    types: [{}]\n", more);
    } else {
      types.insert(types.rfind(']'), ", " + more);
    }
  }
  const std::string_view version = text_at(package, {"apiVersion"}, "0.6.0");
  return fmt::format(
      "apiVersion: {}\nmeta: {{ name: package, version: 0.1.0 }}\nimports:\n"
      "  - pkg: {}/{}@{}\n    path: .\n{}{}{}{}{}",
      version, text_at(package, {"meta", "namespace"}, "a"),
      text_at(package, {"meta", "name"}, "a"), text_at(package, {"meta", "version"}, "0"), types,
      names_of(package, "functions"), names_of(package, "states"), topics,
      services.empty() ? "" : "services:\n" + services);
}

}  // namespace gameflow::spec
