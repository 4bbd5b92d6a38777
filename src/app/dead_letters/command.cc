// gameflow dead-letters list | show | replay.

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/dead_letters/letters.h"
#include "app/document.h"
#include "app/table.h"
#include "app/terminal.h"
#include "base/time.h"
#include "client/http_client.h"
#include "client/json_text.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kReasonColumns = 80;

std::string shortened(const std::string& text) {
  if (text.size() <= kReasonColumns) return text;
  std::size_t end = kReasonColumns;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

// Runs `act` on the dead letters of a server.
template <class Act>
int with_letters(const client::ServerAddress& server, Act&& act) {
  const auto http = client::HttpClient::open(server);
  if (!http) return print_error(http.error());
  const auto letters = DeadLetters::open(**http);
  if (!letters) return print_error(letters.error());
  const Result<int> done = act(*letters);
  return done ? *done : print_error(done.error());
}

struct Kind {
  std::uint64_t count = 0;
  Timestamp first, last;
  std::string reason;  // of the last one
};
using Kinds = std::map<std::tuple<std::string, std::string, std::string, std::string>, Kind>;

void add(Kinds& kinds, const DeadLetter& letter) {
  Kind& kind = kinds[{letter.service, letter.operator_name, letter.code, letter.field}];
  if (kind.count++ == 0) kind.first = kind.last = letter.time;
  kind.first = std::min(kind.first, letter.time);
  if (letter.time >= kind.last) kind.reason = letter.reason;
  kind.last = std::max(kind.last, letter.time);
}

// The most frequent ones first.
std::vector<const Kinds::value_type*> sorted(const Kinds& kinds) {
  std::vector<const Kinds::value_type*> rows;
  for (const auto& kind : kinds) rows.push_back(&kind);
  std::ranges::stable_sort(
      rows, [](const auto* a, const auto* b) { return a->second.count > b->second.count; });
  return rows;
}

void print_kinds_as_json(const Kinds& kinds) {
  for (const auto* row : sorted(kinds)) {
    const auto& [service, op, code, field] = row->first;
    print_json(json::object{{"count", row->second.count},
                            {"service", service},
                            {"operator", op},
                            {"code", code},
                            {"field", field},
                            {"first", row->second.first.ms},
                            {"last", row->second.last.ms},
                            {"reason", row->second.reason}});
  }
}

void print_kinds(const Kinds& kinds) {
  TextTable table({"COUNT", "SERVICE", "OPERATOR", "CODE", "FIELD", "FIRST", "LAST"});
  table.align_right({0});
  for (const auto* row : sorted(kinds)) {
    const auto& [service, op, code, field] = row->first;
    table.add({with_commas(row->second.count), service, op, code, field.empty() ? "-" : field,
               format_timestamp(row->second.first), format_timestamp(row->second.last)});
  }
  table.print();
}

// As it lies in the topic, with its place and its time in front.
json::object document_of(const DeadLetter& letter) {
  json::object document{{"id", letter.id()}, {"time", letter.time.ms}};
  for (const auto& member : letter.json) document.insert(member);
  return document;
}

std::string origin_of(const DeadLetter& letter) {
  if (!letter.record)
    return letter.window_start ? "window " + format_timestamp(*letter.window_start) : "-";
  if (!letter.record->is_stored) return letter.record->topic;
  return fmt::format("{}/{}:{}", letter.record->topic, letter.record->partition,
                     letter.record->offset);
}

Status print_letters(const DeadLetters& letters, const std::deque<DeadLetter>& last) {
  TextTable table({"ID", "TIME", "SERVICE", "OPERATOR", "CODE", "RECORD", "REPLAYED", "REASON"});
  for (const DeadLetter& letter : last) {
    // A topic that is gone has forgotten what was sent to it.
    const auto replayed = letters.was_replayed(letter);
    if (!replayed && replayed.error().code == ErrorCode::kUnavailable)
      return fail(replayed.error());
    table.add({letter.id(), format_timestamp(letter.time), letter.service, letter.operator_name,
               letter.code, origin_of(letter), replayed && *replayed ? "yes" : "-",
               shortened((letter.field.empty() ? "" : letter.field + ": ") + letter.reason)});
  }
  table.print();
  return {};
}

Result<int> list(const DeadLetters& letters, const DeadLettersListOptions& options) {
  Kinds kinds;
  std::uint64_t count = 0;
  std::deque<DeadLetter> last;
  GF_TRY(letters.each(options.filter, [&](DeadLetter letter) {
    add(kinds, letter);
    ++count;
    last.push_back(std::move(letter));
    if (last.size() > options.letters_max) last.pop_front();
  }));
  if (options.format == DeadLettersFormat::kJson) {
    if (options.counts_only)
      print_kinds_as_json(kinds);
    else
      for (const DeadLetter& letter : last) print_json(document_of(letter));
    return kExitFine;
  }
  if (count == 0) {
    fmt::print("no dead letters\n");
    return kExitFine;
  }
  print_kinds(kinds);
  if (options.counts_only || last.empty()) return kExitFine;
  fmt::print("\n");
  if (count > last.size()) fmt::print("the last {} of {}:\n", last.size(), with_commas(count));
  GF_TRY(print_letters(letters, last));
  return kExitFine;
}

bool is_printable(const std::string& bytes) {
  return std::ranges::all_of(bytes, [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t' || c == '\r';
  });
}

void print_letter(const DeadLetter& letter, bool was_replayed) {
  const auto line = [](const char* name, const std::string& text) {
    if (!text.empty()) fmt::print("{:9} {}\n", name, text);
  };
  line("id", letter.id());
  line("time", format_timestamp(letter.time));
  line("service", letter.service);
  line("operator", letter.operator_name);
  line("code", letter.code);
  line("field", letter.field);
  line("reason", letter.reason);
  if (letter.window_start) line("window", format_timestamp(*letter.window_start));
  if (!letter.record) return;
  const DeadLetter::Record& record = *letter.record;
  const std::string place =
      record.is_stored ? fmt::format("partition {}, offset {}", record.partition, record.offset)
                       : std::string("not stored");
  line("record",
       fmt::format("topic {}, {}, of {}", record.topic, place, format_timestamp(record.time)));
  line("key", record.key ? (is_printable(*record.key) ? *record.key : "(not text)") : "-");
  line("replayed", was_replayed ? "yes" : "no");
  fmt::print("\n{}\n", is_printable(record.value)
                           ? record.value
                           : fmt::format("({} bytes that are not text: --value writes them)",
                                         record.value.size()));
}

Result<int> show(const DeadLetters& letters, const DeadLettersShowOptions& options) {
  GF_ASSIGN(const DeadLetter letter, letters.find(options.id));
  if (options.value_only) {
    if (!letter.record)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {}", options.id, letter.without_record()));
    std::fwrite(letter.record->value.data(), 1, letter.record->value.size(), stdout);
    return kExitFine;
  }
  const bool was_replayed = letters.was_replayed(letter).value_or(false);
  json::object document = document_of(letter);
  document["replayed"] = was_replayed;
  print_document(document, options.json, [&](const auto&) { print_letter(letter, was_replayed); });
  return kExitFine;
}

Result<std::vector<DeadLetter>> chosen(const DeadLetters& letters,
                                       const DeadLettersReplayOptions& options) {
  const DeadLetterFilter& filter = options.filter;
  const bool has_filter = !filter.service.empty() || !filter.operator_name.empty() ||
                          !filter.code.empty() || filter.since || filter.until;
  if (options.ids.empty() != options.all || (has_filter && !options.all)) {
    return fail(ErrorCode::kUsage,
                "say which: ids such as 0:17, or --all, which may have filters beside it");
  }
  std::vector<DeadLetter> found;
  for (const std::string& id : options.ids) {
    GF_ASSIGN(DeadLetter letter, letters.find(id));
    found.push_back(std::move(letter));
  }
  if (options.all) {
    GF_TRY(letters.each(filter, [&](DeadLetter letter) { found.push_back(std::move(letter)); }));
  }
  return found;
}

void print_replayed(const json::object& done) {
  const bool is_dry_run = done.at("dry_run").as_bool();
  const json::array& replayed = client::array_at(done, "replayed");
  for (const json::value& value : replayed) {
    if (!is_dry_run) break;
    fmt::print("{} to {}\n", client::text_at(value.as_object(), "id"),
               client::text_at(value.as_object(), "topic"));
  }
  fmt::print("{}{} replayed, {} replayed before, {} failed\n", is_dry_run ? "would be: " : "",
             replayed.size(), client::number_at(done, "replayed_before"),
             client::number_at(done, "failed"));
}

Result<int> replay(const DeadLetters& letters, const DeadLettersReplayOptions& options) {
  GF_ASSIGN(const std::vector<DeadLetter> found, chosen(letters, options));
  std::uint64_t before = 0, failed = 0;
  json::array sent;
  std::set<std::string> records;
  for (const DeadLetter& letter : found) {
    if (options.all && !letter.record) continue;  // there is nothing to send
    Result<bool> done = true;
    if (!records.insert(letters.record_of(letter)).second) {
      done = false;  // with another letter
    } else if (options.dry_run) {
      done = letters.was_replayed(letter);
      if (done) done = options.again || !*done;
    } else {
      done = letters.replay(letter, options.again);
    }
    if (!done) {
      ++failed;
      print_error({done.error().code, fmt::format("{}: {}", letter.id(), done.error().message)});
      if (done.error().code == ErrorCode::kUnavailable) break;
    } else if (*done) {
      sent.push_back(json::object{{"id", letter.id()}, {"topic", letter.record->topic}});
    } else {
      ++before;
      if (!options.all)
        print_note(fmt::format("{} was replayed before; --again does it", letter.id()));
    }
  }
  print_document(json::object{{"dry_run", options.dry_run},
                              {"replayed", std::move(sent)},
                              {"replayed_before", before},
                              {"failed", failed}},
                 options.json, print_replayed);
  return failed == 0 ? kExitFine : kExitFailed;
}

}  // namespace

int dead_letters_list_command(const DeadLettersListOptions& options) {
  return with_letters(options.server,
                      [&](const DeadLetters& letters) { return list(letters, options); });
}

int dead_letters_show_command(const DeadLettersShowOptions& options) {
  return with_letters(options.server,
                      [&](const DeadLetters& letters) { return show(letters, options); });
}

int dead_letters_replay_command(const DeadLettersReplayOptions& options) {
  return with_letters(options.server, [&](const DeadLetters& letters) -> Result<int> {
    Result<int> done = replay(letters, options);
    if (done || done.error().code != ErrorCode::kUsage) return done;
    print_error(done.error());
    return kExitUsage;
  });
}

}  // namespace gameflow::app
