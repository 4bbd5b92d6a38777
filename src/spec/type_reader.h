// Section `types` and every other place where a type is written.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "record/type.h"
#include "spec/members.h"
#include "spec/reader.h"

namespace gameflow::spec {

// Whether keys of records and rows may be of this kind: strings, integers and bools.
inline constexpr std::string_view kColumnTypes =
    "a row holds numbers, bools, strings, timestamps, decimals, enums without values, lists of "
    "these, distinct and quantiles";

// What a type of other systems is called here; empty: it is no such name.
std::string_view our_name_of(std::string_view foreign);

bool is_key_kind(record::Kind kind);

// How many values a type holds and how deep it nests; a scalar is {1, 0}.
struct TypeExtent {
  std::uint64_t values = 1;
  std::size_t depth = 0;
};

// What the types of a dataflow and of its packages share.
struct TypeSpace {
  std::shared_ptr<record::TypeTable> table = std::make_shared<record::TypeTable>();
  std::map<std::string, std::string> cpp_names;                 // C++ name -> YAML name
  std::unordered_map<const record::Type*, TypeExtent> extents;  // of objects and lists
  // The types that have names, of packages first, and these.
  std::vector<const record::Type*> named;
  std::vector<std::string> names;
};

// The types of one file.
class TypeReader {
 public:
  // `space` outlives it.
  TypeReader(Report& report, Naming naming, TypeSpace& space)
      : report_(report), naming_(naming), space_(space) {}

  // Makes a package's type known under the name that stands at `at`; null: it has mistakes. Before
  // read_section().
  void import(const Node& at, const record::Type* type);

  // Makes the types known that are written in place in a section, here that of topics, and say
  // their name. Before read_section().
  void find_names_in(const Node& section);

  // Reads section `types`; named types may refer to each other in any order.
  void read_section(const Node& section);

  // The type written at `node`, a map of `section`, which `what` names in messages; null after a
  // report. An object or enum written in place gets `name`, unless it says one; where that is
  // empty, it has to.
  const record::Type* read(const Node& node, const Section& section, std::string_view what,
                           const std::string& name);

  // The `type` of a map that has other keys, too: of one that has a name, or a scalar.
  const record::Type* read_type_of(const Node& map, std::string_view what);

  // The row of a state, from its `properties`.
  const record::Type* read_row(const Node& properties);

  // Warns about types that nothing refers to; `code` is the text of all operators.
  void warn_unused(std::string_view code) const;

  record::TypeTable& table() const { return *space_.table; }
  // Whether a struct of this C++ name is made.
  bool has_struct(const std::string& cpp_name) const {
    return space_.cpp_names.count(cpp_name) != 0;
  }
  // By its name in this file. Nothing: there is none; null: it has mistakes.
  std::optional<const record::Type*> find(const std::string& name) const;
  const std::vector<std::string_view>& candidates() const { return candidates_; }

 private:
  enum class Progress : std::uint8_t { kUnread, kReading, kDone };
  struct Named {
    const Node* key = nullptr;
    const Node* body = nullptr;
    Progress progress = Progress::kUnread;
    const record::Type* type = nullptr;  // null when done: it has mistakes
    bool used = false;
    bool in_place = false;  // its name is a `type-name`
  };

  // Enters the types in place below `node` that have a name, so that others may refer to them.
  void find_named_in_place(const Node& node);
  const record::Type* resolve(Named& named);
  // `section` is where the word stands, for did-you-mean.
  const record::Type* refer(const Node& node, std::string_view what, const Section& section);
  const record::Type* read_variant(const Fields& fields, const Node& kind, std::string_view what,
                                   const std::string& place);
  const record::Type* read_object(const Node& node, const std::string& name);
  const record::Type* read_enum(const Node& node, const std::string& name);
  const record::Type* read_list(const Node& node, const std::string& name);
  const record::Type* read_map(const Node& node, const std::string& name);
  // What a list or map called `name` holds.
  const record::Type* read_inner(const Node& node, std::string_view what, const std::string& name,
                                 std::string_view part);
  bool is_optional(const Node& body);
  std::vector<char> read_default(const Node& node, const record::Type& type,
                                 const std::string& field, bool is_optional);
  // Of the type that is written in `body`, at `at`, unless it is a name.
  void declare_in_place(const Node& at, const Node& body, const std::string& name);
  void declare(const Node& at, const std::string& name);
  using Extent = TypeExtent;
  Extent extent_of(const record::Type* type) const;
  bool fits(const Node& at, Extent extent);

  Report& report_;
  const Naming naming_;
  TypeSpace& space_;
  std::unordered_map<std::string, Named> by_name_;
  std::vector<std::string_view> candidates_;  // named types, for did-you-mean
  std::vector<std::string> reading_;          // the chain of named types being read
  std::size_t depth_ = 0;
};

}  // namespace gameflow::spec
