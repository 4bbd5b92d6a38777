// What concerns several services: who reads whose states, and who feeds whom.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "spec/names.h"
#include "spec/service_reader.h"

namespace gameflow::spec {
namespace {

void check_reference(Report& report, const StateReference& reference, const Service& reader,
                     const std::vector<Service>& services) {
  const auto owner = std::ranges::find(services, reference.service, &Service::name);
  if (owner == services.end()) {
    std::vector<std::string_view> names;
    for (const Service& service : services) names.emplace_back(service.name);
    report.error(reference.position, fmt::format("there is no service '{}'", reference.service),
                 did_you_mean(reference.service, names));
    return;
  }
  if (&*owner == &reader) {
    report.error(reference.position, fmt::format("service '{}' is this one", reader.name),
                 "what a service owns it can read without 'from'");
    return;
  }
  if (std::ranges::count(owner->states, reference.state, &State::name) == 0) {
    if (owner->has_bad_states) return;
    std::vector<std::string_view> names;
    for (const State& state : owner->states) names.emplace_back(state.name);
    report.error(reference.position,
                 fmt::format("service '{}' has no state '{}'", reference.service, reference.state),
                 did_you_mean(reference.state, names));
  } else if (owner->window) {
    report.error(
        reference.position,
        fmt::format("the rows of state '{}' go with the windows of service '{}'", reference.state,
                    reference.service),
        "only a state without window can be read by key: keep it in a 'partition' outside of "
        "'window', or read the results from a topic");
  }
}

// A way from a service back to itself along topics that do not allow it.
class Cycles {
 public:
  Cycles(const std::vector<Service>& services, const std::vector<TopicEntry>& topics) {
    std::set<std::string_view> allowed;
    for (const TopicEntry& entry : topics) {
      if (entry.topic.allows_cycle) allowed.insert(entry.topic.name);
    }
    for (std::size_t from = 0; from < services.size(); ++from) {
      const auto add = [&](const std::string& topic) {
        if (allowed.contains(topic)) return;
        for (std::size_t to = 0; to < services.size(); ++to) {
          if (from != to && std::ranges::count(services[to].sources, topic, &Source::topic) != 0)
            edges_[from].push_back({to, topic});
        }
      };
      for (const Sink& sink : services[from].sinks) add(sink.topic);
      if (services[from].window && services[from].window->late == LatePolicy::kToTopic)
        add(services[from].window->late_topic);
      if (services[from].join && services[from].join->late == LatePolicy::kToTopic)
        add(services[from].join->late_topic);
    }
  }

  // "a -> topic t -> b -> topic u -> a"; empty: there is none. The shortest, each cycle once: from
  // its first service.
  std::string from(std::size_t start, const std::vector<Service>& services) const {
    std::map<std::size_t, std::pair<std::size_t, std::string>> came_from;
    std::vector<std::size_t> open{start};
    for (std::size_t i = 0; i < open.size(); ++i) {
      const auto edges = edges_.find(open[i]);
      if (edges == edges_.end()) continue;
      for (const auto& [to, topic] : edges->second) {
        if (to == start) return path(start, open[i], topic, came_from, services);
        if (to > start && came_from.emplace(to, std::pair(open[i], topic)).second)
          open.push_back(to);
      }
    }
    return {};
  }

 private:
  static std::string path(
      std::size_t start, std::size_t last, const std::string& topic,
      const std::map<std::size_t, std::pair<std::size_t, std::string>>& came_from,
      const std::vector<Service>& services) {
    std::string text = fmt::format(" -> topic '{}' -> {}", topic, services[start].name);
    for (std::size_t at = last; at != start;) {
      const auto& [before, by] = came_from.at(at);
      text = fmt::format(" -> topic '{}' -> {}", by, services[at].name) + text;
      at = before;
    }
    return services[start].name + text;
  }

  std::map<std::size_t, std::vector<std::pair<std::size_t, std::string>>> edges_;
};

}  // namespace

void ServiceReader::check_all(const std::vector<Table>& tables) {
  for (const Service& service : services_) {
    for (const StateReference& reference : service.references)
      check_reference(report_, reference, service, services_);
    for (const Table& table : tables) {
      const auto is_same = [&](const auto& other) {
        return to_snake_case(other.name) == to_snake_case(table.name);
      };
      if (std::ranges::any_of(service.states, is_same) ||
          std::ranges::any_of(service.references, is_same)) {
        report_.error(table.position,
                      fmt::format("table '{}' and a state of service '{}' have the same name",
                                  table.name, service.name),
                      "rename one of them");
      }
    }
  }
  const Cycles cycles(services_, topics_.entries());
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const std::string path = cycles.from(i, services_);
    if (path.empty()) continue;
    report_.error(services_[i].position, fmt::format("services feed each other: {}", path),
                  "if that is wanted, write 'allow-cycle: true' at one of the topics");
  }
}

}  // namespace gameflow::spec
