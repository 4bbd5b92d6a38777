#include "connect/changes.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/sleep.h"
#include "base/url_encode.h"
#include "connect/support/slice.h"

namespace gameflow::connect {
namespace {

using std::chrono::milliseconds;

// Between two looks where nobody says that there is something new,
constexpr milliseconds kLookEvery{100};
// and where somebody does: what a broken connection costs at most.
constexpr milliseconds kWaitMax{2'000};
constexpr milliseconds kOpenEvery{1'000};
constexpr milliseconds kIdleMax{60'000};
constexpr std::size_t kTextMax = 64U << 10;

}  // namespace

Changes::Changes(client::ServerAddress server, const std::vector<std::string>& topics)
    : server_(std::move(server)),
      target_("/changes?topics=" + url_encode(fmt::format("{}", fmt::join(topics, ",")))) {}

void Changes::open() {
  std::string url = server_.url;
  while (url.ends_with('/')) url.pop_back();
  std::vector<std::string> headers;
  if (!server_.token.empty()) headers.push_back("Authorization: Bearer " + server_.token);
  stream_ = std::make_unique<client::HttpStream>(
      client::StreamRequest{.url = url + target_,
                            .headers = std::move(headers),
                            .user_agent = "gameflow/" GAMEFLOW_VERSION,
                            .ca_file = server_.ca_file,
                            .checks_certificate = server_.checks_certificate,
                            .allows_private_addresses = true,
                            .idle_timeout = kIdleMax});
  is_heard_ = false;
  open_at_ = SteadyClock::now() + kOpenEvery;
}

void Changes::wait(const std::stop_token& stop) {
  const auto begin = SteadyClock::now();
  if (!stream_ && begin >= open_at_) open();
  if (!stream_) {
    sleep_unless_stopped(kLookEvery, stop);
    return;
  }
  // What it says first is that it listens: what came before that is to be looked for once more.
  const auto end = begin + (is_heard_ ? kWaitMax : kLookEvery);
  while (!stop.stop_requested() && SteadyClock::now() < end) {
    const auto left = std::chrono::ceil<milliseconds>(end - SteadyClock::now());
    text_.clear();
    const auto next = stream_->read(text_, std::min(left, kSlice), kTextMax);
    const bool is_over = next != client::HttpStream::Next::kMore || stream_->status() >= 300;
    if (is_over) {
      stream_.reset();
      sleep_unless_stopped(kLookEvery, stop);
      return;
    }
    if (text_.empty()) continue;
    is_heard_ = true;
    return;
  }
}

}  // namespace gameflow::connect
