// Section `services`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/type.h"
#include "spec/code_reader.h"
#include "spec/join_reader.h"
#include "spec/reader.h"
#include "spec/topic_reader.h"
#include "spec/type_reader.h"
#include "spec/window_reader.h"

namespace gameflow::spec {

class ServiceReader {
 public:
  // `source` is the normalized text of the file, `imports` what it has of packages; `start` is
  // where sources start that do not say.
  ServiceReader(Report& report, TypeReader& types, const TopicReader& topics,
                std::string_view source, const Imports& imports, StartOffset start)
      : report_(report),
        types_(types),
        topics_(topics),
        imports_(imports),
        functions_(report, source, imports),
        windows_(report, topics),
        joins_(report, topics, functions_, start),
        start_(start) {}

  void read_section(const Node& section);

  // What concerns several services: who reads whose states, and who feeds whom. Behind the
  // sections.
  void check_all(const std::vector<Table>& tables);

  std::vector<Service> take() { return std::move(services_); }
  // The text of all operators.
  std::string code() const;

 private:
  // What is known of the records on their way through a service.
  struct Flow {
    const TopicEntry* type = nullptr;  // a topic of their type; null if it is not known
    bool is_changed = false;           // not known because transforms make it
    ExampleNames names;

    void forget_type() {
      type = nullptr;
      is_changed = true;
      names.event = nullptr;
      names.event_name.clear();
    }
  };

  void read_service(const Node& key, const Node& body);
  void read_inputs(const Fields& fields, const Node& body, Service& service, Flow& flow);
  void read_sources(const Node& list, Service& service, Flow& flow);
  void read_sinks(const Node& list, bool has_flush, Service& service, Flow& flow);
  // The keys of a source or sink; nothing after a report.
  void names_of_output(const Node& sinks, Flow& flow) const;
  std::optional<Fields> read_endpoint(const Node& node, const Section& section);
  const TopicEntry* read_topic(const Fields& fields, const Node& node);
  std::vector<Function> read_transforms(const Fields& fields, const ExampleNames& names);
  // Reports a topic of another type than `first`, or makes it the first.
  // Whatever their topics' converters are.
  bool same_in_cpp(const record::Type* a, const record::Type* b) const;
  void check_type(const Node& id, const TopicEntry& entry, std::string_view what,
                  const TopicEntry*& first, std::string_view hint);
  void read_window(const Node& node, Service& service, Flow& flow);
  void read_partition(const Node& node, Service& service, Flow& flow);
  void adopt_states(Service& service);
  void check(const Node& body, const Service& service);
  void check_parts(const Node& key, const Fields& fields, const Node& body, const Service& service);
  void check_states(const Node& body, const Service& service);

  Report& report_;
  TypeReader& types_;
  const TopicReader& topics_;
  const Imports& imports_;
  FunctionReader functions_;
  WindowReader windows_;
  JoinReader joins_;
  StartOffset start_;
  std::vector<Service> services_;
};

}  // namespace gameflow::spec
