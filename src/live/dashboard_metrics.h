// The metrics of dashboards, as Prometheus text: each is asked by its query again and again, at
// most as often as it says, by one thread of lower priority. Who reads waits for nothing.
//
// Errors   a query that fails has no series until it is asked again; a metric of its own tells
// that. Threads  any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/api.h"
#include "api/dashboards.h"
#include "api/metric_families.h"
#include "base/mutex.h"
#include "query/query.h"
#include "spec/dashboard.h"

namespace gameflow::live {

class DashboardMetrics {
 public:
  // The API outlives this.
  explicit DashboardMetrics(api::Api& api);
  ~DashboardMetrics();
  DashboardMetrics(const DashboardMetrics&) = delete;
  DashboardMetrics& operator=(const DashboardMetrics&) = delete;

  // Version 0.0.4; empty where no dashboard has any.
  std::string text() const;
  // Nothing is asked from now on.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Series {
    api::Labels labels;
    double value = 0;
  };
  // What one was at last.
  struct Asked {
    bool was_asked = false, has_failed = false;
    std::vector<Series> series;
    std::uint64_t left_out = 0;  // rows of the answer that are none of them
    Clock::time_point due;
  };

  void run();
  Asked ask(const spec::DashboardMetric& metric) const;
  static Asked read(const query::Answer& answer, std::size_t series_max);

  api::Api& api_;
  mutable Mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopping_ GF_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const api::Dashboards::Metrics> metrics_ GF_GUARDED_BY(mutex_);
  std::vector<Asked> asked_ GF_GUARDED_BY(mutex_);  // of each
  std::thread thread_;
};

}  // namespace gameflow::live
