// The names of what a type is made of: fields, variants and columns.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "record/type.h"
#include "spec/reader.h"

namespace gameflow::spec {

// What is called how in JSON, where nothing else is said.
enum class Naming : std::uint8_t {
  kAsSdf5,     // field `image-url` as `image_url`, variant `add-account` as `AddAccount`
  kAsWritten,  // as in YAML
};

// Of one type. Names that are taken already are reported.
class Members {
 public:
  Members(Report& report, Naming naming) : report_(report), naming_(naming) {}

  // Gives the member at `key`, whose name is set, its names in C++ and JSON; `what` is what
  // messages call it.
  void add(const Node& key, const Node& body, std::string_view what, bool is_variant,
           record::Field& field) {
    add(key, body, what, is_variant, field.cpp_name, field.read_name, field.write_name);
  }
  void add(const Node& key, const Node& body, std::string_view what, bool is_variant,
           record::Variant& variant) {
    add(key, body, what, is_variant, variant.cpp_name, variant.read_name, variant.write_name);
  }
  // The variants so far are those of a union, whose functions have names, too.
  void check_union();

 private:
  using Taken = std::map<std::string, const Node*>;

  void add(const Node& key, const Node& body, std::string_view what, bool is_variant,
           std::string& cpp_name, std::string& read_name, std::string& write_name);
  std::string renamed(const Node& body, std::string_view key, const std::string& otherwise);
  // False where it is taken.
  bool take(Taken& taken, const std::string& name, const Node& key, std::string_view what,
            std::string_view where);

  Report& report_;
  const Naming naming_;
  Taken in_cpp_, read_, written_;
};

}  // namespace gameflow::spec
