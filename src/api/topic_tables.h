// Topics with a schema, and what the program knows of itself, as tables of SQL.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "log/store.h"
#include "plan/graph.h"
#include "query/topic.h"
#include "record/type.h"

namespace gameflow::api {

// What a topic with a schema, or of dead letters, is called in SQL: by its name, and where that is
// none in SQL also by one with `_` in place of what is not: player_events; where something else has
// that name, topic__player_events. The first of a topic's names is the one to show.
struct TopicName {
  std::string name, topic;
  const record::Type* type = nullptr;
};
// `taken`: names of states and tables.
std::vector<TopicName> topic_names(const plan::Graph& graph, const std::vector<std::string>& taken);

// Threads  any.
class TopicTables {
 public:
  // Of the graph's topics, whose `names` they are, and those of `system`. The store is borrowed,
  // and so are the readers.
  TopicTables(const std::vector<TopicName>& names, const log::Store& store,
              std::vector<query::Topic> system);
  ~TopicTables();

  // By topic_names().
  const std::vector<query::Topic>& topics() const { return topics_; }
  // Under its first name; null where the topic is none of them.
  const query::Topic* find(std::string_view topic) const;
  // By a name in SQL, in small letters; null where there is none.
  const query::Topic* find_table(std::string_view name) const;

 private:
  std::vector<std::unique_ptr<query::TopicReader>> readers_;
  std::vector<query::Topic> topics_;
  std::map<std::string, std::size_t, std::less<>> first_;  // by topic, in topics_
};

// For people.
Columns columns_of_topic(const query::Topic& topic);

}  // namespace gameflow::api
