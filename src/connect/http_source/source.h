// The source behind http-source.
//
// Positions  "n:1200": so many records have come; "c:TEXT": the field of the last one;
//            "e:ETAG|TIME": what the last answer said of itself. Else there is none. In front of
//            the first two "s:NAME|", where the server has named its stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <gameflow/connect/connector.h>

#include "client/http_stream.h"

namespace gameflow::connect {

class HttpSource final : public Source {
 public:
  // Both outlive it. Throws std::invalid_argument for settings that do not go together.
  HttpSource(const Settings& settings, Host& host);

  void open(std::string_view position) override;
  Batch poll(std::chrono::milliseconds wait, std::size_t bytes_max) override;
  void close() noexcept override;

 private:
  using SteadyClock = std::chrono::steady_clock;

  bool is_resumable() const { return !parameter_.empty(); }
  std::string url() const;
  void request();
  // Throws for an answer that brings nothing. False: nothing has changed since the last one.
  bool check_answer();
  // Moves to where the stream can be read, if the answer says that it is not where it was, and says
  // why at the next poll: by then the position is stored.
  bool has_moved();
  Batch poll_stream(std::chrono::milliseconds wait, std::size_t bytes_max);
  Batch poll_answer(std::chrono::milliseconds wait);
  void take_records(bool is_complete, Batch& batch);
  void add(std::string text, Batch& batch);
  std::string position() const;
  void check_size(std::size_t size) const;
  [[noreturn]] void fail() const;

  const Settings& settings_;
  Host& host_;
  const std::string delimiter_, parameter_, field_;
  const bool is_stream_, is_wrapped_, is_full_;
  const std::size_t record_bytes_max_;

  std::unique_ptr<client::HttpStream> stream_;
  bool is_checked_ = false;  // its status
  std::string buffer_;
  std::size_t searched_ = 0;  // of it, without a delimiter
  std::optional<SteadyClock::time_point> next_request_;
  std::uint64_t count_ = 0, count_before_ = 0;  // of records, also before the last request
  std::string cursor_;
  std::string name_;  // of the stream; empty: the server names none
  std::optional<Retry> moved_;
  std::string etag_, modified_;
};

}  // namespace gameflow::connect
