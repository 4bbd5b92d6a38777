#include "http/sql_messages.h"

#include <utility>
#include <variant>

#include <fmt/format.h>

#include "http/request_json.h"
#include "live/feed.h"
#include "record/codec.h"

namespace gameflow::http {
namespace {

constexpr std::size_t kIdBytesMax = 100;
// A client that sends more wrong messages before it reads is not one to talk to.
constexpr std::size_t kRefusalsMax = 100;

}  // namespace

Result<serve::Message> SqlMessages::next() {
  using Kind = serve::Message::Kind;
  if (refusals_.size() > kRefusalsMax)
    return fail(ErrorCode::kInvalidArgument, "a client sends wrong messages and reads no answers");
  if (!refusals_.empty()) {
    text_ = std::move(refusals_.front());
    refusals_.pop_front();
    return serve::Message{Kind::kText, text_};
  }
  // Each gets its turn, however often the others change.
  auto follower = followers_.upper_bound(last_);
  for (std::size_t i = 0; i < followers_.size(); ++i, ++follower) {
    if (follower == followers_.end()) follower = followers_.begin();
    const live::Feed::Message message = follower->second->next();
    if (message == nullptr) continue;
    last_ = follower->first;
    text_ = "{\"id\":";
    record::encode_json_string(last_, text_);
    text_ += ',';
    text_ += *message;
    text_ += '}';
    return serve::Message{Kind::kText, text_};
  }
  return serve::Message{};
}

void SqlMessages::receive(std::string_view text) {
  std::string id;
  if (const Status taken = take(text, id); !taken) refuse(id, taken.error());
}

Status SqlMessages::take(std::string_view text, std::string& id) {
  GF_ASSIGN(auto request, read_live_request(text));
  if (const auto* const unsubscribe = std::get_if<Unsubscribe>(&request)) {
    followers_.erase(unsubscribe->id);
    return {};
  }
  auto& subscribe = std::get<Subscribe>(request);
  id = subscribe.id;
  if (id.size() > kIdBytesMax)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("an id has at most {} bytes", kIdBytesMax));
  followers_.erase(id);
  if (followers_.size() == kSubscriptionsMax)
    return fail(ErrorCode::kUnavailable,
                fmt::format("a connection has at most {} subscriptions", kSubscriptionsMax));
  GF_ASSIGN(auto follower, live_.follow(std::move(subscribe.question), subscribe.every,
                                        subscribe.version, [waiter = waiter_] {
                                          if (const auto held = waiter.lock()) held->wake();
                                        }));
  followers_.emplace(id, std::move(follower));
  return {};
}

void SqlMessages::refuse(std::string_view id, const Error& error) {
  std::string& out = refusals_.emplace_back("{\"id\":");
  record::encode_json_string(id.substr(0, kIdBytesMax), out);
  out += ",\"error\":" + live::error_json(error) + '}';
}

}  // namespace gameflow::http
