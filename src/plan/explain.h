// The graph for people: as text, as JSON, and as a picture for Graphviz or Mermaid.
//
// Threads  pure functions.
#pragma once

#include <string>

#include "plan/describe.h"

namespace gameflow::plan {

// Service by service: sources, what is fused into one loop, where records change place, windows,
// states, sinks; then the topics.
std::string explain(const Description& description);

// The description as one object. Form: docs/reference/cli.md.
std::string explain_json(const Description& description);

// Topics and nodes with their edges; a box for each service.
std::string explain_dot(const Description& description);
std::string explain_mermaid(const Description& description);

}  // namespace gameflow::plan
