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

EventsRequest::EventsRequest(const record::Batch& batch) {
  std::string body;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::string_view value = batch[i].value;
    const std::size_t time = value.find(kTimeName) + kTimeName.size();
    body += value.substr(0, time);
    times_.push_back(body.size());
    body += fixed_timestamp({0});
    body += value.substr(value.find('"', time));
    body += '\n';
  }
  text_ = post_request("/topics/player-events/records?key-field=user_data.user_id",
                       "application/x-ndjson", body);
  for (std::size_t& time : times_) time += text_.size() - body.size();
}

void EventsRequest::send(Client& client, Timestamp now) {
  const std::string time = fixed_timestamp(now);
  for (const std::size_t at : times_) {
    std::ranges::copy(time, text_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  const std::string answer = client.exchange(text_);
  if (answer.find(fmt::format("\"accepted\":{},", times_.size())) == std::string::npos) {
    throw std::runtime_error("not all events were accepted: " + answer);
  }
}

}  // namespace gameflow::bench
