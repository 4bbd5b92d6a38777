// gameflow test. A case runs twice for each number of threads: with offsets as this program makes
// them, and with gaps as Kafka does. It must give the same each time.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/flow_test/case.h"
#include "app/flow_test/runner.h"

namespace gameflow::app {
namespace {

// Small, and more than one with an odd share of the shards.
const std::vector<std::uint32_t> kThreads{1, 3};

Result<std::string> read_text(const std::string& file) {
  if (std::filesystem::is_directory(file)) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("'{0}' is a folder: name its files, {0}/*.test", file));
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorCode::kFileUnreadable, fmt::format("cannot read '{}'", file));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Status run_file(const std::string& file, const TestOptions& options) {
  GF_ASSIGN(const std::string text, read_text(file));
  GF_ASSIGN(const flow_test::Case test, flow_test::parse(file, text));
  for (const std::uint32_t threads : options.threads.empty() ? kThreads : options.threads) {
    for (const bool gaps : {false, true}) {
      const Status status = flow_test::run(test, options.build, {.threads = threads, .gaps = gaps});
      if (!status) {
        return fail(status.error().code, fmt::format("{} (threads: {}{})", status.error().message,
                                                     threads, gaps ? ", offsets with gaps" : ""));
      }
    }
  }
  return {};
}

}  // namespace

int test_command(const TestOptions& options) {
  std::size_t passed = 0, failed = 0;
  for (const std::string& file : options.files) {
    const Status status = run_file(file, options);
    ++(status ? passed : failed);
    fmt::print("{} {}\n", status ? "ok    " : "FAILED", file);
    if (!status) fmt::print("  {}\n", status.error().message);
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? kExitFine : kExitFailed;
}

}  // namespace gameflow::app
