#include "connect/reporter.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "connect/progress.h"

namespace gameflow::connect {
namespace {

// Answers as it is told to: nothing at all, or this status.
class Answering final : public client::Http {
 public:
  Answering(const std::vector<int>& statuses, std::atomic<std::size_t>& asked)
      : statuses_(statuses), asked_(asked) {}
  Result<client::HttpReply> request(std::string_view, const std::string&, std::string_view,
                                    std::string_view) override {
    const int status = statuses_[std::min(asked_.load(), statuses_.size() - 1)];
    ++asked_;
    if (status == 0) return fail(ErrorCode::kUnavailable, "no answer");
    return client::HttpReply{status, status == 204 ? "" : R"({"error":{"message":"no"}})"};
  }

 private:
  const std::vector<int>& statuses_;
  std::atomic<std::size_t>& asked_;
};

TEST(Reporter, TellsOnceThatItFailsAndOnceThatItDoesNot) {
  spec::Connector connector;
  connector.kind.type = "any-source";
  const SystemClock clock;
  Progress progress(connector, clock);
  const std::vector<int> statuses = {204, 0, 400, 0, 204, 204};
  std::atomic<std::size_t> asked = 0;
  std::vector<std::string> told;
  {
    const Reporter reporter(std::make_unique<Answering>(statuses, asked), "c", progress,
                            [&](const std::string& line) { told.push_back(line); });
    // Each change of the state is a report.
    for (std::size_t i = 0; i + 1 < statuses.size(); ++i) {
      while (asked <= i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      progress.set_state(i % 2 == 0 ? State::kRunning : State::kRetrying);
    }
  }
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0], "gameflow does not hear how it is doing: no answer; trying again every 2 s");
  EXPECT_EQ(told[1], "gameflow hears again how it is doing");
}

}  // namespace
}  // namespace gameflow::connect
