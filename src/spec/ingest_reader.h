// Section `ingest`, and `deduplicate` of topics.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/type.h"
#include "spec/ingest.h"
#include "spec/reader.h"
#include "spec/topic_reader.h"

namespace gameflow::spec {

class IngestReader {
 public:
  IngestReader(Report& report, const TopicReader& topics) : report_(report), topics_(topics) {}

  std::optional<Ingest> read_section(const Node& section);

 private:
  void read_route(const Node& name, const Node& body, Ingest& ingest);

  Report& report_;
  const TopicReader& topics_;
};

// The value of `deduplicate`, of a topic with this type (null: no schema).
std::vector<IdRule> read_id_rules(Report& report, const Node& list, const record::Type* type,
                                  std::string_view type_name);

}  // namespace gameflow::spec
