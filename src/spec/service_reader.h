// Section `services`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/code_reader.h"
#include "spec/reader.h"
#include "spec/topic_reader.h"
#include "spec/type_reader.h"

namespace gameflow::spec {

class ServiceReader {
 public:
  // `source` is the normalized text of the file; `start` is where sources start that do not say.
  ServiceReader(Report& report, TypeReader& types, const TopicReader& topics,
                std::string_view source, StartOffset start)
      : report_(report), types_(types), topics_(topics), source_(source), start_(start) {}

  void read_section(const Node& section);

  std::vector<Service> take() { return std::move(services_); }
  // The text of all operators.
  std::string code() const;

 private:
  void read_service(const Node& key, const Node& body);
  void read_sources(const Node& list, Service& service, ExampleNames& names);
  void read_sinks(const Node& list, Service& service, ExampleNames& names);
  const TopicEntry* read_endpoint(const Node& node, std::string_view what,
                                  const std::vector<std::string_view>& more_keys);
  void read_states(const Node& map, Service& service);
  void read_state(const Node& key, const Node& body, Service& service);
  void read_window(const Node& node, Service& service, const ExampleNames& names);
  void read_watermark(const Node& node, TumblingWindow& window);
  void read_late(const Node& node, Service& service);
  // The code of `node`, `{run: …}`; empty after a report.
  Code read_operator(const Node* node, Operator op, std::string_view what,
                     const ExampleNames& names);
  void check(const Node& key, const Node& body, const Service& service);

  Report& report_;
  TypeReader& types_;
  const TopicReader& topics_;
  std::string_view source_;
  StartOffset start_;
  std::vector<Service> services_;
};

}  // namespace gameflow::spec
