#include "app/dataflow_test.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <gameflow/time.h>

#include "api/api.h"
#include "app/dataflow_file.h"
#include "log/memory/memory_store.h"
#include "record/codec.h"
#include "runtime/engine.h"
#include "spec/diagnostic.h"

namespace gameflow::app {
namespace {

struct CommandForm {
  std::string_view name;
  std::size_t words_max;  // on its line
  bool takes_lines;       // below it
};
constexpr CommandForm kCommands[] = {
    {"dataflow", 1, false}, {"at", 1, false},           {"advance", 1, false},
    {"send", 5, true},      {"run", 0, false},          {"end", 0, false},
    {"restart", 0, false},  {"fail-commits", 1, false}, {"expect", SIZE_MAX, true}};

std::vector<std::string> split_words(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

std::optional<std::uint32_t> parse_number(const std::string& text) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

// The command line and the records it sends or expects as one line of JSON each, so that white
// space does not matter.
std::string one_line(const std::string& json) {
  std::string line;
  record::Decoder decoder;
  std::string padded = json;
  padded.reserve(json.size() + record::kPaddingBytes);
  if (!decoder.check(padded)) return json;
  record::minify_json(padded, line);
  return line;
}

std::string format_answer_value(const query::Value& value) {
  struct Visitor {
    std::string operator()(std::nullptr_t) const { return "null"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return fmt::format("{}", number); }
    std::string operator()(const std::string& text) const { return text; }
  };
  return std::visit(Visitor{}, value);
}

// A running case: the world it happens in, and one method a command.
class Runner {
 public:
  Runner(const TestCase& test, const BuildOptions& build, std::uint32_t threads)
      : test_(test), build_(build), threads_(threads), store_(log::make_memory_store(clock_)) {}

  Status run() {
    for (const TestStep& step : test_.steps) {
      step_ = &step;
      if (const Status status = run_step(); !status) {
        return fail(status.error().code,
                    fmt::format("{}:{}: {}", test_.file, step.line, status.error().message));
      }
    }
    return {};
  }

 private:
  Status run_step() {
    const std::string& command = step_->command;
    if (command == "dataflow") return load();
    if (command == "fail-commits") return fail_commits();
    if (command == "at") return set_clock();
    if (engine_ == nullptr && !(command == "expect" && first_word() == "error")) {
      return error("the dataflow comes first: 'dataflow FILE', or 'dataflow' and its YAML");
    }
    if (command == "advance") return advance();
    if (command == "send") return send();
    if (command == "run") return run_engine();
    if (command == "end") {
      engine_->end_input();
      return run_engine();
    }
    if (command == "restart") return open_engine();
    return expect();
  }

  static tl::unexpected<Error> error(const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, what);
  }
  std::string first_word() const { return step_->words.empty() ? "" : step_->words.front(); }

  Status load() {
    failure_.reset();
    auto loaded = step_->words.empty() ? check_dataflow(test_.file, inline_source())
                                       : read_dataflow(beside_test(first_word()));
    const Status ready = [&]() -> Status {
      GF_ASSIGN(DataflowFile file, std::move(loaded));
      GF_ASSIGN(const opbuild::Library library, build_operators(file, build_, false));
      file_ = std::move(file);
      functions_ = library.functions;
      return open_engine();
    }();
    if (!ready) failure_ = ready.error();
    return next_expects_error() ? Status{} : (ready ? Status{} : error(ready.error().message));
  }

  // The YAML keeps its place in the file, so that messages point into the test.
  std::string inline_source() const {
    return fmt::format("{}{}\n", std::string(step_->line, '\n'), fmt::join(step_->body, "\n"));
  }

  std::string beside_test(const std::string& name) const {
    return (std::filesystem::path(test_.file).parent_path() / name).lexically_normal().string();
  }

  bool next_expects_error() const {
    const TestStep* next = step_ + 1;
    return next < test_.steps.data() + test_.steps.size() && next->command == "expect" &&
           !next->words.empty() && next->words.front() == "error";
  }

  Status open_engine() {
    api_.reset();
    engine_.reset();
    auto opened = runtime::Engine::open(file_.plan, functions_, *store_,
                                        {.threads = threads_, .clock = &clock_});
    if (!opened) {
      failure_ = opened.error();
      return next_expects_error() ? Status{} : fail(opened.error());
    }
    engine_ = std::move(*opened);
    api_ = std::make_unique<api::Api>(*store_, engine_.get(), clock_);
    return {};
  }

  Status set_clock() {
    i64 time = 0;
    if (!parse_time(first_word(), &time))
      return error("at wants a time such as 2024-11-12T10:15:30Z");
    clock_.set({time});
    return {};
  }

  Status advance() {
    const auto by = parse_duration(first_word());
    if (!by) return error("advance wants a duration such as 5s");
    clock_.advance(*by);
    return run_engine();
  }

  // send TOPIC [partition N] [key TEXT]
  Status send() {
    const auto topic = store_->topic(first_word());
    if (!topic) return error(topic.error().message);
    log::Append append{topic->id, 0, {}};
    std::optional<std::string> key;
    for (std::size_t i = 1; i < step_->words.size(); i += 2) {
      const std::string& option = step_->words[i];
      const std::string value = i + 1 < step_->words.size() ? step_->words[i + 1] : "";
      if (option == "partition" && parse_number(value)) {
        append.partition = *parse_number(value);
      } else if (option == "key" && !value.empty()) {
        key = value;
      } else {
        return error(fmt::format("send wants 'partition N' or 'key TEXT', not '{}{}{}'", option,
                                 value.empty() ? "" : " ", value));
      }
    }
    for (const std::string& line : step_->body) append.batch.add(clock_.now(), key, line);
    if (append.batch.empty()) return error("send wants records: one a line, below it");
    log::Commit commit;
    commit.appends.push_back(std::move(append));
    GF_TRY(store_->commit(std::move(commit)));
    return {};
  }

  Status run_engine() {
    failure_.reset();
    for (;;) {
      const auto result = engine_->run_epoch();
      if (!result) {
        failure_ = result.error();
        return next_expects_error() ? Status{} : fail(result.error());
      }
      if (*result == runtime::EpochResult::kIdle) return {};
    }
  }

  Status fail_commits() {
    const auto count = parse_number(first_word());
    if (!count) return error("fail-commits wants a number");
    store_->fail_next_commits(*count, ErrorCode::kDiskFull);
    return {};
  }

  Status expect() {
    if (first_word() == "error") return expect_error();
    if (first_word() == "stats") return expect_stats();
    if (first_word() == "sql") return expect_sql();
    if (first_word().empty()) return error("expect what? a topic, 'sql', 'stats' or 'error'");
    return expect_records();
  }

  Status expect_error() {
    const std::string wanted =
        fmt::format("{}", fmt::join(step_->words.begin() + 1, step_->words.end(), " "));
    if (!failure_) return error("an error was expected, none came");
    const std::string got = fmt::format("{}: {}", to_string(failure_->code), failure_->message);
    if (got.find(wanted) == std::string::npos) return mismatch({wanted}, {got});
    return {};
  }

  Status mismatch(const std::vector<std::string>& wanted,
                  const std::vector<std::string>& got) const {
    return error(fmt::format("expected\n    {}\n  came\n    {}", fmt::join(wanted, "\n    "),
                             fmt::join(got, "\n    ")));
  }

  // Records of a topic since the last time it was asked for, in order of partition.
  Status expect_records() {
    const auto topic = store_->topic(first_word());
    if (!topic) return error(topic.error().message);
    std::vector<std::string> got, wanted;
    for (std::uint32_t partition = 0; partition < topic->config.partitions; ++partition) {
      record::Offset& seen = seen_[{first_word(), partition}];
      GF_ASSIGN(const auto batches, store_->read(topic->id, partition, seen, SIZE_MAX));
      for (const auto& batch : batches) {
        for (std::size_t i = 0; i < batch->size(); ++i) {
          if (batch->base_offset().value + i >= seen.value)
            got.push_back(one_line(std::string((*batch)[i].value)));
        }
      }
      seen = topic->partitions[partition].end;
    }
    for (const std::string& line : step_->body) wanted.push_back(one_line(line));
    return got == wanted ? Status{} : mismatch(wanted, got);
  }

  Status expect_sql() {
    const std::string sql =
        fmt::format("{}", fmt::join(step_->words.begin() + 1, step_->words.end(), " "));
    const auto answer = api_->sql(sql, {});
    if (!answer) return error(answer.error().message);
    std::vector<std::string> got;
    for (const auto& row : answer->rows) {
      std::vector<std::string> cells;
      std::ranges::transform(row, std::back_inserter(cells), format_answer_value);
      got.push_back(fmt::format("{}", fmt::join(cells, " ")));
    }
    return got == step_->body ? Status{} : mismatch(step_->body, got);
  }

  // expect stats SERVICE name=value …
  Status expect_stats() {
    if (step_->words.size() < 3) return error("expect stats wants a service and name=value pairs");
    for (const runtime::ServiceStats& service : engine_->stats().services) {
      if (service.name != step_->words[1]) continue;
      const std::map<std::string, std::uint64_t> all{
          {"in", service.records_in},         {"out", service.records_out},
          {"late", service.records_late},     {"dead", service.records_dead},
          {"future", service.records_future}, {"expired", service.records_expired},
          {"open", service.windows_open},     {"closed", service.windows_closed}};
      std::vector<std::string> wanted(step_->words.begin() + 2, step_->words.end()), got;
      for (const std::string& pair : wanted) {
        const std::string name = pair.substr(0, pair.find('='));
        if (!all.contains(name)) return error(fmt::format("there is no counter '{}'", name));
        got.push_back(fmt::format("{}={}", name, all.at(name)));
      }
      return got == wanted ? Status{} : mismatch(wanted, got);
    }
    return error(fmt::format("there is no service '{}'", step_->words[1]));
  }

  const TestCase& test_;
  const BuildOptions& build_;
  const std::uint32_t threads_;
  const TestStep* step_ = nullptr;
  ManualClock clock_{{1'700'000'000'000}};
  std::unique_ptr<log::MemoryStore> store_;
  DataflowFile file_;
  const abi::Library* functions_ = nullptr;
  std::unique_ptr<runtime::Engine> engine_;
  std::unique_ptr<api::Api> api_;
  std::optional<Error> failure_;  // of the last load, restart or run
  std::map<std::pair<std::string, std::uint32_t>, record::Offset> seen_;
};

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
  GF_ASSIGN(const TestCase test, parse_test(file, text));
  for (const std::uint32_t threads : options.threads.empty() ? kThreads : options.threads) {
    const Status status = run_test(test, options.build, threads);
    if (!status) {
      return fail(status.error().code,
                  fmt::format("{} (threads: {})", status.error().message, threads));
    }
  }
  return {};
}

}  // namespace

