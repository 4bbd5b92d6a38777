// Random cases.
#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "runtime/property_case.h"

namespace gameflow::runtime::property {
namespace {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  Case run() {
    case_.seed = random_();
    case_.threads = one_in(3) ? 4 : 1;
    case_.epoch_bytes = one_in(2) ? 1 : 32U << 20;
    case_.flushes_beside = one_in(4);
    if (one_in(2)) case_.gaps = static_cast<std::uint32_t>(random_());
    case_.is_calm = one_in(3);
    add_topics();
    if (!case_.is_calm && one_in(4)) add_tables();
    for (std::size_t i = 1 + below(4); i > 0; --i) add_service();
    if (!case_.is_calm) add_look_ups();
    add_actions();
    return std::move(case_);
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::int64_t number(std::int64_t from, std::int64_t to) {
    return from + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(to - from + 1)));
  }
  std::uint32_t partitions() { return static_cast<std::uint32_t>(1 + below(3)); }

  // The first `external_` ones get input from outside; the others what services write.
  void add_topics() {
    external_ = 1 + below(2);
    for (std::size_t i = 0; i < external_; ++i)
      case_.topics.push_back({fmt::format("in{}", i), Content::kEvents, partitions()});
    if (one_in(4)) {
      case_.topics.push_back({"in-lists", Content::kLists, partitions()});
      ++external_;
    }
    for (int i = 0; i < 2; ++i)
      case_.topics.push_back({fmt::format("between{}", i), Content::kEvents, partitions()});
    case_.topics.push_back({"lists", Content::kLists, partitions()});
    case_.topics.push_back({"any", Content::kAny, partitions()});
    inner_end_ = case_.topics.size();
  }

  Step step() {
    using Op = Step::Op;
    switch (below(8)) {
      case 0:
        return {Op::kAdd, number(1, 9)};
      case 1:
        return {Op::kShift, number(-30, 30)};
      case 2:
        return {Op::kRename, number(0, 8)};
      case 3:
        return {Op::kThrow, number(3, 20)};
      case 4:
        return {Op::kKeep, number(2, 9)};
      case 5:
        return {Op::kHalve, 1};
      default:
        return {Op::kCopies, number(2, 4)};
    }
  }
  std::vector<Step> steps(std::uint64_t most) {
    std::vector<Step> made;
    for (std::uint64_t i = below(most + 1); i > 0; --i) made.push_back(step());
    return made;
  }

  bool is_external(std::size_t topic) const { return topic < external_; }

  // What goes round in a circle, or comes from another service, gets deeper until it ends.
  Source source(std::size_t topic) {
    Source made{topic, {}};
    if (case_.topics[topic].content == Content::kLists)
      made.steps.push_back({Step::Op::kExplode, 1});
    if (!is_external(topic)) made.steps.push_back({Step::Op::kShallow, number(1, 3)});
    std::ranges::move(steps(2), std::back_inserter(made.steps));
    return made;
  }

  bool can_read(std::size_t topic) const { return case_.topics[topic].content != Content::kAny; }

  void add_service() {
    Service service;
    const std::uint64_t kind = below(12);  // 0…4 a window, sessions among them; 5, 6 a join
    std::size_t sources = one_in(3) ? 2 : 1;
    if (kind == 5 || kind == 6) sources = 6;  // tries, until there are two
    for (; sources > 0 && service.sources.size() < 2; --sources) {
      const std::size_t topic =
          one_in(2) || case_.services.empty() ? below(external_) : below(case_.topics.size());
      const bool is_known = std::ranges::count(service.sources, topic, &Source::topic) != 0;
      if (can_read(topic) && !is_known) service.sources.push_back(source(topic));
    }
    if (service.sources.empty()) service.sources.push_back(source(0));
    service.steps = steps(2);
    const bool reads_inner = std::ranges::any_of(
        service.sources, [this](const Source& s) { return !is_external(s.topic); });
    if (kind < 5) {
      add_window(service, reads_inner, kind < 2);
    } else if (kind < 7 && service.sources.size() == 2) {
      add_join(service, reads_inner);
    } else {
      if (reads_inner || one_in(2)) service.steps.push_back({Step::Op::kDeeper, 1});
      if (one_in(2)) add_view(service);
    }
    if (!case_.services.empty() && one_in(3)) begin_alike(service);
    service.skips = one_in(8);
    for (std::size_t i = 1 + below(2); i > 0; --i) add_sink(service);
    case_.services.push_back(std::move(service));
  }

