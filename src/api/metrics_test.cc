#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "api/api.h"
#include "api/fake_engine.h"
#include "log/memory/memory_store.h"

namespace gameflow::api {
namespace {

// The name after `before` in each line that begins with it and goes on with `after` behind the
// name.
std::set<std::string> names_in(const std::string& text, std::string_view before,
                               std::string_view after) {
  std::set<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(before)) continue;
    const std::size_t end =
        std::min(line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", before.size()), line.size());
    if (std::string_view(line).substr(end).starts_with(after))
      names.insert(line.substr(before.size(), end - before.size()));
  }
  return names;
}

class MetricsTest : public testing::Test {
 protected:
  ManualClock clock_{Timestamp{6500}};
  std::unique_ptr<log::MemoryStore> store_ = log::make_memory_store(clock_);
  FakeEngine engine_;
  MemoryWatch memory_{MemoryLimit(100 << 20, {}), clock_, [] { return MemoryUse{50 << 20, 0}; }};
  Api api_{*store_, &engine_, clock_, &memory_};
};

TEST_F(MetricsTest, Values) {
  ASSERT_TRUE(store_->create_topic({.name = "any"}));
  api_.produce("any", "1\nx\n", {}, [](const Result<ProduceReply>& reply) { EXPECT_TRUE(reply); });
  const std::string text = api_.metrics();
  for (const char* line : {
           "# TYPE gameflow_store_commits_total counter",
           "gameflow_store_up 1",
           "gameflow_store_commit_seconds_count 1",
           "gameflow_store_commit_seconds_bucket{le=\"10\"} 1",
           "gameflow_store_commit_seconds_bucket{le=\"+Inf\"} 1",
           "gameflow_store_queue_bytes 0",
           "gameflow_topic_end_offset{topic=\"any\",partition=\"0\"} 1",
           "gameflow_produce_records_total{outcome=\"accepted\"} 1",
           "gameflow_produce_records_total{outcome=\"rejected\"} 1",
           "gameflow_service_records_in_total{service=\"sessions\"} 10",
           "gameflow_service_watermark_timestamp_seconds{service=\"sessions\"} 5",
           "gameflow_service_lag_records{service=\"sessions\",topic=\"players\",partition=\"1\"} 3",
           "gameflow_service_watermark_delay_seconds{service=\"sessions\",topic=\"players\","
           "partition=\"1\"} 2.5",
           "gameflow_memory_used_bytes 52428800",
           "gameflow_memory_full 0",
           "gameflow_service_held{service=\"sessions\"} 0",
           "gameflow_service_records_skipped_total{service=\"sessions\"} 0",
           "gameflow_service_timestamp_fallbacks_total{service=\"sessions\"} 0",
           "gameflow_service_stopped{service=\"sessions\"} 0",
           "gameflow_operator_out_total{service=\"sessions\",node=\"sessions/source/0\",step=\"0\","
           "operator=\"filter\"} 8",
           "gameflow_operator_in_total{service=\"sessions\",node=\"sessions/window\",step=\"0\","
           "operator=\"update-state\"} 8",
           "gameflow_state_rows{service=\"sessions\",state=\"players\"} 2",
       }) {
    EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << "\n" << text;
  }
  EXPECT_TRUE(names_in(text, "", " ").contains("process_resident_memory_bytes"));
  EXPECT_TRUE(names_in(text, "", " ").contains("process_start_time_seconds"));
}

TEST_F(MetricsTest, EveryFamilyIsDocumentedAndNoOther) {
  ASSERT_TRUE(store_->create_topic({.name = "any"}));
  ASSERT_TRUE(api_.connectors().report("c", {.type = "file-sink", .direction = "sink", .lag = 1}));
  engine_.take_events({.routes = {{.event = "move", .topic = "any"}},
                       .events_max = 1,
                       .event_bytes_max = 1'000,
                       .clock_drift = Duration{60'000}});
  api_.produce_events(R"({"events":[{"event_name":"move"}],"sent_at":0})", {},
                      [](const Result<ProduceReply>& reply) { EXPECT_TRUE(reply); });
  api_.produce("any", "no JSON", {}, [](const Result<ProduceReply>& reply) { EXPECT_TRUE(reply); });
  std::ifstream file(GAMEFLOW_DOCS_DIR "/reference/metrics.md");
  const std::string docs(std::istreambuf_iterator<char>(file), {});
  const std::set<std::string> documented = names_in(docs, "| `", "` |");
  const std::set<std::string> exported = names_in(api_.metrics(), "# TYPE ", " ");
  EXPECT_GT(exported.size(), 30u);
  for (const std::string& name : exported) EXPECT_TRUE(documented.contains(name)) << name;
  // The HTTP server's own are documented there, too.
  for (const std::string& name : documented) {
    const bool is_ours = !name.starts_with("gameflow_http_") &&
                         !name.starts_with("gameflow_quota_") &&
                         !name.starts_with("gameflow_dashboard_");
    EXPECT_TRUE(!is_ours || exported.contains(name)) << name;
  }
}

TEST_F(MetricsTest, NamesFollowTheConventions) {
  ASSERT_TRUE(store_->create_topic({.name = "any"}));
  const std::string text = api_.metrics();
  for (const std::string& name : names_in(text, "# TYPE ", " counter"))
    EXPECT_TRUE(name.ends_with("_total")) << name;
  for (const std::string& name : names_in(text, "# TYPE ", " gauge"))
    EXPECT_FALSE(name.ends_with("_total")) << name;
}

TEST_F(MetricsTest, WithoutADataflow) {
  Api api(*store_, nullptr, clock_);
  const std::string text = api.metrics();
  EXPECT_EQ(text.find("gameflow_engine_up"), std::string::npos);
  EXPECT_NE(text.find("gameflow_store_up"), std::string::npos);
}

}  // namespace
}  // namespace gameflow::api
