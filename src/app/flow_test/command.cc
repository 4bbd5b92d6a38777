// gameflow test. A case runs twice for each number of threads: with offsets as this program makes
// them, and with gaps as Kafka does. It must give the same each time.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/document.h"
#include "app/flow_test/case.h"
#include "app/flow_test/difference.h"
#include "app/flow_test/junit.h"
#include "app/flow_test/runner.h"
#include "app/flow_test/update.h"
#include "app/logging.h"
#include "app/terminal.h"

namespace gameflow::app {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using flow_test::Case;
using flow_test::Difference;
using flow_test::Lines;

// Small, and more than one with an odd share of the shards.
const std::vector<std::uint32_t> kThreads{1, 3};

// The *.test below a folder, in order.
Result<std::vector<std::string>> cases_in(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (at->path().extension() == ".test" && at->is_regular_file(ignored))
      found.push_back(at->path().lexically_normal().string());
  }
  if (error)
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("cannot read folder '{}': {}", folder, error.message()));
  if (found.empty())
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("there is no case in folder '{}': their names end in .test", folder));
  std::ranges::sort(found);
  return found;
}

Result<std::vector<std::string>> find_cases(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    GF_ASSIGN(const std::vector<std::string> inside, cases_in(path));
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

Result<std::string> read_text(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorCode::kFileUnreadable, fmt::format("cannot read '{}'", file));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Status write_text(const std::string& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) return fail(ErrorCode::kDataUnwritable, fmt::format("cannot write '{}'", file));
  return {};
}

bool is_pattern(const std::string& filter) {
  return filter.find_first_of("*?") != std::string::npos;
}

// What cannot be read is not left out, so that it is told.
bool is_wanted(const std::string& file, const std::string& filter) {
  if (is_pattern(filter)) {
    return fnmatch(filter.c_str(), file.c_str(), 0) == 0 ||
           fnmatch(filter.c_str(), fs::path(file).filename().c_str(), 0) == 0;
  }
  if (file.find(filter) != std::string::npos) return true;
  const auto text = read_text(file);
  const auto test = text ? flow_test::parse(file, *text) : Result<Case>(Case{});
  return !text || !test || test->description.find(filter) != std::string::npos;
}

std::string indented(const std::string& text, std::string_view by) {
  std::string out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out += fmt::format("{}{}\n", by, line);
  return out;
}

std::string explain(const Case& test, const std::vector<Difference>& differences,
                    const std::string& setting, bool colour) {
  std::string out;
  for (const Difference& difference : differences) {
    const flow_test::Step& step = test.steps[difference.step];
    out += fmt::format("{}:{}: expect {}{} (- expected, + came{})\n", test.file, step.line,
                       step.words.front(), step.words.size() > 1 ? " …" : "", setting);
    out += indented(flow_test::render(difference.expected, difference.came, colour), "  ");
  }
  return out;
}

// What is wrong with a case, for a person; or what was done to it.
struct Verdict {
  std::string failure;        // empty: it passed
  std::string failure_plain;  // without colour
  std::size_t updated = 0;    // how many of its expectations
};

class CaseRun {
 public:
  CaseRun(std::string file, const TestOptions& options)
      : file_(std::move(file)), options_(options) {}

  Verdict run() {
    if (const Status status = run_all(); !status && verdict_.failure.empty()) {
      verdict_.failure = status.error().message;
      verdict_.failure_plain = status.error().message;
    }
    return verdict_;
  }

 private:
  Status run_all() {
    GF_ASSIGN(std::string text, read_text(file_));
    const std::string before = text;
    GF_ASSIGN(Case test, flow_test::parse(file_, text));
    bool may_update = options_.update;
    for (const std::uint32_t threads : options_.threads.empty() ? kThreads : options_.threads) {
      for (const bool gaps : {false, true}) {
        const std::string setting =
            fmt::format("threads: {}{}", threads, gaps ? ", offsets with gaps" : "");
        auto differences = flow_test::run(test, options_.build, {.threads = threads, .gaps = gaps});
        if (!differences)
          return fail(differences.error().code,
                      fmt::format("{} ({})", differences.error().message, setting));
        if (!differences->empty() && may_update) {
          GF_ASSIGN(text, flow_test::updated(test, text, *differences));
          GF_ASSIGN(test, flow_test::parse(file_, text));
          verdict_.updated = differences->size();
        } else if (!differences->empty()) {
          return tell(test, *differences, "; " + setting);
        }
        may_update = false;  // what the first run gave, all others have to give too
      }
    }
    return text == before ? Status{} : write_text(file_, text);
  }

