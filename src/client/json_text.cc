#include "client/json_text.h"

#include <utility>

namespace gameflow::client {

Result<boost::json::object> object_of(Result<HttpReply> reply) {
  GF_ASSIGN(const HttpReply success, expect_success(std::move(reply)));
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(success.body, error);
  if (error || !value.is_object()) {
    return fail(ErrorCode::kUnavailable, "the answer is not that of a gameflow server");
  }
  return std::move(value.get_object());
}

std::uint64_t number_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  boost::system::error_code error;
  const auto number = value != nullptr ? value->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : number;
}

std::string text_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const boost::json::array& array_at(const boost::json::object& object, std::string_view name) {
  static const boost::json::array kNone;
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

}  // namespace gameflow::client
