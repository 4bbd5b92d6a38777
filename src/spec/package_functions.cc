// Functions of packages: what they take and give, and their code.
#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

#include "record/type.h"
#include "spec/names.h"
#include "spec/packages.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

bool is_type_of(const record::Type* type, std::initializer_list<record::Kind> kinds) {
  return type == nullptr || std::ranges::count(kinds, type->kind) != 0;
}

}  // namespace

Function PackageReader::read_function(const Node& key, const Node& body, FunctionReader& functions,
                                      std::uint32_t file, Package& package) {
  Function function{FunctionKind::kMap, {}, key.position};
  const Fields fields(report_, body, kPackageFunction, fmt::format("function '{}'", key.text));
  if (!fields.is_map()) return function;
  const auto word = fields.word("operator");
  if (!word) return function;
  const Node& named = *fields.find("operator");
  function.kind = std::ranges::find(all_functions(), named.text, &FunctionInfo::key)->kind;
  auto signature = std::make_shared<Signature>();
  signature->package = package.id;
  signature->name = key.text;
  signature->position = key.position;
  read_inputs(fields, body, function.kind, package, *signature);
  read_output(fields, body, function.kind, package, *signature);
  if (const Node* const list = fields.find("states")) read_states_of(*list, package, *signature);
  if (const Node* const list = fields.find("dependencies"))
    function.dependencies = functions.read_dependencies(*list);
  const ExampleNames names{
      .event = signature->input,
      .output = signature->output,
      .event_name = {},
      .output_name = {},
      .state = signature->states.empty() ? nullptr : &signature->states.front()};
  const Node* const run = fields.find("run");
  const Node* const source = fields.find("source");
  if ((body.find_key("run") != nullptr) == (body.find_key("source") != nullptr)) {
    report_.error(key, fmt::format("function '{}' needs 'run' or 'source'", key.text),
                  fmt::format("for example\nrun: |\n  {}",
                              example_of(function.kind, names, to_snake_case(key.text))));
    return function;
  }
  std::optional<Code> code;
  if (run != nullptr) code = functions.read_code(*run, function.kind, names);
  if (source != nullptr) code = read_source(*source, file, package);
  if (code && functions.check_code(*code, function.kind, names)) function.code = std::move(*code);
  function.signature = std::move(signature);
  return function;
}

void PackageReader::read_inputs(const Fields& fields, const Node& body, FunctionKind kind,
                                const Package& package, Signature& signature) {
  std::vector<Input> inputs;
  for (const Node* const node : maps_of(report_, fields.find("inputs"), "'inputs'",
                                        "for example '- { name: event, type: string }'")) {
    const Fields input(report_, *node, kInput);
    if (node->find("name") != nullptr) input.text("name");
    input.flag("optional");
    if (input.find("type") != nullptr)
      inputs.push_back({node, package.types->read_type_of(*node, "an input")});
  }
  check_inputs(body, kind, inputs, signature);
}

// (event), (key, event), (event, time) or (key, event, time).
void PackageReader::check_inputs(const Node& body, FunctionKind kind,
                                 const std::vector<Input>& inputs, Signature& signature) {
  using enum FunctionKind;
  constexpr const char* kExample = "for example 'inputs: [{ name: event, type: string }]'";
  const bool takes_time = kind == kAssignTimestamp;
  const Node* const list = body.find("inputs");
  if (kind == kOnExpire) return;
  if (kind == kFlush) {
    if (!inputs.empty())
      report_.error(*inputs[0].node, "'flush' takes nothing: it reads rows with SQL", "remove it");
    return;
  }
  if (list == nullptr) {
    report_.error(body, fmt::format("function '{}' needs 'inputs'", signature.name), kExample);
    return;
  }
  if (inputs.empty() || inputs.size() > (takes_time ? 3 : 2)) {
    if (list->kind == NodeKind::kList && inputs.size() == list->items.size())
      report_.error(*list,
                    fmt::format("'{}' takes the record, and perhaps its key in front of it{}",
                                info_of(kind).key, takes_time ? " and its time behind it" : ""),
                    kExample);
    return;
  }
  const bool has_time =
      takes_time && inputs.size() > 1 && is_type_of(inputs.back().type, {record::Kind::kI64});
  const std::size_t count = inputs.size() - (has_time ? 1 : 0);
  signature.input = inputs[count - 1].type;
  if (count == 2 && !is_type_of(inputs[0].type, {record::Kind::kString}))
    report_.error(*inputs[0].node, "the key of a record is a string",
                  "write 'type: string' and 'optional: true'");
  if (count == 3)
    report_.error(*inputs[2].node, "the time of a record is an i64", "write 'type: i64'");
}

