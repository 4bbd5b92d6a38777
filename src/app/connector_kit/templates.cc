#include "app/connector_kit/templates.h"

namespace gameflow::app {
namespace {

constexpr std::string_view kReadme = R"kit(# @NAME@

A connector for gameflow, in C++.

```sh
gameflow connector test        # builds it and runs connector_test.cc
gameflow connector build       # build/@NAME@.so
gameflow topic create @NAME@
gameflow connect @NAME@.yaml --library build/@NAME@.so
gameflow connector package     # one file to copy to where it runs
```

`connector.h` of the SDK, which `build` puts into `build/include`, says what each call may do. What the compiler needs beside
the SDK (`-lpq`, `-I/opt/x/include`) goes into a file `flags`, an option a line.
)kit";

constexpr std::string_view kSource =
    R"kit(// @NAME@-source: a record every `interval`. Put what you want to read in its place.
#include "connector.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

namespace {

using namespace gameflow::connect;
using namespace std::chrono;

// The settings of the file: reading it, "did you mean" and bounds come from these rows.
constexpr Setting kSettings[] = {
    {.key = "greeting",
     .kind = SettingKind::kText,
     .fallback = "hello",
     .doc = "what every record says"},
    {.key = "interval",
     .kind = SettingKind::kDuration,
     .fallback = "1s",
     .doc = "from one record to the next",
     .min = 1},
};

class Ticks final : public Source {
 public:
  explicit Ticks(const Settings& settings)
      : greeting_(settings.text("greeting")), interval_(settings.duration("interval")) {}

  // `position` is that of the last batch that is stored: from there it goes on after a crash.
  void open(std::string_view position) override {
    if (!position.empty()) count_ = std::stoull(std::string(position));
    // Throw Retry("why") where the other side cannot be reached for now.
  }

  Batch poll(milliseconds wait, std::size_t) override {
    const auto now = steady_clock::now();
    if (now < next_) {
      std::this_thread::sleep_for(std::min<steady_clock::duration>(next_ - now, wait));
      return {};
    }
    next_ = now + interval_;
    ++count_;
    Batch batch;
    batch.records.push_back({.value = "{\"tick\":" + std::to_string(count_) + ",\"says\":\"" +
                                      greeting_ + "\"}"});
    batch.position = std::to_string(count_);
    return batch;
  }

 private:
  const std::string greeting_;
  const milliseconds interval_;
  steady_clock::time_point next_;
  std::uint64_t count_ = 0;
};

const Kind kKinds[] = {{.type = "@NAME@-source",
                        .section = "@NAME@",
                        .doc = "A record every interval.",
                        .settings = kSettings,
                        .make_source = [](const Settings& settings,
                                          Host&) -> std::unique_ptr<Source> {
                          return std::make_unique<Ticks>(settings);
                        }}};

}  // namespace

const Kind& kind() {
  return kKinds[0];
}

GAMEFLOW_CONNECTORS(kKinds)
)kit";

constexpr std::string_view kHeader = R"kit(#pragma once

#include <gameflow/connect/connector.h>

const gameflow::connect::Kind& kind();
)kit";

constexpr std::string_view kCheck = R"kit(
#include <gameflow/connect/testing.h>

#include <cstdio>
#include <cstdlib>

#include "connector.h"

using namespace gameflow::connect;

#define EXPECT(condition)                                              \
  if (!(condition)) {                                                  \
    std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    std::exit(1);                                                      \
  }
)kit";

constexpr std::string_view kSourceTest = R"kit(// What happens over a restart.
@CHECK@
Batch next(Source& source) {
  for (;;) {
    Batch batch = source.poll(std::chrono::milliseconds(10), 1 << 20);
    if (!batch.records.empty()) return batch;
  }
}

int main() {
  TestHost host;
  const Settings settings = test_settings(kind(), {{"greeting", "hi"}, {"interval", "1ms"}});
  auto source = kind().make_source(settings, host);
  source->open("");
  EXPECT(next(*source).records[0].value == R"({"tick":1,"says":"hi"})");
  const Batch second = next(*source);
  source->close();

  auto again = kind().make_source(settings, host);
  again->open(second.position);
  EXPECT(next(*again).records[0].value == R"({"tick":3,"says":"hi"})");
  std::puts("all is well");
}
)kit";

constexpr std::string_view kSourceYaml = R"kit(apiVersion: 0.1.0
meta:
  name: @NAME@
  version: 0.1.0
  type: @NAME@-source
  topic: @NAME@
@NAME@:
  greeting: hello
  interval: 1s
)kit";

