#include "client/producer.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "base/sleep.h"
#include "base/url_encode.h"
#include "client/json_text.h"

namespace gameflow::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPauseFirst{50};
constexpr milliseconds kPauseMax{2'000};
constexpr int kTooManyRequests = 429;  // than a quota allows

bool is_temporary(const HttpReply& reply) {
  if (reply.status == 501 || reply.status == 505) return false;  // another kind of server
  return reply.status >= 500 || reply.status == kTooManyRequests || reply.status == 408;
}

bool is_report(const HttpReply& reply) {
  return reply.body.starts_with(R"({"accepted":)");
}

}  // namespace

std::string random_producer_id(std::string_view prefix) {
  std::random_device device;
  return fmt::format("{}-{:08x}{:08x}", prefix, device(), device());
}

Producer::Producer(Http& http, ProducerOptions options)
    : http_(http), options_(std::move(options)) {
  if (!options_.pause) options_.pause = sleep_unless_stopped;
}

Result<HttpReply> Producer::persist(const std::function<Result<HttpReply>()>& attempt,
                                    std::stop_token stop, std::uint64_t& retries) {
  milliseconds pause = kPauseFirst;
  milliseconds waited{0};
  bool told = false;
  while (true) {
    Result<HttpReply> reply = attempt();
    if (reply && !is_temporary(*reply)) {
      if (told) options_.tell(fmt::format("{}: the server is back", options_.topic));
      return reply;
    }
    if (!reply && reply.error().code != ErrorCode::kUnavailable) return reply;
    Error error = reply ? error_of(*reply) : reply.error();
    if (stop.stop_requested() || (options_.patience && waited >= *options_.patience)) {
      return fail(ErrorCode::kUnavailable, std::move(error.message));
    }
    const bool is_over_quota =
        reply && reply->status == kTooManyRequests && reply->retry_after.count() > 0;
    if (is_over_quota && !std::exchange(is_quota_told_, true))
      options_.tell(
          fmt::format("{}: {}; going on as fast as that allows", options_.topic, error.message));
    // The first failure may be a connection that the server closed between two requests.
    if (!is_over_quota && !told && retries > 0) {
      options_.tell(
          fmt::format("{}: {}; trying again until it answers", options_.topic, error.message));
      told = true;
    }
    const milliseconds asked = reply ? milliseconds(reply->retry_after) : milliseconds(0);
    options_.pause(std::max(pause, asked), stop);
    ++retries;
    options_.retrying();
    // Who is told to slow down is not without an answer.
    if (is_over_quota) continue;
    waited += std::max(pause, asked);
    pause = std::min(pause * 2, kPauseMax);
  }
}

Result<std::uint64_t> Producer::ask_next_sequence(std::stop_token stop) {
  const std::string target =
      fmt::format("/topics/{}/producers/{}", url_encode(options_.topic), url_encode(options_.id));
  std::uint64_t retries = 0;
  GF_ASSIGN(const boost::json::object object,
            object_of(persist([&] { return http_.get(target); }, stop, retries)));
  return number_at(object, "next_sequence");
}

Result<std::uint64_t> Producer::resume(std::stop_token stop) {
  GF_ASSIGN(sequence_, ask_next_sequence(std::move(stop)));
  return sequence_;
}

std::string Producer::produce_target() const {
  std::string target = fmt::format("/topics/{}/records?producer={}&sequence={}",
                                   url_encode(options_.topic), url_encode(options_.id), sequence_);
  if (options_.key) target += "&key=" + url_encode(*options_.key);
  if (options_.key_field) target += "&key-field=" + url_encode(*options_.key_field);
  return target;
}

Status Producer::recover_from_gap(std::stop_token stop) {
  GF_ASSIGN(const std::uint64_t known, ask_next_sequence(std::move(stop)));
  if (!options_.id_is_random) {
    return fail(ErrorCode::kSequenceGap,
                fmt::format("the server has {} records of producer '{}' in topic {}, not the {} "
                            "that were acknowledged: was its data removed? Use another producer id",
                            known, options_.id, options_.topic, sequence_));
  }
  options_.tell(
      fmt::format("{}: the server has lost what it knew of this producer (was its data "
                  "removed?); continuing as a new one",
                  options_.topic));
  options_.id = random_producer_id(options_.id.substr(0, options_.id.find('-')));
  sequence_ = 0;
  return {};
}

Result<SendReport> Producer::send(std::string_view ndjson, std::uint64_t count,
                                  std::stop_token stop) {
  SendReport report;
  const auto attempt = [&] {
    return http_.request("POST", produce_target(), "application/x-ndjson", ndjson);
  };
  GF_ASSIGN(HttpReply reply, persist(attempt, stop, report.retries));
  if (reply.status == 409 && error_of(reply).code == ErrorCode::kSequenceGap) {
    GF_TRY(recover_from_gap(stop));
    GF_ASSIGN(reply, persist(attempt, stop, report.retries));
  }
  // A batch without one good record is answered with 400, but with a report like any other.
  if (reply.status == 400 && is_report(reply)) reply.status = 200;
  GF_ASSIGN(const boost::json::object object, object_of(std::move(reply)));
  report.accepted = number_at(object, "accepted");
  report.duplicates = number_at(object, "duplicates");
  report.rejected = number_at(object, "rejected");
  for (const auto& item : array_at(object, "errors")) {
    if (const auto* error = item.if_object()) {
      report.errors.push_back({.index = number_at(*error, "index"),
                               .field = text_at(*error, "field"),
                               .message = text_at(*error, "message")});
    }
  }
  sequence_ += count;
  return report;
}

}  // namespace gameflow::client
