#include "connect/server.h"

#include <utility>

#include <fmt/format.h>

#include "base/url_encode.h"
#include "client/json_text.h"

namespace gameflow::connect {
namespace {

using client::HttpReply;

bool is_temporary(const HttpReply& reply) {
  if (reply.status == 501 || reply.status == 505) return false;  // another kind of server
  return reply.status >= 500 || reply.status == 429 || reply.status == 408;
}

Stored stored_of(const boost::json::object& report) {
  Stored stored{.known = client::number_at(report, "known"),
                .rejected = client::number_at(report, "rejected")};
  for (const auto& item : client::array_at(report, "errors")) {
    if (const auto* error = item.if_object()) {
      stored.errors.push_back({.index = client::number_at(*error, "index"),
                               .field = client::text_at(*error, "field"),
                               .code = client::text_at(*error, "code"),
                               .message = client::text_at(*error, "message")});
    }
  }
  return stored;
}

}  // namespace

Server::Server(Run& run)
    : run_(run), id_("connector/" + run.connector.name), backoff_(run.seed ^ 0x5EB) {}

Result<HttpReply> Server::persist(const std::function<Result<HttpReply>()>& attempt,
                                  bool* was_repeated) {
  const State before = run_.progress.state();
  bool told = false;
  for (std::uint64_t failures = 0;; ++failures) {
    Result<HttpReply> reply = attempt();
    if (reply && !is_temporary(*reply)) {
      if (told) run_.tell("gameflow is back");
      if (failures > 0) run_.progress.set_state(before);
      backoff_.reset();
      return reply;
    }
    // A certificate that is refused stays so.
    if (!reply && reply.error().code != ErrorCode::kUnavailable) return reply;
    Error error = reply ? client::error_of(*reply) : reply.error();
    if (was_repeated != nullptr) *was_repeated = true;
    if (run_.stop.stop_requested()) return fail(ErrorCode::kUnavailable, std::move(error.message));
    const bool is_over_quota = reply && reply->status == 429 && reply->retry_after.count() > 0;
    if (is_over_quota && !std::exchange(is_quota_told_, true))
      run_.tell(fmt::format("{}; going on as fast as that allows", error.message));
    // The first failure may be a connection that the server closed between two requests.
    if (failures > 0 && !is_over_quota) {
      if (!told) run_.tell(fmt::format("{}; trying again until it answers", error.message));
      told = true;
      run_.progress.set_state(State::kRetrying, error.message);
    }
    run_.progress.add({.retries = 1});
    const std::chrono::milliseconds asked = reply ? reply->retry_after : std::chrono::seconds(0);
    run_.pause(backoff_.next(asked), run_.stop);
  }
}

Result<HttpReply> Server::get_text(const std::string& target) {
  return client::expect_success(persist([&] { return run_.http.get(target); }));
}

Result<boost::json::object> Server::get(const std::string& target) {
  return client::object_of(persist([&] { return run_.http.get(target); }));
}

Result<std::string> Server::resume() {
  GF_ASSIGN(const boost::json::object place, get("/producers/" + url_encode(id_)));
  sequence_ = client::number_at(place, "next_sequence");
  return client::text_at(place, "position");
}

Result<Stored> Server::store(std::string_view lines, std::size_t count,
                             const std::string& position) {
  std::string target = fmt::format("/records?producer={}&sequence={}", url_encode(id_), sequence_);
  if (!position.empty()) target += "&position=" + url_encode(position);
  bool was_repeated = false;
  GF_ASSIGN(
      HttpReply reply,
      persist([&] { return run_.http.request("POST", target, "application/x-ndjson", lines); },
              &was_repeated));
  // A batch without one good record is answered with 400, but with a report like any other.
  if (reply.status == 400 && reply.body.starts_with(R"({"accepted":)")) reply.status = 200;
  GF_ASSIGN(const boost::json::object report, client::object_of(std::move(reply)));
  sequence_ += count;
  Stored stored = stored_of(report);
  stored.was_repeated = was_repeated;
  return stored;
}

Status Server::check_topic(const std::string& topic) {
  const auto reply = get("/topics/" + url_encode(topic));
  if (reply) return {};
  if (reply.error().code != ErrorCode::kTopicNotFound) return fail(reply.error());
  return fail(ErrorCode::kTopicNotFound,
              fmt::format("there is no topic '{}' on the server: declare it in dataflow.yaml, or "
                          "make it with 'gameflow topic create {}'",
                          topic, topic));
}

Result<std::string> Server::dead_letter_topic() {
  const auto dataflow = get("/dataflow");
  if (!dataflow && dataflow.error().code == ErrorCode::kUnavailable) return fail(dataflow.error());
  std::string name = dataflow ? client::text_at(*dataflow, "dead_letter_topic") : "";
  return name.empty() ? "dead-letters" : name;
}

}  // namespace gameflow::connect