constexpr std::string_view kSink =
    R"kit(// @NAME@-sink: a line of a file for each record. Put where you want to write in its place.
#include "connector.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>

namespace {

using namespace gameflow::connect;

// The settings of the file: reading it, "did you mean" and bounds come from these rows.
constexpr Setting kSettings[] = {
    {.key = "path",
     .kind = SettingKind::kText,
     .is_required = true,
     .doc = "the file",
     .example = "out.ndjson"},
};

class Lines final : public Sink {
 public:
  explicit Lines(const Settings& settings) : path_(settings.text("path")) {}

  // A database that keeps the positions beside the records returns them here: exactly once.
  std::optional<Positions> open() override {
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file_ < 0) throw std::runtime_error("the file '" + path_ + "' cannot be written");
    return std::nullopt;
  }

  std::vector<Refused> write(std::span<const Delivery> records) override {
    std::vector<Refused> refused;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (records[i].value.find('\n') != std::string_view::npos) {
        refused.push_back({i, "a line end in it"});  // a dead letter, with this reason
        continue;
      }
      lines_.append(records[i].value).append("\n");
    }
    return refused;
  }

  // Returns when all is durable.
  void commit(const Positions&) override {
    for (std::size_t done = 0; done < lines_.size();) {
      const ssize_t size = ::write(file_, lines_.data() + done, lines_.size() - done);
      if (size < 0) throw Retry("the file '" + path_ + "' takes nothing more");
      done += static_cast<std::size_t>(size);
    }
    if (::fsync(file_) != 0) throw Retry("the file '" + path_ + "' is not durable");
    lines_.clear();
  }

  void close() noexcept override {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

 private:
  const std::string path_;
  std::string lines_;
  int file_ = -1;
};

const Kind kKinds[] = {{.type = "@NAME@-sink",
                        .section = "@NAME@",
                        .doc = "Lines of a file.",
                        .settings = kSettings,
                        .make_sink = [](const Settings& settings, Host&) -> std::unique_ptr<Sink> {
                          return std::make_unique<Lines>(settings);
                        }}};

}  // namespace

const Kind& kind() {
  return kKinds[0];
}

GAMEFLOW_CONNECTORS(kKinds)
)kit";

constexpr std::string_view kSinkTest = R"kit(// What reaches the file.
#include <filesystem>
#include <fstream>
#include <iterator>
@CHECK@
int main() {
  const std::string path = (std::filesystem::temp_directory_path() / "@NAME@_test.ndjson").string();
  std::filesystem::remove(path);
  TestHost host;
  auto sink = kind().make_sink(test_settings(kind(), {{"path", path}}), host);
  sink->open();
  const Delivery records[] = {{.topic = "t", .offset = 0, .value = R"({"n":1})"},
                              {.topic = "t", .offset = 1, .value = "{\n}"},
                              {.topic = "t", .offset = 2, .value = R"({"n":2})"}};
  const auto refused = sink->write(records);
  EXPECT(refused.size() == 1 && refused[0].index == 1);
  sink->commit({{{"t", 0}, 3}});
  sink->close();
  std::ifstream file(path);
  EXPECT(std::string(std::istreambuf_iterator<char>(file), {}) == "{\"n\":1}\n{\"n\":2}\n");
  std::filesystem::remove(path);
  std::puts("all is well");
}
)kit";

constexpr std::string_view kSinkYaml = R"kit(apiVersion: 0.1.0
meta:
  name: @NAME@
  version: 0.1.0
  type: @NAME@-sink
  topic: @NAME@
@NAME@:
  path: out.ndjson
)kit";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

}  // namespace

std::span<const KitFile> source_kit() {
  static constexpr KitFile kFiles[] = {
      {"connector.h", kHeader},     {"connector.cc", kSource}, {"connector_test.cc", kSourceTest},
      {"@NAME@.yaml", kSourceYaml}, {"README.md", kReadme},    {".gitignore", "build/\n"}};
  return kFiles;
}

std::span<const KitFile> sink_kit() {
  static constexpr KitFile kFiles[] = {
      {"connector.h", kHeader},   {"connector.cc", kSink}, {"connector_test.cc", kSinkTest},
      {"@NAME@.yaml", kSinkYaml}, {"README.md", kReadme},  {".gitignore", "build/\n"}};
  return kFiles;
}

std::string filled_kit(std::string_view text, std::string_view name) {
  std::string out(text);
  replace_all(out, "@CHECK@\n", kCheck.substr(1));
  replace_all(out, "@NAME@", name);
  return out;
}

}  // namespace gameflow::app
