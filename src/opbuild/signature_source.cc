#include "opbuild/signature_source.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "spec/function.h"
#include "spec/model.h"
#include "spec/names.h"

namespace gameflow::opbuild {

std::string friendly_type(const plan::Graph& graph, const record::Type& type) {
  const bool is_unnamed = type.kind == record::Kind::kList || type.kind == record::Kind::kMap;
  const auto named = std::ranges::find(graph.named_types, &type, &plan::NamedType::type);
  return !is_unnamed || named == graph.named_types.end() ? spec::cpp_type(type)
                                                         : spec::to_pascal_case(named->name);
}

void write_signature_check(SourceWriter& out, const plan::Graph& graph, const plan::Step& step) {
  using enum spec::FunctionKind;
  const spec::Signature& signature = *step.signature;
  if (step.kind == kOnExpire) return;  // its row is the service's
  const auto spelled = [&graph](const record::Type* type) {
    return type == nullptr ? std::string() : friendly_type(graph, *type);
  };
  const std::string in = spelled(signature.input), gives = spelled(signature.output);
  if (step.kind != kFlush && in.empty()) return;
  // An assertion each, as a compiler places its message at the part that is wrong.
  std::vector<std::string> checks{
      fmt::format("{}<decltype(kFunction), {}{}>", spec::info_of(step.kind).concept_name,
                  step.kind == kFlush ? gives : in, step.kind == kAssignKey ? ", " + gives : "")};
  if (spec::info_of(step.kind).is_transform && step.kind != kFilter) {
    checks.push_back(
        fmt::format("same_as<gameflow::detail::{}Result<decltype(kFunction), {}>::type, {}>",
                    spec::to_pascal_case(step.name), in, gives));
  }
  std::string words = spec::signature_of(step.kind, in, gives, gives);
  if (step.kind == kMap) words = fmt::format("{}(const {}&)", gives, in);
  if (step.kind == kFilterMap) words = fmt::format("Optional<{}>(const {}&)", gives, in);
  if (step.kind == kFlatMap) words = fmt::format("List<{}>(const {}&)", gives, in);
  if (const std::size_t remark = words.find(", the type"); remark != std::string::npos)
    words.resize(remark);
  if (const std::size_t remark = words.find(", the key"); remark != std::string::npos)
    words.resize(remark);
  for (const std::string& check : checks) {
    const std::string_view scope = check.starts_with("same_as") ? "std" : "gameflow::detail";
    out.at(signature.position, {fmt::format("static_assert({}::\n", scope), check + ",\n"});
    out.line("    {});", cpp_literal(fmt::format(
                             "the code of function '{}' is not {}, as its 'inputs' and 'output' "
                             "say",
                             signature.name, words)));
  }
}

}  // namespace gameflow::opbuild
