// gameflow consume: the records of a topic, all partitions merged by time, as they come.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/terminal.h"
#include "base/number.h"
#include "base/url_encode.h"
#include "client/http_client.h"
#include "client/json_text.h"
#include "client/record_line.h"

namespace gameflow::app {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr std::uint64_t kPageRecords = 1'000;
constexpr auto kPollPause = 100ms;
constexpr auto kReconnectPause = 500ms;

struct Line {
  std::uint64_t offset = 0, timestamp = 0;
  std::string text;          // the record as the server wrote it
  std::size_t value_at = 0;  // where its value begins; the value ends before the last '}'
};

Result<Line> parse_line(std::string_view text) {
  GF_ASSIGN(const client::RecordLine line, client::parse_record_line(text));
  return Line{.offset = client::number_at(line.head, "offset"),
              .timestamp = client::number_at(line.head, "timestamp"),
              .text = std::string(text),
              .value_at = static_cast<std::size_t>(line.value.data() - text.data())};
}

struct Partition {
  std::uint64_t number = 0;
  std::uint64_t next = 0;  // the offset to ask for
  std::uint64_t end = 0;   // when the command started: where -d stops
  std::deque<Line> lines;
  bool drained = false;  // had nothing more when last asked

  bool at_stop() const { return next >= end; }
};

class Consumer {
 public:
  Consumer(client::Http& http, const ConsumeOptions& options) : http_(http), options_(options) {}

  Status open();
  // Prints until the end, or for ever.
  Status run();

 private:
  // Where `@TIME` is: at the first record that was appended then or later, else at the end.
  Result<std::uint64_t> offset_at_time(const Partition& partition);
  Status fetch(Partition& partition);
  // Continues a partition at its first record, if what would have been next is gone.
  Status skip_removed(Partition& partition);
  Status fill();
  // Prints the oldest records of which it is known that they are the oldest. True when enough.
  bool print_merged();
  bool finished() const;

  std::string topic_target() const { return "/topics/" + url_encode(options_.topic); }

  client::Http& http_;
  const ConsumeOptions& options_;
  std::vector<Partition> partitions_;
  std::uint64_t printed_ = 0;
};

Result<std::uint64_t> first_offset(const std::string& text, std::uint64_t begin,
                                   std::uint64_t end) {
  if (text == "beginning" || text == "start") return begin;
  if (text == "end") return end;
  const bool last = text.starts_with('-');
  const auto number = to_number<std::uint64_t>(std::string_view(text).substr(last ? 1 : 0));
  if (!number) {
    return fail(ErrorCode::kUsage,
                fmt::format("--offset is '{}': it must be beginning, end, a number, -N for the "
                            "last N records, or @TIME",
                            text));
  }
  if (last) return end - std::min(*number, end - begin);
  return std::clamp(*number, begin, end);
}

Status Consumer::open() {
  GF_ASSIGN(const json::object topic, client::object_of(http_.get(topic_target())));
  for (const json::value& value : client::array_at(topic, "partitions")) {
    const json::object& description = value.as_object();
    const std::uint64_t number = client::number_at(description, "partition");
    if (options_.partition && *options_.partition != number) continue;
    const std::uint64_t end = client::number_at(description, "end");
    Partition& partition = partitions_.emplace_back(Partition{.number = number, .end = end});
    if (options_.offset.starts_with('@')) {
      GF_ASSIGN(partition.next, offset_at_time(partition));
      continue;
    }
    GF_ASSIGN(partition.next,
              first_offset(options_.offset, client::number_at(description, "begin"), end));
  }
  if (partitions_.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("topic {} has no partition {}", options_.topic,
                            options_.partition.value_or(0)));
  }
  return {};
}

Result<std::uint64_t> Consumer::offset_at_time(const Partition& partition) {
  GF_ASSIGN(const client::HttpReply reply,
            client::expect_success(
                http_.get(fmt::format("{}/records?partition={}&offset={}&limit=1", topic_target(),
                                      partition.number, url_encode(options_.offset)))));
  if (reply.body.empty()) return partition.end;
  GF_ASSIGN(const Line line,
            parse_line(std::string_view(reply.body).substr(0, reply.body.find('\n'))));
  return line.offset;
}