  // As another one, at times in windows of its own.
  void begin_alike(Service& service) {
    const Service& other = case_.services[below(case_.services.size())];
    service.sources = other.sources;
    service.steps = other.steps;
    service.window = other.window;
    service.view = other.view;
    service.join = other.join;
    if (service.join) service.join->late_topic.reset();
    if (!service.window) return;
    service.window->late_topic.reset();
    service.window->has_second_state = one_in(2);
    if (one_in(3) && service.window->slide == 0) service.window->size = number(20, 200);
    if (one_in(3) && !case_.is_calm) service.window->grace = number(0, 60);
  }

  // What it takes that nothing is late where it must not.
  std::int64_t grace(bool reads_inner) {
    if (!case_.is_calm) return number(0, 60);
    return reads_inner ? 1'000'000'000'000 : kDisorder;
  }
  std::int64_t idle() { return case_.is_calm ? 1'000'000'000 : number(50, 500); }

  void add_window(Service& service, bool reads_inner, bool has_sessions) {
    Window& window = service.window.emplace();
    window.size = number(20, 200);
    window.grace = grace(reads_inner);
    window.idle = idle();
    window.has_integer_key = one_in(3);
    window.has_second_state = one_in(2);
    window.has_sketches = one_in(3);
    window.lasts = case_.is_calm ? Lasts::kGreatest : Lasts::kByArrival;
    window.flushes_each = one_in(3);
    if (has_sessions) {
      add_sessions(window);
    } else {
      add_kind(window, reads_inner);
    }
    window.throws = one_in(2);
    window.limit = one_in(3) ? number(0, 3) : 100;
    window.late_topic = late_topic(service);
  }

  // What ends together depends on where epochs are cut, and with a `max`, or where rows are erased,
  // what is in a session on the order in which events come.
  void add_sessions(Window& window) {
    window.gap = one_in(2) ? number(5, 40) : number(20, 150);
    if (case_.is_calm) {
      window.flushes_each = true;
      return;
    }
    if (one_in(2)) window.lasts = Lasts::kByTime;
    if (window.lasts == Lasts::kByArrival) window.lasts = Lasts::kGreatest;
    if (one_in(2)) window.max = number(20, 200);
    window.tells_bounds = one_in(3);
    window.erases = one_in(3);
  }

  std::optional<std::size_t> late_topic(const Service& service) {
    if (!one_in(3)) return std::nullopt;
    const bool is_typed = std::ranges::all_of(service.sources, [this](const Source& s) {
      return case_.topics[s.topic].content == Content::kEvents;
    });
    // Of the services that follow some may read it; nobody who feeds this one, for what is late
    // would be late again.
    const bool is_readable = is_typed && !case_.is_calm;
    case_.topics.push_back({fmt::format("late{}", case_.services.size()),
                            is_readable ? Content::kEvents : Content::kAny, partitions()});
    return case_.topics.size() - 1;
  }

  // Which record a failed pair is told of depends on which comes first.
  void add_join(Service& service, bool reads_inner) {
    Join& join = service.join.emplace();
    if (!one_in(3)) join.before = number(0, 80);
    if (!one_in(3)) join.after = number(0, 80);
    join.grace = grace(reads_inner);
    join.idle = idle();
    join.is_left = one_in(2);
    join.has_integer_key = one_in(3);
    join.throws = one_in(2);
    join.throws_pairs = !case_.is_calm && one_in(2);
    join.late_topic = late_topic(service);
    if (case_.is_calm) remove_throws(service.steps);
  }
  static void remove_throws(std::vector<Step>& steps) {
    std::erase_if(steps, [](const Step& step) { return step.op == Step::Op::kThrow; });
  }

  void add_kind(Window& window, bool reads_inner) {
    if (one_in(4)) window.offset = number(0, 300);
    window.is_local = one_in(8);
    if (!window.is_local && one_in(3)) {
      window.slide = number(10, window.size);
      window.in_panes = one_in(2);
      // What panes give does not go by the order in which events come.
      if (window.in_panes)
        window.lasts = case_.is_calm || one_in(2) ? Lasts::kGreatest : Lasts::kByTime;
    }
    // How many results these give depends on where epochs are cut; and in a circle each would be
    // the reason for the next.
    if (case_.is_calm || reads_inner) return;
    if (one_in(3)) window.reopen = number(1, 200);
    if (one_in(3)) window.emit = number(10, 300);
  }

  // What rows without a window give depends on the order of their records, and on where epochs are
  // cut where they run out.
  void add_view(Service& service) {
    const auto has_one_partition = [this](const Source& source) {
      return is_external(source.topic) && case_.topics[source.topic].partitions == 1;
    };
    const bool is_ordered =
        service.sources.size() == 1 && has_one_partition(service.sources.front());
    if (case_.is_calm && !is_ordered) return;
    View& view = service.view.emplace();
    view.has_integer_key = one_in(3);
    view.is_primitive = one_in(3);
    view.has_event_time = one_in(2);
    view.has_transform = one_in(2);
    view.throws = one_in(2);
    if (case_.is_calm || one_in(3)) return;
    view.ttl = kTtls[below(std::size(kTtls))];
    view.has_on_expire = one_in(2);
  }

  void add_tables() {
    for (std::size_t i = 1 + below(2); i > 0; --i) {
      Table& table = case_.tables.emplace_back();
      const std::size_t topic = below(case_.topics.size());
      if (one_in(2) && case_.topics[topic].content == Content::kEvents) {
        table.topic = topic;
      } else {
        for (std::uint64_t rows = below(5); rows > 0; --rows) table.rows.push_back(row());
      }
    }
  }

  Event row() { return {kNames[below(kNames.size())], base_, number(0, 999), 0}; }

  // Look-ups at random places: of tables, of other services, and in sinks of rows of the service.
  void add_look_ups() {
    for (std::size_t s = 0; s < case_.services.size(); ++s) {
      Service& service = case_.services[s];
      for (std::size_t owner = 0; owner < case_.services.size(); ++owner) {
        const Service& other = case_.services[owner];
        if (owner == s || !other.view || !one_in(2)) continue;
        service.references.push_back(owner);
      }
      std::ranges::shuffle(service.references, random_);
      const auto count = static_cast<std::int64_t>(case_.tables.size() + service.references.size());
      if (count != 0 && one_in(2)) insert(service.steps, number(0, count - 1));
      if (count != 0 && one_in(2)) insert(service.sources.front().steps, number(0, count - 1));
      for (Sink& sink : service.sinks) {
        const bool is_list = service.gives_lists() && sink.steps.empty();
        const bool has_own = service.window || service.view;
        if (is_list || (count == 0 && !has_own) || !one_in(2)) continue;
        insert(sink.steps, number(has_own ? kOwn : 0, count - 1));
      }
    }
  }
  void insert(std::vector<Step>& steps, std::int64_t reference) {
    const std::size_t first = !steps.empty() && steps.front().op == Step::Op::kExplode ? 1 : 0;
    const std::size_t place = first + below(steps.size() - first + 1);
    steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(place),
                 {Step::Op::kLookUp, reference});
  }

