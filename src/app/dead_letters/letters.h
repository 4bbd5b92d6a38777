// The dead letters of a running server, over its HTTP API. Format: docs/formats/dead-letter.md.
//
// Threads  those of the Http that is handed in: one.
// Errors   kUnavailable, kInvalidArgument for what the user asked, and those of the server.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "app/commands.h"
#include "base/error.h"
#include "base/time.h"
#include "client/http_client.h"

namespace gameflow::app {

struct DeadLetter {
  std::uint64_t partition = 0, offset = 0;  // in the dead-letter topic
  Timestamp time;                           // when it was written
  std::string service, operator_name, code, field, reason;
  // The record that it is about. Without one it is about the result of the window that began at
  // `window_start`, or about what `reason` says: a left event that met none, or a row that ran out.
  struct Record {
    std::string topic;
    bool is_stored = true;  // no: it was refused, and has no place
    std::uint64_t partition = 0, offset = 0;
    Timestamp time;
    std::optional<std::string> key;
    std::string value;
  };
  std::optional<Record> record;
  std::optional<Timestamp> window_start;
  boost::json::object json;  // as it lies in the topic

  std::string id() const;              // "0:17"
  std::string without_record() const;  // what it is about
};

class DeadLetters {
 public:
  // Asks which topic holds them.
  static Result<DeadLetters> open(client::Http& http);

  // Each that the filter takes, partition by partition, oldest first.
  Status each(const DeadLetterFilter& filter, const std::function<void(DeadLetter)>& take) const;
  Result<DeadLetter> find(const std::string& id) const;

  // The same for all letters about one record: each service that fails at it writes one.
  std::string record_of(const DeadLetter& letter) const;
  // The record of the letter.
  Result<bool> was_replayed(const DeadLetter& letter) const;
  // Sends the record to its topic; the server leaves it out if it was replayed before, also by
  // somebody else at the same time. Whether it was sent; `again`: in any case.
  Result<bool> replay(const DeadLetter& letter, bool again) const;

 private:
  struct Partition {
    std::uint64_t number = 0, begin = 0, end = 0;
  };
  explicit DeadLetters(client::Http& http) : http_(&http) {}
  Status read(const Partition& partition, std::uint64_t from, std::uint64_t count,
              const std::function<void(DeadLetter)>& take) const;
  std::string producer_of(const DeadLetter& letter, std::string_view what) const;
  Result<std::uint64_t> next_sequence(const DeadLetter& letter, std::string_view what) const;
  // The topic has not taken it, though it was sent.
  Status note_refusal(const DeadLetter& letter, std::uint64_t sequence) const;

  client::Http* http_;
  std::string topic_;
  std::uint64_t topic_id_ = 0;
  Timestamp now_;  // the server's clock
  std::vector<Partition> partitions_;
};

}  // namespace gameflow::app
