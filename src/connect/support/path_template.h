// A text with fields of a record in it: `servers.{server_data.region}.cpu`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connect/support/json_value.h"

namespace gameflow::connect {

class PathTemplate {
 public:
  // std::runtime_error if braces do not match or a field has no name.
  explicit PathTemplate(std::string_view text);

  // The text for `record`, each field as `clean` gives it. Nothing, and the field's path in
  // `missing`, where one is absent, null, a list or an object.
  std::optional<std::string> fill(const JsonValue& record, std::string (*clean)(std::string),
                                  std::string& missing) const;

 private:
  struct Part {
    std::string text;
    bool is_field;
  };
  std::vector<Part> parts_;
};

}  // namespace gameflow::connect
