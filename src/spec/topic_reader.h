// Section `topics`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "spec/reader.h"
#include "spec/type_reader.h"

namespace gameflow::spec {

// A topic as the rest of the file refers to it. `topic.type` is null also where the schema has
// mistakes: then `has_schema` is true.
struct TopicEntry {
  Topic topic;
  const Node* key = nullptr;
  std::string type_name;  // as written
  bool has_schema = false;
  std::optional<StartOffset> start;  // of services that read it

  // For messages about two topics.
  std::string type_and_converter() const {
    const bool is_raw = topic.type != nullptr && topic.type->is_raw;
    return type_name + (is_raw ? "' with converter 'raw" : "");
  }
};

class TopicReader {
 public:
  // `is_raw`: what counts for topics that do not say their converter.
  TopicReader(Report& report, TypeReader& types, bool is_raw)
      : report_(report), types_(types), is_raw_(is_raw) {}

  void read_section(const Node& section);
  // Section `schedule`, behind the topics: each schedule has a topic of its own.
  std::vector<Schedule> read_schedules(const Node& section);

  // The topic that the text of `node` names; a report and null if there is none.
  const TopicEntry* refer(const Node& node) const;
  // The topic of the schedule that the text of `node` names; a report and null if there is none.
  const TopicEntry* refer_schedule(const Node& node) const;
  // A topic without a report.
  const TopicEntry* find(const std::string& key) const;

  const std::vector<TopicEntry>& entries() const { return entries_; }

 private:
  void read_topic(const Node& key, const Node& body);
  std::optional<Schedule> read_schedule(const Node& key, const Node& body);
  void read_schema(const Node& node, TopicEntry& entry);

  Report& report_;
  TypeReader& types_;
  const bool is_raw_;
  std::vector<TopicEntry> entries_;  // in file order
  std::unordered_map<std::string, std::size_t> by_key_;
  std::map<std::string, std::size_t> schedules_;  // by key; also those with mistakes
};

}  // namespace gameflow::spec
