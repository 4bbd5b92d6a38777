#include "client.h"

#include <algorithm>
#include <stdexcept>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <fmt/format.h>

namespace gameflow::bench {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kTimeName = R"("event_timestamp":")";

// Always of the same length: "2024-11-12T10:15:30.250Z".
std::string fixed_timestamp(Timestamp time) {
  std::string text = format_timestamp({time.ms - time.ms % 1'000});
  return text.insert(text.size() - 1, fmt::format(".{:03}", time.ms % 1'000));
}

std::string fixed_id(std::uint64_t number) {
  return fmt::format("{:016x}", number);
}

// Of ms since 1970, until 2286.
constexpr std::size_t kMsDigits = 13;

}  // namespace

std::string post_request(std::string_view path, std::string_view type, std::string_view body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
      path, type, body.size(), body);
}

Client::Client(std::uint16_t port) : socket_(io_) {
  socket_.connect({asio::ip::address_v4::loopback(), port});
  socket_.set_option(asio::ip::tcp::no_delay(true));
}

std::string Client::exchange(std::string_view request) {
  send(request);
  return receive();
}

// All of it at once: asio::write would take 64 KiB at a time, and wake the server for each.
void Client::send(std::string_view request) {
  while (!request.empty()) request.remove_prefix(socket_.write_some(asio::buffer(request)));
}

std::string Client::receive() {
  const std::size_t head = asio::read_until(socket_, asio::dynamic_buffer(received_), "\r\n\r\n");
  const std::size_t length_at = received_.find("Content-Length: ");
  if (length_at > head) throw std::runtime_error("an answer without a length: " + received_);
  const std::size_t end = head + std::stoul(received_.substr(length_at + 16));
  if (received_.size() < end) {
    asio::read(socket_, asio::dynamic_buffer(received_),
               asio::transfer_exactly(end - received_.size()));
  }
  if (!received_.starts_with("HTTP/1.1 200 ")) throw std::runtime_error(received_);
  std::string body = received_.substr(head, end - head);
  received_.erase(0, end);
  return body;
}

EventsRequest::EventsRequest(const record::Batch& batch, const Form& form) {
  std::string body;
  for (std::size_t i = form.begin; i < std::min(form.end, batch.size()); ++i) {
    const std::string_view value = batch[i].value;
    const std::size_t time = value.find(kTimeName) + kTimeName.size();
    body += value.substr(0, time);
    times_.push_back(body.size());
    body += fixed_timestamp({0});
    body += value.substr(value.find('"', time));
    if (form.has_ids) {
      body.pop_back();
      body += R"(,"event_id":")";
      ids_.push_back(body.size());
      body += fixed_id(0) + "\"}";
    }
    body += '\n';
  }
  constexpr std::string_view kEvents = "/events?sent_at=";
  const bool is_records = form.route == Route::kRecords;
  const std::string target = is_records
                                 ? "/topics/player-events/records?key-field=user_data.user_id"
                                 : fmt::format("{}{}", kEvents, std::string(kMsDigits, '0'));
  text_ = post_request(target, "application/x-ndjson", body);
  if (!is_records) sent_at_ = text_.find(kEvents) + kEvents.size();
  for (std::size_t& time : times_) time += text_.size() - body.size();
  for (std::size_t& id : ids_) id += text_.size() - body.size();
}

void EventsRequest::write(std::size_t at, std::string_view text) {
  std::ranges::copy(text, text_.begin() + static_cast<std::ptrdiff_t>(at));
}

void EventsRequest::send(Client& client, Timestamp now, std::uint64_t first_id) {
  check(client.exchange(written(now, first_id)));
}

std::string_view EventsRequest::written(Timestamp now, std::uint64_t first_id) {
  const std::string time = fixed_timestamp(now);
  for (const std::size_t at : times_) write(at, time);
  for (const std::size_t at : ids_) write(at, fixed_id(first_id++));
  if (sent_at_ != 0) write(sent_at_, std::to_string(now.ms));
  return text_;
}

void EventsRequest::check(std::string_view answer) const {
  if (answer.find(fmt::format("\"accepted\":{},", times_.size())) == std::string_view::npos) {
    throw std::runtime_error(fmt::format("not all events were accepted: {}", answer));
  }
}

}  // namespace gameflow::bench
