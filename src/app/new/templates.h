// What `gameflow new` writes: small dataflows that run, each with a test.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gameflow::app {

struct Template {
  std::string_view name;
  std::string_view purpose;  // in a question: "events and points of each player, by minute"
  // @NAME@ in them stands for the dataflow's name.
  std::string_view dataflow, test;
  std::string_view topic;   // for events
  std::string_view event;   // one, as JSON
  std::string_view output;  // topic of results
  std::string_view query;   // SQL to try; empty: it has no state
};

std::span<const Template> all_templates();  // the first one is the default

// With `name` in place of @NAME@.
std::string filled(std::string_view text, std::string_view name);

std::string readme(const Template& chosen, std::string_view name);

}  // namespace gameflow::app