// Commands start a line; the lines below belong to the last one, up to an empty line or the next
// command. The YAML of an inline dataflow ends with a line `---`.
Result<TestCase> parse_test(std::string file, const std::string& text) {
  TestCase test{.file = std::move(file), .description = {}, .steps = {}};
  std::istringstream in(text);
  std::string line;
  const auto mistake = [&](std::size_t number, const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", test.file, number, what));
  };
  bool in_dataflow = false, in_body = false;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (in_dataflow) {
      in_dataflow = line != "---";
      if (in_dataflow) test.steps.back().body.push_back(line);
      continue;
    }
    if (line.starts_with('#')) {
      if (test.steps.empty())
        test.description += line.substr(std::min<std::size_t>(2, line.size())) + "\n";
      continue;
    }
    const std::vector<std::string> words = split_words(line);
    if (words.empty()) {
      in_body = false;
      continue;
    }
    const auto* const form = std::ranges::find(kCommands, words.front(), &CommandForm::name);
    if (form != std::end(kCommands)) {
      if (words.size() - 1 > form->words_max) {
        return mistake(number, fmt::format("'{}' does not belong to {}", words[form->words_max + 1],
                                           form->name));
      }
      test.steps.push_back({number, words.front(), {words.begin() + 1, words.end()}, {}});
      const bool is_line_only = words.size() > 1 && form->name == "expect" &&
                                (words[1] == "stats" || words[1] == "error");
      in_body = form->takes_lines && !is_line_only;
      in_dataflow = words.size() == 1 && form->name == "dataflow";
    } else if (in_body) {
      test.steps.back().body.push_back(line);
    } else {
      std::vector<std::string_view> names;
      for (const CommandForm& known : kCommands) names.push_back(known.name);
      const std::string_view guess = spec::closest(words.front(), names);
      return mistake(
          number, fmt::format("unknown command '{}'; {}", words.front(),
                              guess.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                                            : fmt::format("did you mean '{}'?", guess)));
    }
  }
  if (in_dataflow)
    return mistake(test.steps.back().line, "the dataflow lacks its end, a line '---'");
  if (test.steps.empty()) return mistake(1, "there is no command in this case");
  return test;
}

Status run_test(const TestCase& test, const BuildOptions& build, std::uint32_t threads) {
  return Runner(test, build, threads).run();
}

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
