#include "connect/http_source/source.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <thread>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/ascii.h"
#include "base/url_encode.h"
#include "client/http_client.h"
#include "connect/support/record_json.h"
#include "record/batch.h"
#include "record/json_split.h"

namespace gameflow::connect {
namespace {

using client::HttpStream;
using std::chrono::milliseconds;

namespace json = boost::json;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// What a server may call a stream, and is told again.
constexpr std::string_view kNameHeader = "Gameflow-Stream";
constexpr std::size_t kNameBytesMax = 128;
// Of an answer that is an error, bytes.
constexpr std::size_t kAnswerShown = 300;

bool is_name(std::string_view text) {
  return text.size() <= kNameBytesMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != '|'; });
}

bool is_temporary(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

std::invalid_argument wrong(const std::string& message) {
  return std::invalid_argument("'http': " + message);
}

void check(const Settings& settings) {
  const std::string& endpoint = settings.text("endpoint");
  const std::string scheme = lower_case(endpoint.substr(0, endpoint.find(':')));
  if (scheme == "ws" || scheme == "wss")
    throw wrong("WebSockets are not read; give 'endpoint' an http:// or https:// URL");
  if ((scheme != "http" && scheme != "https") || endpoint.find("://") == std::string::npos)
    throw wrong("'endpoint' has to begin with http:// or https://");
  if (settings.text("output_parts") == "full" && settings.text("output_type") != "json")
    throw wrong("'output_parts: full' needs 'output_type: json': topics hold JSON");
  if (!settings.text("resume-field").empty() && settings.text("resume-parameter").empty())
    throw wrong("'resume-field' needs 'resume-parameter', which tells the server of it");
  if (settings.has("delimiter") && !settings.flag("stream"))
    throw wrong("'delimiter' needs 'stream: true'");
  for (const std::string& header : settings.texts("headers")) {
    if (header.find(':') == std::string::npos || header.find_first_of("\r\n") != std::string::npos)
      throw wrong("an item of 'headers' has to be 'Name: value'");
  }
}

}  // namespace

HttpSource::HttpSource(const Settings& settings, Host& host)
    : settings_(settings),
      host_(host),
      delimiter_(settings.has("delimiter") ? settings.text("delimiter") : "\n"),
      parameter_(settings.text("resume-parameter")),
      field_(settings.text("resume-field")),
      is_stream_(settings.flag("stream")),
      is_wrapped_(settings.text("output_type") == "json"),
      is_full_(settings.text("output_parts") == "full"),
      record_bytes_max_(static_cast<std::size_t>(settings.number("record-bytes-max"))) {
  check(settings);
}

void HttpSource::open(std::string_view position) {
  if (position.empty()) return;
  if (position.starts_with("s:")) {
    const std::size_t bar = std::min(position.find('|'), position.size());
    if (is_resumable()) name_ = position.substr(2, bar - 2);
    position.remove_prefix(std::min(bar + 1, position.size()));
  }
  const std::string_view what = position.substr(0, 2),
                         text = position.substr(std::min<std::size_t>(2, position.size()));
  const std::string_view mine = !is_resumable() ? "e:" : field_.empty() ? "n:" : "c:";
  if (what != mine) {
    // What an earlier form of the file has left. Of a request that has no position it says nothing.
    if (!is_resumable()) return;
    throw wrong(
        "the stored position was made with other 'resume' settings: take these back, or begin anew "
        "with 'gameflow connector delete' or another name");
  }
  if (what == "n:") {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count_);
    if (error != std::errc() || end != text.data() + text.size())
      throw wrong("the stored position is no number");
  } else if (what == "c:") {
    cursor_ = text;
  } else {
    const std::size_t bar = std::min(text.rfind('|'), text.size());  // no date has one
    etag_ = text.substr(0, bar);
    modified_ = text.substr(std::min(bar + 1, text.size()));
  }
}

std::string HttpSource::position() const {
  if (is_resumable()) {
    return (name_.empty() ? "" : "s:" + name_ + "|") +
           (field_.empty() ? fmt::format("n:{}", count_) : "c:" + cursor_);
  }
  if (is_stream_ || (etag_.empty() && modified_.empty())) return {};
  return fmt::format("e:{}|{}", etag_, modified_);
}

