#include "app/flow_test/runner.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <gameflow/time.h>

#include "app/dataflow_file.h"
#include "app/flow_test/text.h"
#include "base/number.h"
#include "opbuild/opbuild.h"

namespace gameflow::app::flow_test {
namespace {

constexpr Timestamp kStart{1'700'000'000'000};

// A case begins at the time of its first `at`, if nothing happens before that.
Timestamp start_of(const Case& test) {
  for (const Step& step : test.steps) {
    i64 time = 0;
    if (step.command == "at" && !step.words.empty() && parse_time(step.words[0], &time))
      return {time};
    if (step.command != "dataflow") break;
  }
  return kStart;
}

tl::unexpected<Error> error(std::string what) {
  return fail(ErrorCode::kInvalidArgument, std::move(what));
}

Lines each_on_one_line(const Lines& records) {
  Lines lines;
  std::ranges::transform(records, std::back_inserter(lines), one_line);
  return lines;
}

// Mistakes and warnings of a dataflow: the cases that use it, and the runs of each, are many.
void tell_once(const std::string& text) {
  static std::set<std::string> told;
  if (told.insert(text).second) std::fputs(text.c_str(), stderr);
}

// A running case: one method a command.
class Runner {
 public:
  Runner(const Case& test, const BuildOptions& build, const WorldOptions& options)
      : test_(test), build_(build), world_(start_of(test), options) {}

  Result<std::vector<Difference>> run() {
    for (const Step& step : test_.steps) {
      step_ = &step;
      if (const Status status = run_step(); !status) {
        return fail(status.error().code,
                    fmt::format("{}:{}: {}", test_.file, step.line, status.error().message));
      }
    }
    return std::move(differences_);
  }

 private:
  Status run_step() {
    const std::string& command = step_->command;
    if (command == "dataflow") return attempt(load());
    if (command == "fail-commits") return fail_commits();
    if (command == "at") return set_clock();
    if (!world_.is_running() && !(command == "expect" && first_word() == "error"))
      return error("the dataflow comes first: 'dataflow FILE', or 'dataflow' and its YAML");
    if (command == "advance") return advance();
    if (command == "send") return send();
    if (command == "run") return attempt(world_.run());
    if (command == "restart") return attempt(world_.restart());
    if (command == "expect") return expect();
    world_.end_input();
    return attempt(world_.run());
  }

  std::string first_word() const { return step_->words.empty() ? "" : step_->words.front(); }
  std::string words_from_second() const {
    return fmt::format("{}", fmt::join(step_->words.begin() + 1, step_->words.end(), " "));
  }

  // What may fail, if the case expects it next.
  Status attempt(const Status& status) {
    failure_ = status ? std::nullopt : std::optional(status.error());
    return next_expects_error() ? Status{} : status;
  }

  bool next_expects_error() const {
    const Step* next = step_ + 1;
    return next < test_.steps.data() + test_.steps.size() && next->command == "expect" &&
           !next->words.empty() && next->words.front() == "error";
  }

  Status load() {
    Mistakes told;
    Result<DataflowFile> file =
        step_->words.empty()
            ? check_dataflow(test_.file, inline_source(), build_.package_folders, &told)
            : read_dataflow(beside_test(first_word()), build_.package_folders, &told);
    tell_once(told.text);
    if (!file) return fail(file.error());
    GF_ASSIGN(opbuild::Library library, build_operators(*file, build_, false));
    return world_.start(*std::move(file), std::move(library.functions));
  }

  // The YAML keeps its place in the file, so that messages point into the test.
  std::string inline_source() const {
    return fmt::format("{}{}\n", std::string(step_->line, '\n'), fmt::join(step_->body, "\n"));
  }

  std::string beside_test(const std::string& name) const {
    return (std::filesystem::path(test_.file).parent_path() / name).lexically_normal().string();
  }

  Status set_clock() {
    i64 time = 0;
    if (!parse_time(first_word(), &time))
      return error("at wants a time such as 2024-11-12T10:15:30Z");
    world_.set_clock({time});
    return {};
  }

  Status advance() {
    const auto by = parse_duration(first_word());
    if (!by) return error("advance wants a duration such as 5s");
    world_.advance_clock(*by);
    return attempt(world_.run());
  }

  // send TOPIC [partition N] [key TEXT] [times N]
  Status send() {
    constexpr std::uint32_t kTimesMax = 10'000;
    std::uint32_t partition = 0, times = 1;
    std::optional<std::string> key;
    for (std::size_t i = 1; i < step_->words.size(); i += 2) {
      const std::string& option = step_->words[i];
      const std::string value = i + 1 < step_->words.size() ? step_->words[i + 1] : "";
      if (option == "partition" && to_number<std::uint32_t>(value)) {
        partition = *to_number<std::uint32_t>(value);
      } else if (option == "key" && !value.empty()) {
        key = value;
      } else if (option == "times" && to_number<std::uint32_t>(value).value_or(0) - 1 < kTimesMax) {
        times = *to_number<std::uint32_t>(value);
      } else {
        return error(
            fmt::format("send wants 'partition N', 'key TEXT' or 'times N' (1 to {}), not '{}{}{}'",
                        kTimesMax, option, value.empty() ? "" : " ", value));
      }
    }
    if (step_->body.empty()) return error("send wants records: one a line, below it");
    Lines records;
    for (std::uint32_t i = 0; i < times; ++i)
      records.insert(records.end(), step_->body.begin(), step_->body.end());
    return world_.append(first_word(), partition, key, records);
  }

  Status fail_commits() {
    const auto count = to_number<std::uint32_t>(first_word());
    if (!count) return error("fail-commits wants a number");
    world_.fail_next_commits(*count);
    return {};
  }

  Status compare(const Lines& wanted, const Lines& got) {
    if (got != wanted) {
      differences_.push_back({static_cast<std::size_t>(step_ - test_.steps.data()), wanted, got});
    }
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
    const std::string wanted = words_from_second();
    if (!failure_) return error("an error was expected, none came");
    const std::string got = fmt::format("{}: {}", to_string(failure_->code), failure_->message);
    return got.find(wanted) == std::string::npos ? compare({wanted}, {got}) : Status{};
  }

  Status expect_records() {
    GF_ASSIGN(const Lines got, world_.new_records(first_word()));
    return compare(each_on_one_line(step_->body), each_on_one_line(got));
  }

  Status expect_sql() {
    GF_ASSIGN(const Lines got, world_.query(words_from_second()));
    return compare(step_->body, got);
  }

  // expect stats SERVICE name=value …
  Status expect_stats() {
    if (step_->words.size() < 3) return error("expect stats wants a service and name=value pairs");
    GF_ASSIGN(const auto counters, world_.counters(step_->words[1]));
    const Lines wanted(step_->words.begin() + 2, step_->words.end());
    Lines got;
    for (const std::string& pair : wanted) {
      const std::string name = pair.substr(0, pair.find('='));
      if (!counters.contains(name)) return error(fmt::format("there is no counter '{}'", name));
      got.push_back(fmt::format("{}={}", name, counters.at(name)));
    }
    return compare(wanted, got);
  }

  const Case& test_;
  const BuildOptions& build_;
  World world_;
  const Step* step_ = nullptr;
  std::optional<Error> failure_;  // of the last load, restart or run
  std::vector<Difference> differences_;
};

}  // namespace

Result<std::vector<Difference>> run(const Case& test, const BuildOptions& build,
                                    const WorldOptions& options) {
  return Runner(test, build, options).run();
}

}  // namespace gameflow::app::flow_test
