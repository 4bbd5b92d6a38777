// Section `join` of a service.
#pragma once

#include <string_view>

#include "spec/code_reader.h"
#include "spec/model.h"
#include "spec/reader.h"
#include "spec/topic_reader.h"

namespace gameflow::spec {

class JoinReader {
 public:
  // All outlive it; `start` is where sides start that do not say.
  JoinReader(Report& report, const TopicReader& topics, FunctionReader& functions,
             StartOffset start)
      : report_(report), topics_(topics), functions_(functions), start_(start) {}

  // The map `node`: sets the service's join, and its sides as its sources.
  void read(const Node& node, Service& service);
  // What a service with a join cannot have; `body` is its map.
  void check(const Node& body);

 private:
  struct Side {
    const TopicEntry* entry = nullptr;  // null: it is wrong
    ExampleNames names;                 // of what leaves its transforms
    bool is_changed = false;            // these make another type
  };
  Side read_side(const Fields& join, std::string_view key, JoinSide& side, Service& service);
  void read_late(const Node& node, const Side& left, const Side& right, Service& service);
  void check_watermark(const Node& node, const Service& service);

  Report& report_;
  const TopicReader& topics_;
  FunctionReader& functions_;
  const StartOffset start_;
};

}  // namespace gameflow::spec
