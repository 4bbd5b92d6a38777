// The settings of a kind of connector as a section, so that they are read, shown to editors and
// told mistakes of like all other keys.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include <gameflow/connect/connector.h>

#include "spec/field.h"

namespace gameflow::spec {

class KindSection {
 public:
  explicit KindSection(const connect::Kind& kind);
  KindSection(const KindSection&) = delete;
  KindSection& operator=(const KindSection&) = delete;

  const Section& section() const { return section_; }
  // The key of the file that holds it.
  const Field& key() const { return key_; }

 private:
  std::string name_, hint_;
  std::deque<std::string> examples_;  // as hints
  std::vector<Field> fields_;
  Section section_;
  Field key_;
};

}  // namespace gameflow::spec