void PackageReader::read_output(const Fields& fields, const Node& body, FunctionKind kind,
                                const Package& package, Signature& signature) {
  using enum FunctionKind;
  const std::string_view op = info_of(kind).key;
  const Node* const output = fields.find("output");
  if (output == nullptr) {
    const bool needs_output = kind != kFilter && kind != kAssignTimestamp && kind != kUpdateState;
    if (needs_output && body.find("output") == nullptr)
      report_.error(body, fmt::format("function '{}' needs 'output'", signature.name),
                    "for example 'output: { type: string }'");
    return;
  }
  if (kind == kUpdateState) {
    report_.error(*output, "'update-state' gives nothing", "remove 'output'");
    return;
  }
  const Fields out(report_, *output, kOutput);
  if (!out.is_map()) return;
  const bool is_optional = out.flag("optional").value_or(false);
  if (is_optional && kind != kFilterMap && kind != kFlush && kind != kOnExpire)
    report_.error(*output->find("optional"), fmt::format("'{}' always gives something", op),
                  "remove 'optional'");
  const Node* const type = out.find("type");
  if (type == nullptr) return;
  signature.output = package.types->read_type_of(*output, "the output");
  const auto wrong = [&](std::string_view what) {
    report_.error(*type, fmt::format("'{}' gives {}", op, what),
                  "change 'type', or remove 'output'");
    signature.output = nullptr;
  };
  if (kind == kFilter && !is_type_of(signature.output, {record::Kind::kBool})) wrong("a bool");
  if (kind == kAssignTimestamp &&
      !is_type_of(signature.output, {record::Kind::kI64, record::Kind::kTimestamp}))
    wrong("an i64 or a timestamp");
  if (kind == kAssignKey && signature.output != nullptr && !is_key_kind(signature.output->kind))
    wrong("a string, an integer or a bool");
}

void PackageReader::read_states_of(const Node& list, const Package& package, Signature& signature) {
  for (const Node* const node :
       maps_of(report_, &list, "'states' of a function", "for example '- name: count-per-word'")) {
    const Fields fields(report_, *node, kStateOfFunction);
    const auto name = fields.text("name");
    if (!name) continue;
    const auto own = package.states.find(*name);
    const auto imported = package.imports.states.find(*name);
    if (own == package.states.end() && imported == package.imports.states.end()) {
      std::vector<std::string_view> names;
      for (const auto& [known, state] : package.states) names.emplace_back(known);
      for (const auto& [known, state] : package.imports.states) names.emplace_back(known);
      report_.error(*node->find("name"), fmt::format("this package has no state '{}'", *name),
                    did_you_mean(*name, names));
      continue;
    }
    const auto& state = own != package.states.end() ? own->second : imported->second;
    if (state) signature.states.push_back(*state);
  }
}

std::optional<Code> PackageReader::read_source(const Node& node, std::uint32_t file,
                                               const Package& package) {
  const auto path = read_text(report_, node, "'source'");
  if (!path) return std::nullopt;
  const std::string name =
      (std::filesystem::path(files_[file].name).parent_path() / *path).lexically_normal().string();
  const auto number = std::ranges::find(files_, name, &SourceFile::name);
  Code code;
  code.position = {1, 1, static_cast<std::uint32_t>(number - files_.begin())};
  if (number == files_.end()) {
    auto text = search_.read ? search_.read(name) : std::nullopt;
    if (!text) {
      report_.error(node, fmt::format("'{}' cannot be read", name),
                    "'source' is a file with C++, relative to the package");
      return std::nullopt;
    }
    files_.push_back({name, fmt::format("{}/{}", package.id, *path), std::move(*text)});
  }
  code.text = normalized(files_[code.position.file].text);
  if (code.text.empty() || code.text.back() != '\n') code.text += '\n';
  return code;
}

}  // namespace gameflow::spec
