// Random dataflows on random streams, in random epochs, with failed commits and restarts: after
// every epoch the engine has written what a simple model says, record by record, and counts what it
// counts. docs/design/epochs.md has what is promised.
//
//   GAMEFLOW_PROPERTY_SEED=7   only this case
//   GAMEFLOW_PROPERTY_CASES=N  so many, instead of kCases
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/check.h"
#include "log/memory/memory_store.h"
#include "log/test_util.h"
#include "runtime/checkpoint.h"
#include "runtime/engine.h"
#include "runtime/property_case.h"
#include "runtime/property_functions.h"
#include "runtime/property_model.h"

namespace gameflow::runtime::property {
namespace {

constexpr std::uint64_t kCases = 2'000;
constexpr std::size_t kEpochsMax = 1'000;  // no case takes more to its end

// What is wrong, for a person.
struct Mismatch {
  std::string what;
};

void expect(bool holds, const std::string& what) {
  if (!holds) throw Mismatch{what};
}

// A dead letter without its reason, which is for people.
std::string without_reason(std::string text) {
  const auto begin = text.find(",\"code\":");
  auto end = text.find(",\"reason\":\"") + std::strlen(",\"reason\":\"");
  while (text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  return text.erase(begin, end + 1 - begin);
}

std::string describe(const Record& record) {
  return fmt::format("time {} key {} {}", record.time,
                     record.key ? "'" + *record.key + "'" : "none", record.text);
}

class Run {
 public:
  // What came out in the end, whatever the order: by topic partition, and the dead letters without
  // their offsets.
  using Outputs = std::map<Partition, std::vector<std::string>>;

  explicit Run(const Case& run)
      : case_(run),
        model_(run),
        clock_({kStart + (run.is_calm ? 10'000 : 100)}),
        store_(log::make_memory_store(clock_, {.gaps = run.gaps})),
        graph_(make_graph(run, folder())) {
    for (std::size_t i = 0; i < run.tables.size(); ++i) {
      if (!run.tables[i].topic) write_file(i, run.tables[i].rows);
    }
    for (const Topic& topic : run.topics) names_.push_back(topic.name);
    names_.emplace_back("dead-letters");
  }

  // Throws Mismatch.
  Outputs run() {
    open();
    for (const Action& action : case_.actions) act(action);
    for (std::size_t i = 0; i < case_.services.size(); ++i) {
      const Service& service = case_.services[i];
      const bool has_log = service.view || (service.window && service.window->has_sessions());
      expect(has_log || log::scan_all(*store_, rows_range(graph_->services[i].name)).empty(),
             "rows of windows stay in the store behind the end");
    }
    Outputs outputs;
    for (auto& [partition, texts] : written_) {
      outputs[partition] = std::move(texts);
      std::ranges::sort(outputs[partition]);
    }
    return outputs;
  }
  const Model& model() const { return model_; }

 private:
  void open() {
    engine_.reset();
    mend_files();
    auto opened = Engine::open(graph_, bind(case_, *graph_), *store_,
                               {.threads = case_.threads,
                                .epoch_bytes_max = case_.epoch_bytes,
                                .epoch_bytes_small = 0,  // all that may run in parallel does
                                .rows_flushed_at_once = case_.flushes_beside ? 0U : 20'000U,
                                .clock = &clock_});
    if (!opened) throw Mismatch{"cannot open: " + opened.error().message};
    engine_ = std::move(*opened);
    if (input_ends_) engine_->end_input();
    model_.open(clock_.steady().ms);
    compare_stats();
  }

  void act(const Action& action) {
    switch (action.kind) {
      case Action::Kind::kSend:
        return send(action);
      case Action::Kind::kAdvance:
        return clock_.advance({action.count});
      case Action::Kind::kRestart:
        return open();
      case Action::Kind::kWrite:
        return write(action);
      case Action::Kind::kRun:
        return run(action);
      case Action::Kind::kEndInput:
        input_ends_ = true;
        engine_->end_input();
        return;
    }
  }

  // Of the tables of the case that runs.
  static const std::string& folder() {
    static const std::string kFolder = [] {
      std::string name = (std::filesystem::temp_directory_path() / "property_XXXXXX").string();
      GF_CHECK(::mkdtemp(name.data()) != nullptr);
      return name;
    }();
    return kFolder;
  }

  // Every text has a size of its own, so that none passes for the one before it.
  void write_file(std::size_t table, const std::vector<Event>& rows, std::string_view broken = {}) {
    std::string text(++files_written_, '\n');
    for (const Event& row : rows) text += json_of(row) + '\n';
    text += broken;
    std::ofstream(folder() + "/" + table_file(table)) << text;
    is_broken_[table] = !broken.empty();
  }

  void write(const Action& action) {
    std::vector<Event> rows;
    std::string broken;
    for (const Input& input : action.records) {
      if (input.broken.empty()) rows.push_back(input.event);
      broken += input.broken;
    }
    write_file(action.topic, rows, broken);
    model_.write(action.topic, broken.empty() ? std::optional(rows) : std::nullopt);
  }

  // At a start no file may be broken.
  void mend_files() {
    for (const auto& [table, is_broken] : std::map(is_broken_)) {
      if (!is_broken) continue;
      const auto opened = Engine::open(graph_, bind(case_, *graph_), *store_, {.clock = &clock_});
      expect(!opened && opened.error().code == ErrorCode::kInvalidDataflow,
             "a broken file should not open");
      write_file(table, {});
      model_.write(table, std::vector<Event>());
    }
  }

  void send(const Action& action) {
    log::Commit commit;
    commit.appends.push_back({store_->topic(names_[action.topic])->id, action.partition, {}});
    std::vector<Record> sent;
    for (const Input& input : action.records) {
      Record record{
          .time = input.time, .key = input.key, .text = input.broken, .value = {input.event}};
      record.is_broken = !input.broken.empty();
      const bool is_list = case_.topics[action.topic].content == Content::kLists;
      if (is_list) record.value.push_back({input.event.name, input.event.at, input.event.n / 2, 0});
      if (!record.is_broken)
        record.text = is_list ? json_of(record.value) : json_of(record.value.front());
      commit.appends[0].batch.add({record.time}, record.key, record.text);
      sent.push_back(std::move(record));
    }
    GF_CHECK(store_->commit(std::move(commit)));
    compare_appended({{{action.topic, action.partition}, std::move(sent)}});
  }

  void run(const Action& action) {
    for (std::int64_t epoch = 0; epoch < action.count; ++epoch) {
      const bool fails = epoch < action.failures;
      if (fails) store_->fail_next_commits(1, ErrorCode::kDiskFull);
      const auto result = engine_->run_epoch();
      store_->fail_next_commits(0, ErrorCode::kDiskFull);
      if (!result) {
        expect(fails, "an epoch failed: " + result.error().message);
        model_.fail(clock_.steady().ms);
        compare_appended({});
      } else {
        const bool committed = *result == EpochResult::kCommitted;
        Outcome outcome = model_.run(clock_.now().ms, clock_.steady().ms, told(), input_ends_);
        expect(committed == outcome.has_work,
               fmt::format("the epoch {}", committed ? "should have been idle" : "was idle"));
        compare_appended(std::move(outcome.appended));
        if (!committed && epoch >= action.failures) break;
      }
      compare_stats();
      expect(++epochs_ < kEpochsMax, "it does not come to an end");
    }
    check_stored_sizes();
  }

  // Where the engine says that the epoch ended.
  AllTold told() {
    AllTold all;
    const EngineStats stats = engine_->stats();
    for (std::size_t i = 0; i < stats.services.size(); ++i) {
      Told& told = all.emplace_back();
      for (const PartitionStats& partition : stats.services[i].partitions)
        told.next.push_back(partition.next_offset);
      const auto& window = case_.services[i].window;
      if (window && window->has_sessions()) note_stored(i, stats.services[i].name, told);
    }
    return all;
  }
  void note_stored(std::size_t service, const std::string& name, Told& told) {
    const std::string key = service_key(name);
    for (log::KeyValue& entry : log::scan_all(*store_, {key, key + '\0'})) {
      told.was_stored = stored_[service] != entry.value;
      const auto record = decode_service_record(entry.value, name);
      if (record->watermark) told.watermark = record->watermark->ms;
      stored_[service] = std::move(entry.value);
    }
  }

  // What was appended since the last time is this, and nothing else.
  void compare_appended(std::map<Partition, std::vector<Record>> expected) {
    for (std::size_t topic = 0; topic < names_.size(); ++topic) {
      const log::TopicInfo info = *store_->topic(names_[topic]);
      for (std::uint32_t p = 0; p < info.config.partitions; ++p) {
        compare_appended(info, {topic, p}, std::move(expected[{topic, p}]));
      }
    }
  }

  void compare_appended(const log::TopicInfo& info, Partition partition,
                        std::vector<Record> expected) {
    std::vector<Record> found;
    log::Offset& seen = seen_[partition];
    const log::ReadResult read = *store_->read(info.id, partition.second, seen, SIZE_MAX);
    for (const auto& batch : read.batches) {
      for (std::size_t i = batch->index_of(seen); i < batch->size(); ++i) {
        const record::RecordView view = (*batch)[i];
        Record& record = found.emplace_back(Record{.offset = batch->offset(i).value,
                                                   .appended_at = batch->appended_at().ms,
                                                   .time = view.timestamp.ms,
                                                   .key = {},
                                                   .text = std::string(view.value),
                                                   .value = {}});
        if (view.key) record.key = std::string(*view.key);
        if (partition.first == model_.dead_topic()) record.text = without_reason(record.text);
      }
    }
    seen = read.next;
    for (std::size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
      const std::string is = i < found.size() ? describe(found[i]) : "nothing";
      const std::string should_be = i < expected.size() ? describe(expected[i]) : "nothing";
      expect(is == should_be,
             fmt::format("{} partition {}, record {} of the epoch:\n  is        {}\n"
                         "  should be {}",
                         names_[partition.first], partition.second, i, is, should_be));
      expected[i].offset = found[i].offset;
      expected[i].appended_at = found[i].appended_at;
      note_written(partition, expected[i]);
      model_.append(partition, std::move(expected[i]));
    }
  }

  void note_written(Partition partition, const Record& record) {
    std::string text = describe(record);
    if (partition.first == model_.dead_topic()) {  // with neither time nor offset
      text = record.text;
      if (const auto begin = text.find(",\"offset\":"); begin != std::string::npos)
        text.erase(begin, text.find(",\"timestamp\"") - begin);
    }
    written_[partition].push_back(std::move(text));
  }

  void compare_stats() {
    const EngineStats stats = engine_->stats();
    for (std::size_t i = 0; i < stats.tables.size(); ++i) {
      expect(stats.tables[i].rows == model_.table_rows(i),
             fmt::format("table{} has {} rows, should have {}", i, stats.tables[i].rows,
                         model_.table_rows(i)));
      expect(stats.tables[i].problem.empty() != is_broken_[i], "a broken file is not told");
    }
    for (std::size_t i = 0; i < stats.services.size(); ++i) {
      const ServiceStats& is = stats.services[i];
      const Counters should = model_.counters(i);
      const auto compare = [&is](std::string_view what, std::uint64_t value,
                                 std::uint64_t expected) {
        expect(value == expected,
               fmt::format("{}: {} is {}, should be {}", is.name, what, value, expected));
      };
      compare("records_in", is.records_in, should.in);
      compare("records_out", is.records_out, should.out);
      compare("records_late", is.records_late, should.late);
      compare("records_dead", is.records_dead, should.dead);
      compare("records_skipped", is.records_skipped, should.skipped);
      compare("records_future", is.records_future, should.future);
      compare("records_expired", is.records_expired, 0);
      compare("windows_closed", is.windows_closed, should.windows_closed);
      compare("results_early", is.results_early, should.early);
      compare("results_corrected", is.results_corrected, should.corrected);
      compare("windows_open", is.windows_open, model_.windows_open(i));
      // Of panes the engine counts other rows than the model of windows.
      const bool has_panes = case_.services[i].window && case_.services[i].window->in_panes;
      for (std::size_t state = 0; state < is.states.size() && !has_panes; ++state)
        compare("rows of " + is.states[state].name, is.states[state].rows, model_.rows(i, state));
      if (!case_.services[i].is_pipe()) {
        compare("watermark", static_cast<std::uint64_t>(is.watermark.value_or(Timestamp{0}).ms),
                static_cast<std::uint64_t>(model_.watermark(i).value_or(0)));
      }
    }
  }

  void check_stored_sizes() {
    const auto all = log::scan_all(*store_, {"", "\x7f"});
    for (const log::KeyValue& entry : all)
      expect(entry.value.size() <= kStoredBytesMax, "a stored value is too large");
  }

  const Case& case_;
  Model model_;
  ManualClock clock_;
  std::unique_ptr<log::MemoryStore> store_;
  std::shared_ptr<const plan::Graph> graph_;
  std::vector<std::string> names_;  // of topics; the dead letters' last
  std::unique_ptr<Engine> engine_;
  std::map<Partition, log::Offset> seen_;
  Outputs written_;
  bool input_ends_ = false;
  std::size_t epochs_ = 0;
  std::size_t files_written_ = 0;
  std::map<std::size_t, bool> is_broken_;      // the file of a table
  std::map<std::size_t, std::string> stored_;  // where a service stands
};

// Of two runs with other epochs.
void expect_same(const Run::Outputs& a, const Run::Outputs& b, const Case& of) {
  for (const auto& [partition, texts] : a) {
    const auto other = b.find(partition);
    const bool is_same = texts.empty() || (other != b.end() && other->second == texts);
    expect(is_same, fmt::format("what comes out depends on where epochs are cut: topic {}",
                                partition.first < of.topics.size() ? of.topics[partition.first].name
                                                                   : "dead-letters"));
  }
}

// What is wrong with it; or nothing.
std::string failure_of(const Case& tried) {
  try {
    const Run::Outputs outputs = Run(tried).run();
    if (!tried.is_calm) return {};
    const Case other = recut(tried);
    const Run::Outputs recut_outputs = Run(other).run();
    expect_same(outputs, recut_outputs, tried);
    expect_same(recut_outputs, outputs, tried);
    return {};
  } catch (const Mismatch& mismatch) {
    return mismatch.what;
  }
}

// As small as it gets in a while, and still failing.
Case shrink(Case failing) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (bool is_smaller = true; is_smaller;) {
    is_smaller = false;
    for (Case& candidate : smaller(failing)) {
      if (std::chrono::steady_clock::now() > until) return failing;
      if (failure_of(candidate).empty()) continue;
      failing = std::move(candidate);
      is_smaller = true;
      break;
    }
  }
  return failing;
}

// An engine's own checks end the process: then the seed is told all the same.
volatile std::sig_atomic_t running_seed = 0;
void tell_seed(int) {
  std::array<char, 64> text{};
  const auto end = fmt::format_to_n(text.data(), text.size(), "property: seed {}\n",
                                    static_cast<std::int64_t>(running_seed));
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), end.size);
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Property, EveryDataflowGivesWhatASimpleModelGives) {
  spdlog::set_level(spdlog::level::off);
  std::signal(SIGABRT, tell_seed);
  const std::uint64_t only = number_from("GAMEFLOW_PROPERTY_SEED", 0);
  const std::uint64_t cases = number_from("GAMEFLOW_PROPERTY_CASES", kCases);
  const std::uint64_t first = only != 0 ? only : 1, last = only != 0 ? only : cases;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    running_seed = static_cast<std::sig_atomic_t>(seed);
    const Case tried = random_case(seed);
    const std::string failure = failure_of(tried);
    if (failure.empty()) continue;
    const Case small = shrink(tried);
    FAIL() << "seed " << seed << ": " << failure << "\n\nshrunk to\n"
           << describe(small) << failure_of(small);
  }
}

}  // namespace
}  // namespace gameflow::runtime::property
