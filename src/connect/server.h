// What a connector asks of gameflow, once more until there is an answer.
//
// Threads  one.
// Errors   kUnavailable: a stop was asked for before an answer came. kSequenceGap: the server has
//          another number of records of this connector. Otherwise the server refuses.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/error.h"
#include "client/http_client.h"
#include "connect/backoff.h"
#include "connect/run.h"

namespace gameflow::connect {

struct RejectedLine {
  std::size_t index = 0;
  std::string field, code, message;
};

struct Stored {
  std::uint64_t known = 0;  // by their numbers: they are stored
  std::uint64_t rejected = 0;
  std::vector<RejectedLine> errors;  // the first ones; the server lists at most 100
  bool was_repeated = false;         // an earlier attempt may have arrived, too
};

class Server {
 public:
  explicit Server(Run& run);

  // Asks for the next sequence number, and continues there, and for the position stored with it.
  Result<std::string> resume();
  // Stores `count` lines and the position behind them in one commit.
  Result<Stored> store(std::string_view lines, std::size_t count, const std::string& position);

  // `GET target` as an object.
  Result<boost::json::object> get(const std::string& target);
  // The body of `GET target`, of any kind.
  Result<client::HttpReply> get_text(const std::string& target);
  // kTopicNotFound with what to do
  Status check_topic(const std::string& topic);
  // Where dead letters go.
  Result<std::string> dead_letter_topic();

 private:
  Result<client::HttpReply> persist(const std::function<Result<client::HttpReply>()>& attempt,
                                    bool* was_repeated = nullptr);

  Run& run_;
  const std::string id_;
  std::uint64_t sequence_ = 0;
  Backoff backoff_;
  bool is_quota_told_ = false;
};

}  // namespace gameflow::connect
