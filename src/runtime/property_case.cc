#include "runtime/property_case.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <random>
#include <stdexcept>

#include <fmt/format.h>

namespace gameflow::runtime::property {
namespace {

constexpr std::array<std::string_view, 9> kNames = {
    "",    "a",   "ann", "bob", "player_1", "player_2", "a name of more than sixteen bytes",
    "zoe", "none"};

// Never negative.
std::int64_t modulo(std::int64_t n, std::int64_t by) {
  return (n % by + by) % by;
}

void throw_if(bool condition) {
  if (condition) throw std::runtime_error("no");
}

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
    for (std::size_t i = 1 + below(4); i > 0; --i) add_service();
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
    for (std::size_t i = one_in(3) ? 2 : 1; i > 0; --i) {
      const std::size_t topic =
          one_in(2) || case_.services.empty() ? below(external_) : below(case_.topics.size());
      const bool is_known = std::ranges::count(service.sources, topic, &Source::topic) != 0;
      if (can_read(topic) && !is_known) service.sources.push_back(source(topic));
    }
    if (service.sources.empty()) service.sources.push_back(source(0));
    service.steps = steps(2);
    const bool reads_inner = std::ranges::any_of(
        service.sources, [this](const Source& s) { return !is_external(s.topic); });
    const bool has_window = one_in(2);
    if (has_window) {
      add_window(service, reads_inner);
    } else if (reads_inner || one_in(2)) {
      service.steps.push_back({Step::Op::kDeeper, 1});
    }
    if (!case_.services.empty() && one_in(3)) begin_alike(service);
    for (std::size_t i = 1 + below(2); i > 0; --i) add_sink(service);
    case_.services.push_back(std::move(service));
  }

  // As another one, at times in windows of its own.
  void begin_alike(Service& service) {
    const Service& other = case_.services[below(case_.services.size())];
    service.sources = other.sources;
    service.steps = other.steps;
    service.window = other.window;
    if (!service.window) return;
    service.window->late_topic.reset();
    service.window->has_second_state = one_in(2);
    if (one_in(3) && service.window->slide == 0) service.window->size = number(20, 200);
    if (one_in(3) && !case_.is_calm) service.window->grace = number(0, 60);
  }

  void add_window(Service& service, bool reads_inner) {
    Window& window = service.window.emplace();
    window.size = number(20, 200);
    window.grace = case_.is_calm ? (reads_inner ? 1'000'000'000'000 : kDisorder) : number(0, 60);
    window.idle = case_.is_calm ? 1'000'000'000 : number(50, 500);
    window.has_integer_key = one_in(3);
    window.has_second_state = one_in(2);
    window.is_last_ordered = !case_.is_calm;
    add_kind(window, reads_inner);
    window.throws = one_in(2);
    window.limit = one_in(3) ? number(0, 3) : 100;
    if (!one_in(3)) return;
    const bool is_typed = std::ranges::all_of(service.sources, [this](const Source& s) {
      return case_.topics[s.topic].content == Content::kEvents;
    });
    window.late_topic = case_.topics.size();
    // Of the services that follow some may read it; nobody who feeds this one, for what is late
    // would be late again.
    const bool is_readable = is_typed && !case_.is_calm;
    case_.topics.push_back({fmt::format("late{}", case_.services.size()),
                            is_readable ? Content::kEvents : Content::kAny, partitions()});
  }

  void add_kind(Window& window, bool reads_inner) {
    if (one_in(4)) window.offset = number(0, 300);
    if (one_in(3)) {
      window.slide = number(10, window.size);
      window.in_panes = one_in(2);
      // What panes give does not go by the order in which events come.
      if (window.in_panes) window.is_last_ordered = false;
    }
    // How many results these give depends on where epochs are cut; and in a circle each would be
    // the reason for the next.
    if (case_.is_calm || reads_inner) return;
    if (one_in(3)) window.reopen = number(1, 200);
    if (one_in(3)) window.emit = number(10, 300);
  }

