// Sends the records of one topic to a gameflow server, each exactly once, whatever happens between.
//
// Records are numbered; a batch whose outcome is unknown is sent again with its numbers, and the
// server leaves out what it has.
//
// Threads  belongs to one thread, with its Http.
// Errors   temporary failures (no connection, 408, 429, 5xx) are retried here with a growing pause,
//          which is no shorter than the server asks for; what comes back is final.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "client/http_client.h"

namespace gameflow::client {

struct ProducerOptions {
  std::string topic;
  std::optional<std::string> key;        // of all records
  std::optional<std::string> key_field;  // or the dotted path of the field that holds it
  std::string id;
  // The id was made up for this run: should the server have lost its memory of it (its data was
  // removed), records continue under another one instead of failing with kSequenceGap.
  bool id_is_random = false;
  // Without an answer for this long (that it is too much is one), retries end with kUnavailable.
  // Nothing: never.
  std::optional<std::chrono::milliseconds> patience;

  // One line each for a person: that the server is gone, that it is back; once, that it takes no
  // more than so much a second.
  std::function<void(const std::string&)> tell = [](const std::string&) {};
  // Called before each attempt but the first of a request.
  std::function<void()> retrying = [] {};
  // The pause between attempts: returns early once `stop` is requested. Tests replace it.
  std::function<void(std::chrono::milliseconds, std::stop_token)> pause;
};

struct RejectedLine {
  std::uint64_t index = 0;  // within the batch
  std::string field, message;
};

struct SendReport {
  std::uint64_t accepted = 0, duplicates = 0, rejected = 0, retries = 0;
  std::vector<RejectedLine> errors;  // the first ones; the server lists at most 100 of a batch
};

// "gen-3f9a…": 16 random hex digits after `prefix`.
std::string random_producer_id(std::string_view prefix);

class Producer {
 public:
  Producer(Http& http, ProducerOptions options);

  // Asks the server how many records of this producer it has, and continues there. kUnavailable
  // after `stop`.
  Result<std::uint64_t> resume(std::stop_token stop);

  // Sends `count` lines of NDJSON, none of them blank. Returns once they are durable.
  //   kUnavailable  `stop` was requested, or patience has run out: whether this batch was stored is
  //                 unknown
  //   otherwise     the server refuses: no such topic, for example; or its certificate is refused;
  //                 nothing was stored
  Result<SendReport> send(std::string_view ndjson, std::uint64_t count, std::stop_token stop);

  std::uint64_t next_sequence() const { return sequence_; }
  const std::string& id() const { return options_.id; }

 private:
  // Repeats `attempt` while it fails in a temporary way.
  Result<HttpReply> persist(const std::function<Result<HttpReply>()>& attempt, std::stop_token stop,
                            std::uint64_t& retries);
  std::string produce_target() const;
  Result<std::uint64_t> ask_next_sequence(std::stop_token stop);
  // After kSequenceGap: takes another id if that is allowed, else explains.
  Status recover_from_gap(std::stop_token stop);

  Http& http_;
  ProducerOptions options_;
  std::uint64_t sequence_ = 0;
  bool is_quota_told_ = false;
};

}  // namespace gameflow::client
