// Runs a connector: everything but its file, its process and its reports.
//
// Threads  one, whose Http and connector these are.
// Errors   final, with a message that says what to do. What passes is waited for, however long it
//          takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "client/http_client.h"
#include "connect/progress.h"
#include "connect/transform.h"
#include "spec/connector.h"

namespace gameflow::connect {

struct Run {
  const spec::Connector& connector;
  client::Http& http;  // to the server
  Progress& progress;
  std::stop_token stop;
  Transform* transform = nullptr;  // null: records stay as they are
  std::uint64_t seed = 0;          // of pauses
  // Until the topics of a sink may have something new, or for a while; without it: for a while.
  std::function<void(const std::stop_token&)> wait_for_records;
  // A line for a person.
  std::function<void(const std::string&)> tell = [](const std::string&) {};
  // Hides secrets.
  std::function<std::string(std::string)> redact = [](std::string text) { return text; };
  // Returns early at a stop. Tests replace it.
  std::function<void(std::chrono::milliseconds, const std::stop_token&)> pause;
};

// Until a stop, or a final error.
Status run(Run run);

// The two halves of it.
Status run_source(Run& run);
Status run_sink(Run& run);

}  // namespace gameflow::connect
