// The dashboards of the dataflow, as pages get them.
//
// Threads  every method may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "spec/dashboard.h"

namespace gameflow::api {

class Dashboards {
 public:
  // In place of those before: a reader sees these or those.
  void replace(std::vector<spec::Dashboard> dashboards);

  struct Entry {
    std::string name, title;
    std::string address;  // another one that leads to it; empty: there is none
    std::optional<std::string> description, try_command;
    std::optional<std::uint64_t> order;
    std::string json;  // the whole of it; with `version`, which is another where anything is
  };
  using Entries = std::vector<Entry>;

  // As the navigation has them: those with an `order` by that, then the others, by title.
  std::shared_ptr<const Entries> list() const;
  // Of all of them; another pointer once they have been replaced.
  using Metrics = std::vector<spec::DashboardMetric>;
  std::shared_ptr<const Metrics> metrics() const;

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Entries> entries_ GF_GUARDED_BY(mutex_) = std::make_shared<Entries>();
  std::shared_ptr<const Metrics> metrics_ GF_GUARDED_BY(mutex_) = std::make_shared<Metrics>();
};

}  // namespace gameflow::api
