// Section `types` and every other place where a type is written.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "record/type.h"
#include "spec/reader.h"

namespace gameflow::spec {

// Whether keys of records and rows may be of this kind: strings, integers and bools.
bool is_key_kind(record::Kind kind);

class TypeReader {
 public:
  explicit TypeReader(Report& report)
      : report_(report), table_(std::make_shared<record::TypeTable>()) {}

  // Reads section `types`; named types may refer to each other in any order.
  void read_section(const Node& section);

  // The type written at `node`, a map of `section`, which `what` names in messages; null after a
  // report. Of an inline object `name` becomes the name; where that is empty, inline objects are
  // refused.
  const record::Type* read(const Node& node, const Section& section, std::string_view what,
                           const std::string& name);

  // The row of a state: `properties` of scalars and strings.
  const record::Type* read_row(const Node& properties);

  // Warns about types that nothing refers to; `code` is the text of all operators.
  void warn_unused(std::string_view code) const;

  const std::shared_ptr<record::TypeTable>& table() const { return table_; }
  const std::vector<const record::Type*>& named() const { return named_; }
  const std::vector<std::string>& names() const { return names_; }
  // Whether a struct of this C++ name is made.
  bool has_struct(const std::string& cpp_name) const { return cpp_names_.count(cpp_name) != 0; }

 private:
  enum class Progress : std::uint8_t { kUnread, kReading, kDone };
  struct Named {
    const Node* key = nullptr;
    const Node* body = nullptr;
    Progress progress = Progress::kUnread;
    const record::Type* type = nullptr;  // null when done: it has mistakes
    bool used = false;
  };

  const record::Type* resolve(Named& named);
  const record::Type* refer(const Node& node, std::string_view what);
  const record::Type* read_object(const Node& node, const std::string& name);
  const record::Type* read_list(const Node& node, const std::string& name);
  void check_field_name(const Node& key, const std::string& owner);
  void declare(const Node& at, const std::string& name);
  // How many values a type holds and how deep it nests; a scalar is {1, 0}.
  struct Extent {
    std::uint64_t values = 1;
    std::size_t depth = 0;
  };
  Extent extent_of(const record::Type* type) const;
  bool fits(const Node& at, Extent extent);

  Report& report_;
  std::shared_ptr<record::TypeTable> table_;
  std::unordered_map<std::string, Named> by_name_;
  std::vector<std::string_view> candidates_;  // named types, for did-you-mean
  std::vector<std::string> reading_;          // the chain of named types being read
  std::size_t depth_ = 0;
  std::map<std::string, std::string> cpp_names_;  // C++ name -> YAML name
  std::vector<const Node*> field_keys_;
  std::unordered_map<const record::Type*, Extent> extents_;  // of objects and lists
  std::vector<const record::Type*> named_;
  std::vector<std::string> names_;
};

}  // namespace gameflow::spec
