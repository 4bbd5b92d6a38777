// Section `tables`.
#pragma once

#include <vector>

#include "spec/reader.h"
#include "spec/topic_reader.h"
#include "spec/type_reader.h"

namespace gameflow::spec {

class TableReader {
 public:
  TableReader(Report& report, TypeReader& types, const TopicReader& topics)
      : report_(report), types_(types), topics_(topics) {}

  std::vector<Table> read_section(const Node& section);

 private:
  void read_table(const Node& key, const Node& body);
  void read_file(const Node& node, const Fields& fields, const Node& body, Table& table);
  void read_topic(const Node& node, const Node& body, Table& table);
  void read_key(const Fields& fields, Table& table);

  Report& report_;
  TypeReader& types_;
  const TopicReader& topics_;
  std::vector<Table> tables_;
};

}  // namespace gameflow::spec