Status Consumer::skip_removed(Partition& partition) {
  GF_ASSIGN(const json::object topic, client::object_of(http_.get(topic_target())));
  const json::array& all = client::array_at(topic, "partitions");
  if (partition.number >= all.size()) return {};
  const json::object& now = all.at(partition.number).as_object();
  const std::uint64_t begin = client::number_at(now, "begin"), end = client::number_at(now, "end");
  if (begin > partition.next) {
    print_note(fmt::format("partition {}: records {} to {} are gone, retention has removed them",
                           partition.number, partition.next, begin - 1));
  } else if (end < partition.next) {
    print_note(
        fmt::format("partition {}: it ends at {}, though {} was read before: the topic is a "
                    "new one; going on at its first record",
                    partition.number, end, partition.next - 1));
  } else {
    return {};
  }
  partition.next = begin;
  return {};
}

Status Consumer::fetch(Partition& partition) {
  auto reply = client::expect_success(
      http_.get(fmt::format("{}/records?partition={}&offset={}&limit={}", topic_target(),
                            partition.number, partition.next, kPageRecords)));
  if (!reply && reply.error().code == ErrorCode::kOffsetOutOfRange) return skip_removed(partition);
  if (!reply) return fail(std::move(reply).error());
  std::string_view rest = reply->body;
  partition.drained = rest.empty();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    GF_ASSIGN(Line line, parse_line(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (options_.stop_at_end && line.offset >= partition.end) {
      partition.next = partition.end;
      break;
    }
    partition.next = line.offset + 1;
    partition.lines.push_back(std::move(line));
  }
  return {};
}

Status Consumer::fill() {
  for (Partition& partition : partitions_) {
    if (!partition.lines.empty()) continue;
    if (options_.stop_at_end && partition.at_stop()) {
      partition.drained = true;
    } else {
      GF_TRY(fetch(partition));
    }
  }
  return {};
}

bool Consumer::print_merged() {
  const auto is_waiting = [](const Partition& p) { return p.lines.empty() && !p.drained; };
  while (!std::ranges::any_of(partitions_, is_waiting)) {
    Partition* oldest = nullptr;
    for (Partition& partition : partitions_) {
      if (partition.lines.empty()) continue;
      if (!oldest || partition.lines[0].timestamp < oldest->lines[0].timestamp) oldest = &partition;
    }
    if (oldest == nullptr) break;
    const Line& line = oldest->lines.front();
    std::string_view text = line.text;
    if (options_.output == ConsumeOutput::kValue) {
      text = text.substr(line.value_at, text.size() - line.value_at - 1);
    }
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fputc('\n', stdout);
    oldest->lines.pop_front();
    if (++printed_ == options_.records_max) return true;
    // Its next page may hold records older than those of the others.
    if (oldest->lines.empty()) oldest->drained = false;
  }
  return false;
}

bool Consumer::finished() const {
  return options_.stop_at_end && std::ranges::all_of(partitions_, [](const Partition& p) {
           return p.lines.empty() && (p.at_stop() || p.drained);
         });
}

Status Consumer::run() {
  bool disconnected = false;
  while (true) {
    Status filled = fill();
    if (!filled) {
      // Somebody who follows a topic wants to go on when the server is back.
      if (options_.stop_at_end || filled.error().code != ErrorCode::kUnavailable) return filled;
      if (!disconnected) print_note(filled.error().message + "; trying again until it answers");
      disconnected = true;
      std::this_thread::sleep_for(kReconnectPause);
      continue;
    }
    if (disconnected) print_note("the server is back");
    disconnected = false;
    const std::uint64_t before = printed_;
    const bool enough = print_merged();
    if (std::fflush(stdout) != 0) return fail(ErrorCode::kFileUnreadable, "cannot write to stdout");
    if (enough || finished()) return {};
    if (printed_ == before) std::this_thread::sleep_for(kPollPause);
  }
}

}  // namespace

int consume_command(const ConsumeOptions& options) {
  const auto http = client::HttpClient::open(options.server);
  if (!http) return print_error(http.error());
  Consumer consumer(**http, options);
  Status status = consumer.open();
  if (status) status = consumer.run();
  if (status) return kExitFine;
  print_error(status.error());
  return status.error().code == ErrorCode::kUsage ? kExitUsage : kExitFailed;
}

}  // namespace gameflow::app
