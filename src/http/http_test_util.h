// For the tests here: a server over topics in memory.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "api/api.h"
#include "http/server.h"
#include "log/memory/memory_store.h"
#include "serve/serve_test_util.h"
#include "serve/server.h"

namespace gameflow::http::test {

using serve::SessionLimits;
using serve::test::http;
using serve::test::RawClient;
using serve::test::Response;

inline constexpr Timestamp kNow{1'731'406'530'000};

// A server on a free port, with topics only.
struct TestServer {
  ManualClock clock{kNow};
  std::unique_ptr<log::MemoryStore> store;
  api::Api api{*store, nullptr, clock};
  std::unique_ptr<serve::Server> server;

  explicit TestServer(ServerOptions options = {}, const SessionLimits& limits = {},
                      const log::MemoryOptions& memory = {})
      : store(log::make_memory_store(clock, memory)) {
    options.port = 0;
    options.limits = limits;
    auto listening = listen(api, options);
    if (!listening) throw std::runtime_error(listening.error().message);
    server = std::move(*listening);
    server->start();
  }

  void topic(const std::string& name, std::uint32_t partitions = 1) {
    log::TopicConfig config;
    config.name = name;
    config.partitions = partitions;
    ASSERT_TRUE(store->create_topic(config));
  }

  // Appends one batch of the values, with times from kNow on.
  void append(const std::string& name, const std::vector<std::string>& values,
              std::uint32_t partition = 0) {
    log::Commit commit;
    log::Append append{store->topic(name)->id, partition, {}};
    for (const auto& value : values) append.batch.add(kNow, std::nullopt, value);
    commit.appends.push_back(std::move(append));
    ASSERT_TRUE(store->commit(std::move(commit)));
  }
};

inline Response ask(const TestServer& server, std::string_view request, bool head = false) {
  RawClient client(server.server->port());
  client.send(request);
  return client.receive(head);
}

}  // namespace gameflow::http::test