  void add_sink(Service& service) {
    Sink sink{external_ + below(inner_end_ - external_), {}};
    const Content content = case_.topics[sink.topic].content;
    if (!service.window) {
      if (content == Content::kLists) sink.topic = inner_end_ - 1;  // a pipe makes events
      sink.steps = steps(2);
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

  static constexpr std::int64_t kDisorder = 30;

  std::mt19937_64 random_;
  Case case_;
  std::size_t external_ = 1, inner_end_ = 0;
  std::int64_t base_ = kStart;
};

std::string describe(const std::vector<Step>& steps) {
  constexpr std::array<std::string_view, 10> kOps = {
      "map n+{}",    "map at+{}",       "map name {}",        "map depth+{}",  "map throws/{}",
      "filter n%{}", "filter depth<{}", "filter-map half {}", "flat-map n%{}", "flat-map items {}"};
  std::string text;
  for (const Step& step : steps)
    text +=
        " | " + fmt::format(fmt::runtime(kOps[static_cast<std::size_t>(step.op)]), step.argument);
  return text;
}

std::string describe(const Action& action, const Case& shown) {
  switch (action.kind) {
    case Action::Kind::kRun:
      return fmt::format("run {} epochs, {} failing\n", action.count, action.failures);
    case Action::Kind::kAdvance:
      return fmt::format("advance {} ms\n", action.count);
    case Action::Kind::kRestart:
      return "restart\n";
    case Action::Kind::kEndInput:
      return "end of input\n";
    case Action::Kind::kSend:
      break;
  }
  std::string text =
      fmt::format("send to {}/{}\n", shown.topics[action.topic].name, action.partition);
  for (const Input& input : action.records) {
    text += fmt::format("  key {} time +{} ", input.key ? "'" + *input.key + "'" : "none",
                        input.time - kStart);
    text += input.broken.empty() ? fmt::format("name '{}' at +{} n {}\n", input.event.name,
                                               input.event.at - kStart, input.event.n)
                                 : input.broken + "\n";
  }
  return text;
}

}  // namespace

std::string_view constant_name(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  return found == kNames.end() ? "?" : *found;
}

std::string_view kind_of(Step::Op op) {
  using Op = Step::Op;
  switch (op) {
    case Op::kAdd:
    case Op::kShift:
    case Op::kRename:
    case Op::kDeeper:
    case Op::kThrow:
      return "map";
    case Op::kKeep:
    case Op::kShallow:
      return "filter";
    case Op::kHalve:
      return "filter-map";
    case Op::kCopies:
    case Op::kExplode:
      break;
  }
  return "flat-map";
}

void apply(const Step& step, const Event& event, std::vector<Event>& out) {
  using Op = Step::Op;
  Event made = event;
  switch (step.op) {
    case Op::kAdd:
      made.n = modulo(event.n + step.argument, 1'000);
      break;
    case Op::kShift:
      made.at += step.argument;
      break;
    case Op::kRename:
      made.name = kNames[static_cast<std::size_t>(modulo(event.n + step.argument, kNames.size()))];
      break;
    case Op::kDeeper:
      made.depth += step.argument;
      break;
    case Op::kThrow:
      throw_if(modulo(event.n, step.argument) == 0);
      break;
    case Op::kKeep:
      if (modulo(event.n, step.argument) == 0) return;
      break;
    case Op::kShallow:
      if (event.depth >= step.argument) return;
      break;
    case Op::kHalve:
      if (modulo(event.n, 2) != 0) return;
      made.n /= 2;
      break;
    case Op::kCopies:
      for (std::int64_t i = modulo(event.n, step.argument); i > 0; --i) {
        made.n = modulo(event.n * 7 + i, 1'000);
        out.push_back(made);
      }
      return;
    case Op::kExplode:
      break;
  }
  out.push_back(made);
}

std::int64_t time_of(const Window& window, const Event& event) {
  throw_if(window.throws && modulo(event.n, 29) == 0);
  return window.throws && modulo(event.n, 31) == 0 ? INT64_MAX / 2 : event.at;
}

std::string key_text_of(const Window& window, const Event& event) {
  throw_if(window.throws && modulo(event.n, 23) == 0);
  if (window.throws && event.n == 37) return std::string((32U << 10) + 1, 'k');
  return std::string(event.name);
}

std::int64_t key_number_of(const Window& window, const Event& event) {
  throw_if(window.throws && modulo(event.n, 23) == 0);
  return modulo(event.n, 7) - 3;
}

void check_update(const Window& window, const Event& event) {
  throw_if(window.throws && modulo(event.n, 17) == 0);
}

bool is_ignored(const Event& event) {
  return modulo(event.n, 19) == 0;
}

void check_flush(const Window& window, std::int64_t start) {
  throw_if(window.throws && modulo(start / window.size, 5) == 0);
}

Case random_case(std::uint64_t seed) {
  Case made = Generator(seed).run();
  made.seed = seed;
  return made;
}

std::string describe(const Case& shown) {
  std::string text = fmt::format(
      "seed {}: {} threads, {} epochs, windows are flushed {}, {}{}\n", shown.seed, shown.threads,
      shown.epoch_bytes == 1 ? "small" : "large",
      shown.flushes_beside ? "beside the epochs" : "at once",
      shown.gaps ? fmt::format("gaps {}", *shown.gaps) : "no gaps", shown.is_calm ? ", calm" : "");
  for (std::size_t s = 0; s < shown.services.size(); ++s) {
    const Service& service = shown.services[s];
    text += fmt::format("service s{}\n", s);
    for (const Source& source : service.sources) {
      const Topic& topic = shown.topics[source.topic];
      text += fmt::format("  source {} ({} partitions){}\n", topic.name, topic.partitions,
                          describe(source.steps));
    }
    text += fmt::format("  transforms{}\n", describe(service.steps));
    if (const auto& window = service.window) {
      text += fmt::format(
          "  window {} ms{}{}, offset {}, reopened for {}, early every {}, grace {}, idle {}, {} "
          "key, "
          "{} states{}, limit {}{}{}\n",
          window->size, window->slide == 0 ? "" : fmt::format(" every {}", window->slide),
          window->in_panes ? " in panes" : "", window->offset, window->reopen, window->emit,
          window->grace, window->idle, window->has_integer_key ? "integer" : "string",
          window->has_second_state ? 2 : 1, window->is_last_ordered ? "" : " (greatest)",
          window->limit, window->throws ? ", throws" : "",
          window->late_topic ? ", late to " + shown.topics[*window->late_topic].name : "");
    }
    for (const Sink& sink : service.sinks) {
      const Topic& topic = shown.topics[sink.topic];
      text += fmt::format("  sink {} ({} partitions){}\n", topic.name, topic.partitions,
                          describe(sink.steps));
    }
  }
  for (const Action& action : shown.actions) text += describe(action, shown);
  return text;
}

}  // namespace gameflow::runtime::property