  Status tell(const Case& test, const std::vector<Difference>& differences,
              const std::string& setting) {
    verdict_.updated = 0;
    verdict_.failure = explain(test, differences, setting, colour_on_stdout());
    verdict_.failure_plain = explain(test, differences, setting, false);
    return fail(ErrorCode::kInvalidArgument, verdict_.failure_plain);
  }

  const std::string file_;
  const TestOptions& options_;
  Verdict verdict_;
};

void print_verdict(const std::string& file, const Verdict& verdict) {
  const bool colour = colour_on_stdout();
  const bool failed = !verdict.failure.empty();
  const char* const word = failed ? "FAILED" : verdict.updated > 0 ? "update" : "ok    ";
  fmt::print("{}{}{} {}",
             !colour  ? ""
             : failed ? "\x1b[1;31m"
                      : "\x1b[32m",
             word, colour ? "\x1b[0m" : "", file);
  if (verdict.updated > 0)
    fmt::print(" ({} expectation{})", verdict.updated, verdict.updated == 1 ? "" : "s");
  fmt::print("\n{}", indented(verdict.failure, "  "));
  std::fflush(stdout);
}

// The verdicts that came one by one, summed up.
void print_sum(const std::vector<flow_test::Verdict>& verdicts, std::size_t failed,
               std::size_t updated) {
  if (failed > 0 && verdicts.size() > 10) {
    fmt::print("\nfailed:\n");
    for (const flow_test::Verdict& verdict : verdicts) {
      if (!verdict.failure.empty()) fmt::print("  {}\n", verdict.file);
    }
  }
  fmt::print("{} passed, {} failed{}\n", verdicts.size() - failed, failed,
             updated == 0 ? "" : fmt::format(", {} of them updated", updated));
}

json::object document_of(const std::vector<flow_test::Verdict>& verdicts, std::size_t failed,
                         std::size_t updated) {
  json::array cases;
  for (const flow_test::Verdict& verdict : verdicts) {
    cases.push_back(json::object{{"file", verdict.file},
                                 {"passed", verdict.failure.empty()},
                                 {"seconds", verdict.seconds},
                                 {"failure", verdict.failure}});
  }
  return {{"passed", verdicts.size() - failed},
          {"failed", failed},
          {"updated", updated},
          {"cases", std::move(cases)}};
}

}  // namespace

int test_command(const TestOptions& options) {
  set_up_logging("warn");
  auto files = find_cases(options.paths);
  if (!files) return print_error(files.error());
  std::erase_if(*files, [&](const std::string& file) { return !is_wanted(file, options.filter); });
  if (files->empty()) {
    return print_error(
        {ErrorCode::kInvalidArgument,
         fmt::format("no case has '{}' in its path or its first comment", options.filter)});
  }
  std::vector<flow_test::Verdict> verdicts;
  std::size_t failed = 0, updated = 0;
  for (const std::string& file : *files) {
    const auto begin = std::chrono::steady_clock::now();
    const Verdict verdict = CaseRun(file, options).run();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    if (!options.json) print_verdict(file, verdict);
    failed += verdict.failure.empty() ? 0 : 1;
    updated += verdict.updated > 0 ? 1 : 0;
    verdicts.push_back({file, time.count(), verdict.failure_plain});
  }
  print_document(document_of(verdicts, failed, updated), options.json,
                 [&](const auto&) { print_sum(verdicts, failed, updated); });
  if (!options.junit.empty()) {
    const Status written = write_text(options.junit, flow_test::junit_xml(verdicts));
    if (!written) return print_error(written.error());
  }
  return failed == 0 ? kExitFine : kExitFailed;
}

}  // namespace gameflow::app
