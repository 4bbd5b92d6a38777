// gameflow player forget | receipts.

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/client_commands.h"
#include "app/commands.h"
#include "app/document.h"
#include "app/table.h"
#include "app/terminal.h"
#include "base/time.h"
#include "client/http_client.h"
#include "client/json_text.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;
using client::number_at;
using client::text_at;

constexpr std::chrono::milliseconds kLook{100};

bool is_done(const json::object& receipt) {
  return text_at(receipt, "step") == "done" || receipt.contains("error");
}

std::uint64_t sum(const json::object& receipt, std::string_view part,
                  const std::vector<std::string_view>& names) {
  std::uint64_t total = 0;
  const json::value* const of_part = receipt.if_contains({part.data(), part.size()});
  if (of_part == nullptr || !of_part->is_object()) return 0;
  for (const auto& [name, counts] : of_part->get_object()) {
    if (!counts.is_object()) continue;
    for (const std::string_view count : names) total += number_at(counts.get_object(), count);
  }
  return total;
}

// "12 records, 1 row emptied": what is not zero.
std::string in_words(const json::object& counts,
                     const std::vector<std::pair<std::string_view, std::string_view>>& names) {
  std::vector<std::string> parts;
  for (const auto& [name, words] : names) {
    const std::uint64_t count = number_at(counts, name);
    if (count > 0) parts.push_back(fmt::format("{} {}", with_commas(count), words));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

void print_receipt(const json::object& receipt) {
  const bool is_dry_run = receipt.contains("dry_run");
  TextTable table({"WHERE", is_dry_run ? "WOULD GO" : "GONE"});
  const auto add = [&](std::string_view part, std::string_view kind,
                       const std::vector<std::pair<std::string_view, std::string_view>>& names) {
    for (const auto& [name, counts] : receipt.at({part.data(), part.size()}).as_object())
      table.add({fmt::format("{} {}", kind, std::string_view(name.data(), name.size())),
                 in_words(counts.as_object(), names)});
  };
  add("topics", "topic", {{"erased", "records"}, {"changed", "records without them"}});
  add("states", "service",
      {{"rows", "rows"}, {"emptied", "rows emptied of them"}, {"events", "events of its join"}});
  if (sum(receipt, "topics", {"erased", "changed"}) +
          sum(receipt, "states", {"rows", "emptied", "events"}) >
      0)
    table.print();
  else
    fmt::print("nothing of this player was found\n");
  if (is_dry_run) {
    fmt::print("nothing was changed; rows of states are counted when they go\n");
    return;
  }
  fmt::print("receipt {}: done {}\n", number_at(receipt, "receipt"), text_at(receipt, "done_at"));
  if (const std::uint64_t left = number_at(receipt, "left"); left > 0)
    print_note(
        fmt::format("{} records of this player came meanwhile and are still there: once "
                    "they stop playing, run it again",
                    with_commas(left)));
}

// The receipt, once there is nothing more to be done about it.
Result<json::object> wait_for(client::Http& http, std::uint64_t number) {
  for (;;) {
    GF_ASSIGN(json::object receipt,
              client::object_of(http.get(fmt::format("/players/receipts/{}", number))));
    if (is_done(receipt)) {
      clear_progress();
      return receipt;
    }
    show_progress(text_at(receipt, "doing"));
    std::this_thread::sleep_for(kLook);
  }
}

Status forget(const PlayerForgetOptions& options) {
  GF_ASSIGN(const auto http, client::HttpClient::open(options.server));
  const std::string body =
      json::serialize(json::object{{"player", options.player}, {"dry_run", options.is_dry_run}});
  GF_ASSIGN(const json::object asked,
            client::object_of(http->request("POST", "/players/forget", "application/json", body)));
  const std::uint64_t number = number_at(asked, "receipt");
  GF_ASSIGN(const json::object receipt, wait_for(*http, number));
  if (receipt.contains("error"))
    return fail(ErrorCode::kUnavailable,
                fmt::format("receipt {}: {}", number, text_at(receipt, "error")));
  print_document(receipt, options.json, print_receipt);
  return {};
}

void print_receipts(const json::object& answer) {
  TextTable table({"RECEIPT", "ASKED", "DONE", "STEP", "RECORDS", "ROWS", "LEFT"});
  table.align_right({0, 4, 5, 6});
  for (const json::value& value : client::array_at(answer, "receipts")) {
    if (!value.is_object()) continue;
    const json::object& receipt = value.get_object();
    const std::string done = text_at(receipt, "done_at");
    const std::string step = receipt.contains("error") ? "failed" : text_at(receipt, "step");
    table.add({std::to_string(number_at(receipt, "receipt")), text_at(receipt, "asked_at"),
               done.empty() ? "-" : done, step,
               with_commas(sum(receipt, "topics", {"erased", "changed"})),
               with_commas(sum(receipt, "states", {"rows", "emptied", "events"})),
               with_commas(number_at(receipt, "left"))});
  }
  table.print();
}

}  // namespace

int player_forget_command(const PlayerForgetOptions& options) {
  const Status status = forget(options);
  return status ? kExitFine : print_error(status.error());
}

int player_receipts_command(const PlayerReceiptsOptions& options) {
  const auto answer =
      client::object_of(client::request_once(options.server, "GET", "/players/receipts"));
  if (!answer) return print_error(answer.error());
  print_document(*answer, options.json, print_receipts);
  return kExitFine;
}

}  // namespace gameflow::app