std::string HttpSource::url() const {
  std::string url = settings_.text("endpoint");
  const std::string value = field_.empty() ? std::to_string(count_) : cursor_;
  // Of a count, 0 is sent too: a server that begins anywhere else would give other numbers.
  if (!is_resumable() || value.empty()) return url;
  url.erase(std::min(url.find('#'), url.size()));  // servers never see what is behind it
  url += url.find('?') == std::string::npos ? '?' : '&';
  return url + url_encode(parameter_) + '=' + url_encode(value);
}

void HttpSource::request() {
  client::StreamRequest request{
      .url = url(),
      .method = settings_.text("method"),
      .headers = settings_.texts("headers"),
      .body = settings_.text("body"),
      .user_agent =
          settings_.has("user-agent") ? settings_.text("user-agent") : "gameflow/" GAMEFLOW_VERSION,
      .ca_file = settings_.text("ca-file"),
      .allows_redirects = settings_.flag("allow-redirects"),
      .allows_private_addresses = settings_.flag("allow-private-addresses"),
      .connect_timeout = settings_.duration("connect-timeout"),
      .idle_timeout = settings_.duration("idle-timeout")};
  if (!is_stream_) {
    request.total_timeout = settings_.duration("timeout");
    if (!etag_.empty()) request.headers.push_back("If-None-Match: " + etag_);
    if (!modified_.empty()) request.headers.push_back("If-Modified-Since: " + modified_);
  }
  if (!name_.empty()) request.headers.push_back(fmt::format("{}: {}", kNameHeader, name_));
  next_request_ = SteadyClock::now() + settings_.duration("interval");
  buffer_.clear();
  searched_ = 0;
  is_checked_ = false;
  count_before_ = count_;
  stream_ = std::make_unique<HttpStream>(std::move(request));
}

void HttpSource::fail() const {
  const client::HttpFailure& failure = stream_->failure();
  if (failure.is_final) throw std::runtime_error(failure.message);
  throw Retry(failure.message);
}

bool HttpSource::check_answer() {
  is_checked_ = true;
  const int status = stream_->status();
  if (status == 304 && !is_stream_) return false;
  if (status >= 200 && status < 300) return true;
  const std::string where = client::shown_url(settings_.text("endpoint"));
  if (is_temporary(status))
    throw Retry(fmt::format("{} answers with status {}", where, status), stream_->retry_after());
  if (status >= 300 && status < 400) {
    throw std::runtime_error(fmt::format(
        "{} redirects to '{}' (status {}): write that as 'endpoint', or 'allow-redirects: true'",
        where, client::shown_url(stream_->header("location")), status));
  }
  const std::string_view hint = status == 401 || status == 403
                                    ? ": is the secret in 'headers' the right one?"
                                    : ": trying again would not help";
  std::string message = fmt::format("{} answers with status {}{}", where, status, hint);
  if (!is_blank(buffer_)) {
    message += "; it says: ";
    const std::size_t begin = message.size();
    message.append(buffer_, 0, kAnswerShown);
    join_lines(message, begin);
  }
  throw std::runtime_error(message);
}

bool HttpSource::has_moved() {
  const std::string_view name = stream_->header(kNameHeader);
  if (!is_resumable() || name.empty()) return false;
  const std::string where = client::shown_url(settings_.text("endpoint"));
  if (!is_name(name)) {
    throw std::runtime_error(
        fmt::format("{} answers with '{}: {}': a stream's name has at most {} visible characters "
                    "of ASCII, and no '|'",
                    where, kNameHeader, name.substr(0, kNameBytesMax), kNameBytesMax));
  }
  const int status = stream_->status();
  const bool is_other = name_.empty() ? status == 416 : name != name_;
  std::uint64_t oldest = 0;
  const std::string_view text = stream_->header("Gameflow-Stream-Oldest");
  std::from_chars(text.data(), text.data() + text.size(), oldest);
  const bool is_gone = status == 410 && field_.empty() && oldest > count_;
  name_ = name;
  if (is_other) {
    // One that is another each time, before it has brought anything, is not asked at once.
    const milliseconds wait = count_ == 0 ? settings_.duration("interval") : milliseconds{};
    moved_ = Retry(fmt::format("{} has another stream than the one that was read so far: it was "
                               "started anew, and is read from its beginning",
                               where),
                   wait);
    count_ = 0;
    cursor_.clear();
  } else if (is_gone) {
    moved_ = Retry(fmt::format("{} has not kept its records {} to {}: they are lost", where, count_,
                               oldest - 1));
    count_ = oldest;
  }
  return moved_.has_value();
}

