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
  // All of it at once: asio::write would take 64 KiB at a time, and wake the server for each.
  for (std::string_view rest = request; !rest.empty();) {
    rest.remove_prefix(socket_.write_some(asio::buffer(rest)));
  }
  std::string answer;
  const std::size_t head = asio::read_until(socket_, asio::dynamic_buffer(answer), "\r\n\r\n");
  const std::size_t length_at = answer.find("Content-Length: ");
  if (length_at > head) throw std::runtime_error("an answer without a length: " + answer);
  const std::size_t size = std::stoul(answer.substr(length_at + 16));
  if (answer.size() < head + size) {
    asio::read(socket_, asio::dynamic_buffer(answer),
               asio::transfer_exactly(head + size - answer.size()));
  }
  if (!answer.starts_with("HTTP/1.1 200 ")) throw std::runtime_error(answer);
  return answer.substr(head);
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
  const std::string time = fixed_timestamp(now);
  for (const std::size_t at : times_) write(at, time);
  for (const std::size_t at : ids_) write(at, fixed_id(first_id++));
  if (sent_at_ != 0) write(sent_at_, std::to_string(now.ms));
  const std::string answer = client.exchange(text_);
  if (answer.find(fmt::format("\"accepted\":{},", times_.size())) == std::string::npos) {
    throw std::runtime_error("not all events were accepted: " + answer);
  }
}

}  // namespace gameflow::bench
