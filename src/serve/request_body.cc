#include "serve/request_body.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "serve/request_header.h"

namespace gameflow::serve {

namespace beast = boost::beast;
namespace wire = boost::beast::http;

// What has come, behind what was read before. The loops of Beast would come back at the end
// of a header or body only.
asio::awaitable<ErrorOf> receive_some(Transport& transport, beast::flat_buffer& buffer) {
  constexpr std::size_t kPieceBytes = 16U << 10;
  ErrorOf error;
  buffer.commit(co_await transport.async_read_some(
      buffer.prepare(kPieceBytes), asio::redirect_error(asio::use_awaitable, error)));
  if (error == asio::error::eof) error = wire::error::partial_message;
  co_return error;
}

std::optional<Reply> RequestBody::refuse(const RequestParser& parser) const {
  const std::size_t limit = state_.options.body_bytes_max;
  const auto declared = parser.content_length();
  if (declared && *declared > limit)
    return error_reply(
        413, to_string(ErrorCode::kPayloadTooLarge),
        fmt::format("the body has {} bytes, the limit is {}; send it in parts", *declared, limit));
  const auto expect = parser.get()[wire::field::expect];
  if (!expect.empty() && !beast::iequals(expect, "100-continue"))
    return error_reply(417, to_string(ErrorCode::kInvalidArgument),
                       "the only expectation understood here is 100-continue");
  return std::nullopt;
}

// Room in the budget for `bytes` of the body and some of what comes next: as they arrive, so that
// who only says that much will come takes nothing from anybody.
bool RequestBody::hold(std::size_t bytes, std::size_t size_max) {
  constexpr std::size_t kAheadMin = 4U << 10, kAheadMax = 64U << 10;
  return held_.grow_to(std::min(size_max, bytes + std::clamp(bytes, kAheadMin, kAheadMax)));
}

// Straight to where it stays; what came with the header is moved there. As much as has come
// at a time: asio's own loop would read 64 KiB.
asio::awaitable<ErrorOf> RequestBody::receive(std::size_t size) {
  std::size_t received = 0;
  for (;;) {
    if (!hold(received, size) || !grow(size)) co_return asio::error::no_memory;
    const auto room = asio::buffer(bytes_.get() + received, capacity_ - received);
    if (buffer_.size() > 0) {
      const std::size_t there = asio::buffer_copy(room, buffer_.data());
      buffer_.consume(there);
      received += there;
    } else {
      ErrorOf error;
      received += co_await transport_.async_read_some(
          room, asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return error == asio::error::eof ? wire::error::partial_message : error;
    }
    if (received == size) co_return ErrorOf{};
    expect_more_after(received);
  }
}

// To what is held of the budget. Most bodies are small and whole at once: those are never moved.
bool RequestBody::grow(std::size_t size_max) {
  if (capacity_ >= std::min(held_.bytes(), size_max)) return true;
  const std::size_t wanted = std::min(held_.bytes(), size_max);
  auto* const bytes = static_cast<char*>(std::realloc(bytes_.get(), wanted));
  if (bytes == nullptr) return false;
  static_cast<void>(bytes_.release());
  bytes_.reset(bytes);
  capacity_ = wanted;
  return true;
}

// A body whose end is said by its last chunk.
asio::awaitable<ErrorOf> RequestBody::receive_chunks(RequestParser& parser) {
  constexpr std::size_t kBetweenBytesMax = 8U << 10;
  parser.body_limit(state_.options.body_bytes_max);
  parser.eager(true);
  std::string& body = parser.get().body();
  for (;;) {
    ErrorOf error;
    if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.data(), error));
    if (error && error != wire::error::need_more) co_return error;
    if (parser.is_done()) break;
    // What is left is no part of the body: sizes with extensions, or fields behind the last chunk.
    if (buffer_.size() > kBetweenBytesMax) co_return wire::error::header_limit;
    expect_more_after(body.size());
    if (!hold(body.capacity(), SIZE_MAX)) co_return asio::error::no_memory;
    error = co_await receive_some(transport_, buffer_);
    if (error) co_return error;
  }
  co_return ErrorOf{};
}

void RequestBody::expect_more_after(std::size_t bytes) {
  deadline_.set(started_ + limits_.body_time +
                std::chrono::milliseconds(bytes * 1'000 / limits_.body_rate_min));
}

// Reads the body into request, or returns the reply that refuses it.
asio::awaitable<std::optional<Reply>> RequestBody::read(RequestParser& parser, Request& request) {
  if (auto refused = refuse(parser)) co_return std::move(refused);
  started_ = std::chrono::steady_clock::now();
  expect_more_after(0);
  ErrorOf error;
  if (parser.get().version() == 11 && !parser.get()[wire::field::expect].empty()) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(transport_, asio::buffer(kContinue.data(), kContinue.size()),
                               asio::redirect_error(asio::use_awaitable, error));
  }
  const auto size = parser.content_length();
  if (!error && size)
    error = co_await receive(static_cast<std::size_t>(*size));
  else if (!error)
    error = co_await receive_chunks(parser);
  if (!error) {
    request.body = size ? std::string_view(bytes_.get(), static_cast<std::size_t>(*size))
                        : std::string_view(parser.get().body());
    co_return std::nullopt;
  }
  if (error == asio::error::no_memory) ++state_.stats.refused_bodies;
  co_return body_failure(error, deadline_.has_passed(), limits_, state_.options.body_bytes_max);
}

void RequestBody::drop(RequestParser& parser, Request& request) {
  request.body = {};
  bytes_.reset();
  capacity_ = 0;
  parser.get().body() = std::string();
}

}  // namespace gameflow::serve
