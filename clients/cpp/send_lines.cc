// Sends the lines of stdin, each a JSON object, and says how many are stored:
//   send_lines URL TOPIC STORE_FILE < events.ndjson
// $GAMEFLOW_TOKEN is what a server with --auth lets it in by.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "gameflow_client.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: send_lines URL TOPIC STORE_FILE\n");
    return 2;
  }
  gameflow_client::Options options;
  options.url = argv[1];
  options.topic = argv[2];
  options.store_file = argv[3];
  if (const char* token = std::getenv("GAMEFLOW_TOKEN")) options.token = token;
  options.batch_events = 50;
  options.flush_interval = std::chrono::milliseconds(5);
  options.retry_min = std::chrono::milliseconds(1);
  options.retry_max = std::chrono::milliseconds(50);
  options.on_drop = [](std::string_view reason, std::size_t count) {
    std::fprintf(stderr, "%zu events were dropped: %.*s\n", count, static_cast<int>(reason.size()),
                 reason.data());
  };
  gameflow_client::Client client(options);
  std::string line;
  std::uint64_t lines = 0;
  while (std::getline(std::cin, line)) {
    client.send(line);
    if (++lines % 100 != 0 || !client.flush(std::chrono::minutes(2))) continue;
    std::printf("%llu\n", static_cast<unsigned long long>(lines));
    std::fflush(stdout);
  }
  const std::size_t left = client.close(std::chrono::minutes(2));
  const gameflow_client::Stats stats = client.stats();
  std::printf("sent %llu, left out %llu, tried again %llu, left %zu\n",
              static_cast<unsigned long long>(stats.sent),
              static_cast<unsigned long long>(stats.duplicates),
              static_cast<unsigned long long>(stats.retries), left);
  return left == 0 ? 0 : 1;
}
