// References to secrets in the texts of a YAML tree.
#pragma once

#include <string>
#include <vector>

#include "spec/connector.h"
#include "spec/reader.h"
#include "spec/yaml_tree.h"

namespace gameflow::spec {

// Puts what `find` finds in place of `${env:NAME}`, `${file:PATH}` and `${{ secrets.NAME }}` (of
// `declared`) in all texts below `node`, and `{ secret: { name: NAME } }` becomes a text; `$${`
// becomes `${`. What cannot be filled in is reported. Without `find` all stays as it is.
void fill_secrets(Report& report, Node& node, const std::vector<std::string>& declared,
                  const FindSecret& find);

// Whether `text` has a reference.
bool refers_to_secret(const std::string& text);

}  // namespace gameflow::spec
