#include "live/dashboard_metrics.h"

#include <gtest/gtest.h>

#include "api/fake_engine.h"
#include "base/time.h"
#include "log/memory/memory_store.h"

namespace gameflow::live {
namespace {

using namespace std::chrono_literals;

class DashboardMetricsTest : public ::testing::Test {
 protected:
  DashboardMetricsTest() {
    engine.add("players", "ann", {3, Text("red")});
    engine.add("players", "bob", {4, Text("blue")});
    engine.add("players", "cid", {5, {}});
  }

  void declare(std::vector<spec::DashboardMetric> wanted) {
    for (spec::DashboardMetric& metric : wanted) {
      metric.help = "Help.";
      metric.every_ms = 50;
      if (metric.series_max == 0) metric.series_max = 10;
    }
    spec::Dashboard dashboard;
    dashboard.name = "players";
    dashboard.metrics = std::move(wanted);
    api.dashboards().replace({dashboard});
  }
  // Waits until the text has it.
  ::testing::AssertionResult shows(const std::string& wanted) const {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (metrics.text().find(wanted) == std::string::npos) {
      if (std::chrono::steady_clock::now() > end)
        return ::testing::AssertionFailure() << wanted << " is not in\n" << metrics.text();
      std::this_thread::sleep_for(2ms);
    }
    return ::testing::AssertionSuccess();
  }

  ManualClock clock{Timestamp{1'000}};
  std::unique_ptr<log::MemoryStore> store = log::make_memory_store(clock, {});
  api::FakeEngine engine;
  api::Api api{*store, &engine, clock};
  DashboardMetrics metrics{api};
};

TEST_F(DashboardMetricsTest, RowsAreSeriesAndOtherColumnsTheirLabels) {
  EXPECT_EQ(metrics.text(), "");
  declare({{.name = "points",
            .query = "select _key as player, team, count as value from players order by 1"},
           {.name = "points_total",
            .query = "select sum(count) * 0.5 as value from players",
            .is_counter = true}});
  EXPECT_TRUE(shows("# HELP points_total Help.\n# TYPE points_total counter\npoints_total 6\n"));
  EXPECT_TRUE(
      shows("# TYPE points gauge\npoints{player=\"ann\",team=\"red\"} 3\n"
            "points{player=\"bob\",team=\"blue\"} 4\npoints{player=\"cid\",team=\"\"} 5\n"));
  EXPECT_TRUE(shows("gameflow_dashboard_metric_series{metric=\"points\"} 3\n"));
  EXPECT_TRUE(shows("gameflow_dashboard_metric_left_out{metric=\"points\"} 0\n"));
  // It is asked again.
  engine.add("players", "dan", {8, {}});
  EXPECT_TRUE(shows("points_total 10\n"));
}

TEST_F(DashboardMetricsTest, SeriesThatAreTooManyOrTheSameAreLeftOutAndCounted) {
  declare({{.name = "most",
            .query = "select _key as player, count as value from players order by count desc",
            .series_max = 2},
           {.name = "same", .query = "select 'x' as a, count as value from players order by count"},
           {.name = "no_number", .query = "select _key as player, team as value from players"}});
  EXPECT_TRUE(shows("most{player=\"cid\"} 5\nmost{player=\"bob\"} 4\n#"));
  EXPECT_TRUE(shows("gameflow_dashboard_metric_left_out{metric=\"most\"} 1\n"));
  EXPECT_TRUE(shows("same{a=\"x\"} 3\n#"));
  EXPECT_TRUE(shows("gameflow_dashboard_metric_left_out{metric=\"same\"} 2\n"));
  EXPECT_TRUE(shows("gameflow_dashboard_metric_series{metric=\"no_number\"} 0\n"));
  EXPECT_EQ(metrics.text().find("# TYPE no_number"), std::string::npos);
}

TEST_F(DashboardMetricsTest, OneThatFailsHasNoSeriesAndSaysSo) {
  declare({{.name = "broken", .query = "select count as value from nowhere"},
           {.name = "sound", .query = "select 1 as value"}});
  EXPECT_TRUE(shows("sound 1\n"));
  EXPECT_TRUE(shows("gameflow_dashboard_metric_up{metric=\"broken\"} 0\n"));
  EXPECT_TRUE(shows("gameflow_dashboard_metric_up{metric=\"sound\"} 1\n"));
  // Others take its place.
  declare({{.name = "another", .query = "select :now as value"}});
  EXPECT_TRUE(shows("another 1000\n"));
  EXPECT_EQ(metrics.text().find("sound"), std::string::npos);
  metrics.stop();
  EXPECT_NE(metrics.text().find("another 1000\n"), std::string::npos);
}

}  // namespace
}  // namespace gameflow::live