  void add_sink(Service& service) {
    Sink sink{external_ + below(inner_end_ - external_), {}};
    const Content content = case_.topics[sink.topic].content;
    if (!service.gives_lists()) {
      if (content == Content::kLists) sink.topic = inner_end_ - 1;  // it makes events
      sink.steps = steps(2);
      if (service.join && case_.is_calm) remove_throws(sink.steps);
    } else if (content == Content::kEvents || (content == Content::kAny && one_in(2))) {
      sink.steps = steps(2);
      sink.steps.insert(sink.steps.begin(), {Step::Op::kExplode, 1});
    }
    const bool is_known = std::ranges::count(service.sinks, sink.topic, &Sink::topic) != 0;
    if (!is_known) service.sinks.push_back(std::move(sink));
  }

  Input input() {
    Input made;
    if (one_in(2)) made.key = kNames[below(kNames.size())];
    // The same disorder in every partition, whose times rise.
    const std::int64_t at = base_ + number(0, kDisorder);
    made.time = at + number(0, 5);
    made.event = {kNames[below(kNames.size())], at, number(0, 999), 0};
    if (one_in(40)) made.event.at = kStart + 86'400'000 + number(0, 300);
    if (!case_.is_calm && one_in(15)) made.event.at -= number(100, 400);
    if (!case_.is_calm && one_in(15)) made.event.at += number(50, 1'500);
    if (one_in(25)) made.broken = one_in(2) ? R"({"name":"ann","at":)" : R"({"name":7})";
    return made;
  }

  Action send() {
    Action action{.kind = Action::Kind::kSend, .topic = below(external_), .records = {}};
    action.partition = static_cast<std::uint32_t>(below(case_.topics[action.topic].partitions));
    for (std::uint64_t i = 1 + below(8); i > 0; --i) action.records.push_back(input());
    base_ += number(0, 40);
    return action;
  }

  void write_table() {
    Action action{.kind = Action::Kind::kWrite, .topic = below(case_.tables.size()), .records = {}};
    if (case_.tables[action.topic].topic) return;
    for (std::uint64_t i = below(6); i > 0; --i) action.records.push_back({.event = row()});
    if (one_in(4)) action.records.push_back({.broken = R"({"name":7})"});
    case_.actions.push_back(std::move(action));
  }

  void add_actions() {
    using Kind = Action::Kind;
    const auto run = [this](bool ends) {
      const std::int64_t epochs = ends ? 1'000 : number(1, 4);
      const auto failures = static_cast<std::uint32_t>(one_in(4) ? 1 + below(2) : 0);
      case_.actions.push_back(
          {.kind = Kind::kRun, .records = {}, .count = epochs, .failures = failures});
    };
    for (std::uint64_t i = 5 + below(20); i > 0; --i) {
      switch (below(8)) {
        case 0:
          case_.actions.push_back({.kind = Kind::kAdvance, .records = {}, .count = number(1, 300)});
          break;
        case 1:
          if (one_in(2)) case_.actions.push_back({.kind = Kind::kRestart, .records = {}});
          break;
        case 2:
          if (!case_.tables.empty() && one_in(2)) write_table();
          [[fallthrough]];
        case 3:
          run(false);
          break;
        default:
          case_.actions.push_back(send());
          break;
      }
    }
    case_.actions.push_back({.kind = Kind::kEndInput, .records = {}});
    if (one_in(2)) run(false);
    if (one_in(3)) case_.actions.push_back({.kind = Kind::kRestart, .records = {}});
    run(true);
  }

  std::mt19937_64 random_;
  Case case_;
  std::size_t external_ = 1, inner_end_ = 0;
  std::int64_t base_ = kStart;
};

}  // namespace

Case random_case(std::uint64_t seed) {
  Case made = Generator(seed).run();
  made.seed = seed;
  return made;
}

}  // namespace gameflow::runtime::property
