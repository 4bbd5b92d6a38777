// Section `window` of a service, but for its functions.
#pragma once

#include <optional>

#include "spec/model.h"
#include "spec/reader.h"
#include "spec/topic_reader.h"

namespace gameflow::spec {

class WindowReader {
 public:
  WindowReader(Report& report, const TopicReader& topics) : report_(report), topics_(topics) {}

  // What is known of the events on their way to the window.
  // The kind of window, `watermark`, `late` and `emit` of the section at `node`.
  void read(const Node& node, const Fields& fields, Service& service);

  // What depends on the rest of the service, which `key` names; decides how windows are kept.
  // `states`: its section, null where there is none.
  void check(const Node& key, const Node& node, const Node* states, Service& service);

 private:
  std::optional<WindowShape> read_shape(const Node& node, const Fields& fields);
  void read_late(const Node& node, Service& service);
  void read_late_topic(const Node& topic, Service& service);
  void check_offset(const Node& node, const WindowShape& shape);
  void check_watermark(const Node& key, const Node& node, const Window& window);
  void check_retention(const Node& node, const Service& service);
  void check_sliding(const Node& node, const Service& service, Sliding& sliding);
  void check_session(const Node& node, const Node* states, const Service& service,
                     const Session& session);
  void check_merges(const Node& states, const State& state);

  Report& report_;
  const TopicReader& topics_;
};

}  // namespace gameflow::spec
