// The queries that one WebSocket follows: GET /ws/sql. docs/reference/http.md has the messages.
//
// Threads  one at a time.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "live/live.h"
#include "serve/messages.h"

namespace gameflow::http {

class SqlMessages final : public serve::Messages {
 public:
  static constexpr std::size_t kSubscriptionsMax = 100;

  SqlMessages(live::Live& live, std::weak_ptr<serve::Waiter> waiter)
      : live_(live), waiter_(std::move(waiter)) {}

  Result<serve::Message> next() override;
  void receive(std::string_view text) override;

 private:
  Status take(std::string_view text, std::string& id);
  void refuse(std::string_view id, const Error& error);

  live::Live& live_;
  std::weak_ptr<serve::Waiter> waiter_;
  std::map<std::string, std::unique_ptr<live::Follower>, std::less<>> followers_;  // by id
  std::string last_;                  // whose turn was last
  std::deque<std::string> refusals_;  // that were not sent yet
  std::string text_;
};

}  // namespace gameflow::http
