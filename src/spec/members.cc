#include "spec/members.h"

#include <algorithm>

#include <fmt/format.h>

#include "spec/names.h"
#include "spec/sections.h"

namespace gameflow::spec {

void Members::add(const Node& key, const Node& body, std::string_view what, bool is_variant,
                  std::string& cpp_name, std::string& read_name, std::string& write_name) {
  if (!check_name(report_, key, kFieldName, key.text)) return;
  cpp_name = to_member_name(key.text);
  std::string name = key.text;
  if (naming_ == Naming::kAsSdf5) {
    if (is_variant) name = to_pascal_case(name);
    std::ranges::replace(name, '-', '_');
  }
  if (const Node* const rename = body.find("rename"))
    name = read_text(report_, *rename, "'rename'").value_or(name);
  read_name = renamed(body, "deserialize", name);
  write_name = renamed(body, "serialize", name);
  if (!take(in_cpp_, cpp_name, key, what, "called {} in C++")) return;
  const bool is_one_name = read_name == write_name;
  if (take(read_, read_name, key, what,
           is_one_name ? "called {} in JSON" : "read as {} from JSON") ||
      !is_one_name)
    take(written_, write_name, key, what, "written as {} in JSON");
}

std::string Members::renamed(const Node& body, std::string_view key, const std::string& otherwise) {
  const Node* const node = body.find(key);
  if (node == nullptr) return otherwise;
  const Fields fields(report_, *node, kRename, fmt::format("'{}'", key));
  return fields.text("rename").value_or(otherwise);
}

bool Members::take(Taken& taken, const std::string& name, const Node& key, std::string_view what,
                   std::string_view where) {
  const auto [first, is_new] = taken.emplace(name, &key);
  if (is_new) return true;
  report_.error(key,
                fmt::format("{}s '{}' and '{}' are both {}", what, first->second->text, key.text,
                            fmt::format(fmt::runtime(where), name)),
                "rename one of them");
  return false;
}

void Members::check_union() {
  for (const auto& [name, key] : in_cpp_) {
    const bool is_of_union =
        name == "name" ||
        (name.starts_with("is_") && in_cpp_.contains(name.substr(std::string_view("is_").size())));
    if (is_of_union)
      report_.error(
          *key,
          fmt::format("variant '{}' is called {}() in C++, which is a function of the enum",
                      key->text, name),
          "rename it");
  }
}

}  // namespace gameflow::spec