void HttpSource::check_size(std::size_t size) const {
  if (size <= record_bytes_max_) return;
  throw std::runtime_error(
      fmt::format("{} after {} bytes: {}or raise 'record-bytes-max'",
                  is_stream_ ? "a record of the stream has no end" : "the answer has no end",
                  record_bytes_max_, is_stream_ ? "look at 'delimiter', " : ""));
}

void HttpSource::add(std::string text, Batch& batch) {
  ++count_;
  if (!field_.empty()) {
    const std::size_t size = text.size();
    text.resize(size + record::kPaddingBytes);
    auto value = record::json_field(std::string_view(text).substr(0, size), field_);
    text.resize(size);
    // A record that has none is still taken: the next one says where it is.
    if (value) cursor_ = std::move(*value);
  }
  if (!is_wrapped_) {
    batch.records.push_back({.value = std::move(text)});
    return;
  }
  json::object object;
  if (is_full_) {
    object["status"] = {{"version", stream_->version()}, {"code", stream_->status()}};
    json::object headers;
    for (const auto& [name, value] : stream_->headers()) headers[name] = value;
    object["header"] = std::move(headers);
  }
  object["body"] = text;
  batch.records.push_back({.value = json::serialize(object)});
}

void HttpSource::take_records(bool is_complete, Batch& batch) {
  std::size_t begin = 0;
  bool is_searched = true;
  for (std::size_t at; (at = buffer_.find(delimiter_, searched_)) != std::string::npos;) {
    const std::string_view text = std::string_view(buffer_).substr(begin, at - begin);
    is_searched = text.size() <= record_bytes_max_ || batch.records.empty();
    if (!is_searched) break;  // told at the next poll
    check_size(text.size());
    if (!is_blank(text)) add(std::string(text), batch);
    begin = searched_ = at + delimiter_.size();
  }
  const std::string_view rest = std::string_view(buffer_).substr(begin);
  if (is_complete && !is_blank(rest)) {
    add(std::string(rest), batch);
    begin = buffer_.size();
  }
  buffer_.erase(0, begin);
  // A delimiter may have begun at its end.
  searched_ = is_searched ? buffer_.size() - std::min(buffer_.size(), delimiter_.size() - 1) : 0;
  if (batch.records.empty()) check_size(buffer_.size());
}

Batch HttpSource::poll_stream(milliseconds wait, std::size_t bytes_max) {
  Batch batch;
  const auto deadline = SteadyClock::now() + wait;
  while (batch.records.empty()) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0 || host_.is_stopping()) break;
    const HttpStream::Next next = stream_->read(buffer_, left, bytes_max);
    if (!is_checked_ && stream_->status() >= 200 &&
        (!buffer_.empty() || next != HttpStream::Next::kMore)) {
      if (has_moved()) return {.position = position()};
      check_answer();
    }
    if (next == HttpStream::Next::kFailed && buffer_.empty()) fail();
    take_records(next == HttpStream::Next::kEnd, batch);
    if (next == HttpStream::Next::kMore) continue;
    // What was complete is handed over; what comes next is told at the next poll.
    if (!batch.records.empty() && next == HttpStream::Next::kFailed) break;
    if (next == HttpStream::Next::kFailed) fail();
    stream_.reset();
    // A server that has no more is not asked at once.
    if (is_resumable() && count_ > count_before_) next_request_.reset();
    break;
  }
  if (!batch.records.empty()) batch.position = position();
  return batch;
}

Batch HttpSource::poll_answer(milliseconds wait) {
  const HttpStream::Next next = stream_->read(buffer_, wait, record_bytes_max_ + 1);
  if (next == HttpStream::Next::kFailed) fail();
  check_size(buffer_.size());
  Batch batch;
  if (next == HttpStream::Next::kMore) return batch;
  if (check_answer()) {
    etag_ = stream_->header("etag");
    modified_ = stream_->header("last-modified");
    if (!is_blank(buffer_) || is_full_) add(std::move(buffer_), batch);
    batch.position = position();
  }
  stream_.reset();
  return batch;
}

Batch HttpSource::poll(milliseconds wait, std::size_t bytes_max) {
  if (moved_) throw Retry(*moved_);
  if (!stream_) {
    const auto now = SteadyClock::now();
    if (next_request_ && *next_request_ > now) {
      std::this_thread::sleep_for(std::min<SteadyClock::duration>(wait, *next_request_ - now));
      return {};
    }
    request();
  }
  return is_stream_ ? poll_stream(wait, bytes_max) : poll_answer(wait);
}

void HttpSource::close() noexcept {
  stream_.reset();
}

}  // namespace gameflow::connect
