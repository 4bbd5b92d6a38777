#include "query/topic.h"

#include <set>
#include <utility>

#include "base/ascii.h"

namespace gameflow::query {
namespace {

class Columns {
 public:
  void add(TopicColumn column) {
    // SQL names do not know upper and lower case.
    while (!seen_.insert(lower_case(column.name)).second) column.name += '_';
    columns_.push_back(std::move(column));
  }

  void add_fields(const record::Type& object, const std::string& prefix,
                  const std::vector<TopicColumn::Step>& path) {
    for (const record::Field& field : object.fields) {
      std::vector<TopicColumn::Step> to = path;
      to.push_back({field.offset, field.optional, field.flag_offset});
      const std::string start = prefix.empty() ? "" : prefix + "_";
      const std::string name = start + field.cpp_name;
      if (field.type->kind == record::Kind::kObject) {
        add_fields(*field.type, name, to);
        continue;
      }
      if (lower_case(field.name) != lower_case(field.cpp_name)) {
        also_called_.push_back(
            {.name = start + field.name, .type = field.type, .path = to, .is_hidden = true});
      }
      add({.name = name, .type = field.type, .path = std::move(to)});
    }
  }

  std::vector<TopicColumn> take() {
    for (TopicColumn& column : also_called_) {
      if (!seen_.contains(lower_case(column.name))) add(std::move(column));
    }
    return std::move(columns_);
  }

 private:
  std::vector<TopicColumn> columns_, also_called_;
  std::set<std::string> seen_;
};

}  // namespace

const record::Type& row_type(const Topic& topic) {
  return topic.type->kind == record::Kind::kList ? *topic.type->item : *topic.type;
}

std::vector<TopicColumn> columns_of(const Topic& topic) {
  using Source = TopicColumn::Source;
  Columns columns;
  const record::Type& row = row_type(topic);
  if (row.kind == record::Kind::kObject) {
    columns.add_fields(row, "", {});
  } else {
    columns.add({.name = "value", .type = &row, .path = {}});
  }
  columns.add({.source = Source::kTime, .name = "_time", .path = {}});
  columns.add({.source = Source::kPartition, .name = "_partition", .path = {}});
  columns.add({.source = Source::kOffset, .name = "_offset", .path = {}});
  columns.add({.source = Source::kKey, .name = "_key", .path = {}});
  if (topic.type->kind == record::Kind::kList)
    columns.add({.source = Source::kItem, .name = "_item", .path = {}, .is_hidden = true});
  return columns.take();
}

}  // namespace gameflow::query
