// Sends the events of a game to gameflow: queued, in batches, each stored once, also across lost
// connections, restarts and times without a network. One header, C++17. Needs libcurl, or a
// transport of your own:
//
//   gameflow_client::Options options;
//   options.url = "https://events.example.com";
//   options.store_file = "events.queue";
//   gameflow_client::Client client(options);
//   client.send(R"({"event_name":"level_start","player":"ann"})");
//   client.close(std::chrono::seconds(2));
//
// Each event gets a number when it is first sent, and keeps it: a batch whose outcome is unknown is
// sent again with its numbers, and the server leaves out what it has.
//
// Threads  send(), flush(), close() and stats() may be called from any thread. One thread of the
// client sends; the
//          functions of Options are called on it, on_drop also inside send(); they must not close
//          the client.
// Errors   none is thrown behind the constructor; what goes wrong is told to on_error, and tried
// again. Without libcurl: define GAMEFLOW_CLIENT_NO_CURL before the header, and set
// Options::transport.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#ifndef GAMEFLOW_CLIENT_NO_CURL
#include <curl/curl.h>
#endif

namespace gameflow_client {

using Milliseconds = std::chrono::milliseconds;

struct Request {
  std::string url;
  std::string body;
  std::vector<std::string> headers;  // "Name: value"
  Milliseconds timeout{30'000};
  const std::atomic<bool>* cancelled = nullptr;  // becomes true where nobody waits any more
};

struct Response {
  int status = 0;  // 0: no answer, or only a part of one; `error` says why
  std::string body;
  std::string error;
  long retry_after_seconds = 0;
};

using Transport = std::function<Response(const Request&)>;

struct Options {
  std::string url;        // of the server
  std::string topic;      // empty: POST /events, which routes by event_name
  std::string key_field;  // with `topic`: the field that holds each record's key
  // What waits lies here, for the next process; of one process at a time. Empty: in memory only.
  std::string store_file;
  std::string name = "gameflow";  // begins producer ids

  Milliseconds flush_interval{5'000};  // after which a batch goes that is not full
  std::size_t batch_events = 500;      // of one request
  std::size_t batch_bytes = 256 * 1024;
  std::size_t event_bytes = 64 * 1024;  // of one event
  std::size_t queue_events = 10'000;    // of what waits: above it the oldest are dropped
  std::size_t queue_bytes = 4 * 1024 * 1024;
  Milliseconds retry_min{1'000}, retry_max{60'000};  // between attempts, doubling
  Milliseconds timeout{30'000};                      // that an answer may take
  std::string token;                 // by which the server lets it in, of role `ingest`
  std::vector<std::string> headers;  // of every request: "Name: value"
  std::string ca_file;               // of libcurl; empty: the system's

  // Why events were dropped: "queue is full", "too large", "too large for the server", "closed".
  std::function<void(std::string_view reason, std::size_t count)> on_drop;
  // The server refused some for what is in them; they are not sent again. `answer` is its JSON:
  // {"errors":[{"index":…}]}.
  std::function<void(std::string_view answer, const std::vector<std::string>& batch)> on_reject;
  std::function<void(std::string_view reason)> on_error;  // for the log

  Transport transport;  // by default libcurl
};

struct Stats {
  std::uint64_t sent = 0;        // stored, each once
  std::uint64_t duplicates = 0;  // of those: that the server had already
  std::uint64_t rejected = 0, dropped = 0, retries = 0;
  std::size_t waiting = 0, waiting_bytes = 0;
  std::string last_error;
};

namespace detail {

inline std::string new_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    char part[9];
    std::snprintf(part, sizeof part, "%08x", static_cast<unsigned>(random()));
    id += part;
  }
  return id;
}

inline std::string url_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      char hex[4];
      std::snprintf(hex, sizeof hex, "%%%02X", byte);
      out += hex;
    }
  }
  return out;
}

// The whole number of a field of the server's answer, which has no white space; -1 where there is
// none.
inline std::int64_t number_in(std::string_view json, std::string_view field) {
  const std::string name = "\"" + std::string(field) + "\":";
  const std::size_t at = json.find(name);
  if (at == std::string_view::npos) return -1;
  std::size_t i = at + name.size();
  if (i >= json.size() || json[i] < '0' || json[i] > '9') return -1;
  std::int64_t number = 0;
  for (; i < json.size() && json[i] >= '0' && json[i] <= '9'; ++i)
    number = number * 10 + (json[i] - '0');
  return number;
}

// Whether the text ends as JSON of an object does: half an answer does not.
inline bool is_whole(std::string_view json) {
  const std::size_t last = json.find_last_not_of(" \t\r\n");
  return last != std::string_view::npos && json[last] == '}' && json.front() == '{';
}

#ifndef GAMEFLOW_CLIENT_NO_CURL
class CurlTransport {
 public:
  explicit CurlTransport(std::string ca_file) : ca_file_(std::move(ca_file)) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (ready == CURLE_OK) curl_ = std::shared_ptr<CURL>(curl_easy_init(), curl_easy_cleanup);
    if (curl_ == nullptr) throw std::runtime_error("libcurl cannot be initialised");
  }

  Response operator()(const Request& request) {
    CURL* const curl = curl_.get();
    Response response;
    curl_easy_reset(curl);
    curl_slist* headers = nullptr;
    for (const std::string& header : request.headers)
      headers = curl_slist_append(headers, header.c_str());
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response.body);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, request.cancelled);
    if (!ca_file_.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
    const CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
      response.error = curl_easy_strerror(code);
      return response;
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    response.status = static_cast<int>(status);
    curl_off_t retry_after = 0;
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
      response.retry_after_seconds = static_cast<long>(retry_after);
    return response;
  }

 private:
  static std::size_t write(const char* data, std::size_t size, std::size_t count, void* body) {
    constexpr std::size_t kAnswerBytesMax = 1U << 20;
    auto& text = *static_cast<std::string*>(body);
    if (text.size() + size * count > kAnswerBytesMax) return 0;
    text.append(data, size * count);
    return size * count;
  }
  static int progress(void* cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return cancelled != nullptr && static_cast<const std::atomic<bool>*>(cancelled)->load() ? 1 : 0;
  }

  std::string ca_file_;
  std::shared_ptr<CURL> curl_;
};
#endif

}  // namespace detail

class Client {
 public:
  explicit Client(Options options) : options_(std::move(options)), producer_(new_producer()) {
#ifndef GAMEFLOW_CLIENT_NO_CURL
    if (!options_.transport) options_.transport = detail::CurlTransport(options_.ca_file);
#endif
    if (!options_.transport)
      throw std::invalid_argument("gameflow_client: Options::transport is not set");
    batch_events_max_ = std::max<std::size_t>(1, options_.batch_events);
    load();
    worker_ = std::thread([this] { run(); });
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    close(Milliseconds(0));
  }

  // Queues an event, which is one JSON object. False where it is not taken: too large, or the
  // client is closed.
  bool send(std::string_view event) {
    std::string text(event);
    // In JSON only white space can be a line end, and lines are what is sent.
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    if (options_.topic.empty()) add_id(text);
    std::unique_lock<std::mutex> lock(mutex_);
    const char* const refused = closed_                              ? "closed"
                                : text.size() > options_.event_bytes ? "too large"
                                                                     : nullptr;
    if (refused != nullptr) {
      drop(lock, refused, 1);
      return false;
    }
    if (queue_.empty()) oldest_ = Clock::now();
    queue_bytes_ += text.size();
    queue_.push_back(std::move(text));
    if (is_saved_) unsaved_since_ = Clock::now();
    is_saved_ = false;
    const std::size_t dropped = make_room();
    changed_.notify_all();
    if (dropped > 0) drop(lock, "queue is full", dropped);
    return true;
  }

  // Sends what is waiting now. True once all of it is stored; false after `timeout`, it goes on.
  bool flush(Milliseconds timeout) {
    std::unique_lock<std::mutex> lock(mutex_);
    ++flushing_;
    changed_.notify_all();
    const bool done =
        changed_.wait_for(lock, timeout, [this] { return queue_.empty() || closed_; });
    --flushing_;
    return done && queue_.empty();
  }

  // Sends what is waiting, for at most `timeout`, and stops. How many events are left, in the
  // store.
  std::size_t close(Milliseconds timeout) {
    flush(timeout);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
      cancelled_ = true;
      changed_.notify_all();
    }
    const std::lock_guard<std::mutex> closing(closing_);
    if (worker_.joinable()) worker_.join();
    const std::lock_guard<std::mutex> lock(mutex_);
    return queue_.size();
  }

  Stats stats() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    Stats stats = stats_;
    stats.waiting = queue_.size();
    stats.waiting_bytes = queue_bytes_;
    return stats;
  }

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;
  static constexpr Milliseconds kSaveDelay{200};  // that a new event may be in memory alone
  static constexpr std::string_view kFormat = "gameflow-client-1";

  std::string new_producer() const {
    return options_.name + "-" + detail::new_id();
  }

  // By which the server knows an event again even where it has forgotten the producer.
  static void add_id(std::string& event) {
    const std::size_t brace = event.find_first_not_of(" \t");
    if (brace == std::string::npos || event[brace] != '{' ||
        event.find("\"event_id\"") != std::string::npos)
      return;
    const std::size_t first = event.find_first_not_of(" \t", brace + 1);
    const bool is_empty = first != std::string::npos && event[first] == '}';
    event.insert(brace + 1, "\"event_id\":\"" + detail::new_id() + (is_empty ? "\"" : "\","));
  }

  // --- the queue and its file ------------------------------------------------------------------

  // The oldest go first, but not those that may be stored already: the numbers of others would be
  // wrong. How many went.
  std::size_t make_room() {
    std::size_t count = 0;
    while ((queue_.size() > options_.queue_events || queue_bytes_ > options_.queue_bytes) &&
           attempted_ < queue_.size()) {
      const auto at = queue_.begin() + static_cast<std::ptrdiff_t>(attempted_);
      queue_bytes_ -= at->size();
      queue_.erase(at);
      if (left_ > attempted_) pass_left(1);
      ++count;
    }
    return count;
  }

  void drop(Lock& lock, std::string_view reason, std::size_t count) {
    stats_.dropped += count;
    if (!options_.on_drop) return;
    lock.unlock();
    options_.on_drop(reason, count);
    lock.lock();
  }

  void fail(Lock& lock, std::string reason) {
    stats_.last_error = reason;
    if (!options_.on_error) return;
    lock.unlock();
    options_.on_error(reason);
    lock.lock();
  }

  // What an earlier process left goes first, with its numbers. What comes behind gets new ones: if
  // the file is older than that process was, as it may be after a power failure, its next numbers
  // are taken.
  void load() {
    if (options_.store_file.empty()) return;
    std::ifstream file(options_.store_file, std::ios::binary);
    if (!file) return;
    std::string format, producer;
    std::uint64_t base = 0, attempted = 0, left = 0;
    std::string line;
    std::getline(file, line);
    std::istringstream header(line);
    if (!(header >> format >> producer >> base >> attempted >> left) || format != kFormat) {
      stats_.last_error =
          "the store " + options_.store_file + " is of another version, and is not used";
      if (options_.on_error) options_.on_error(stats_.last_error);
      return;
    }
    while (std::getline(file, line)) {
      queue_bytes_ += line.size();
      queue_.push_back(std::move(line));
    }
    if (queue_.empty()) return;
    producer_ = std::move(producer);
    base_ = base;
    left_ = left > 0 ? std::min<std::size_t>(left, queue_.size()) : queue_.size();
    attempted_ = std::min<std::size_t>(attempted, left_);
    oldest_ = Clock::now() - options_.flush_interval;
    const std::size_t dropped = make_room();
    stats_.dropped += dropped;
    if (dropped > 0 && options_.on_drop) options_.on_drop("queue is full", dropped);
  }

  // To a new file that takes the old one's place: there is always a whole one.
  void save(Lock& lock) {
    is_saved_ = true;
    if (options_.store_file.empty()) return;
    std::string text;
    if (!queue_.empty()) {
      text.reserve(queue_bytes_ + queue_.size() + 200);
      text.append(kFormat).append(" ").append(producer_);
      for (const std::uint64_t number :
           {base_, static_cast<std::uint64_t>(attempted_), static_cast<std::uint64_t>(left_)})
        text.append(" ").append(std::to_string(number));
      text += '\n';
      for (const std::string& event : queue_) text.append(event).append("\n");
    }
    lock.unlock();
    std::error_code error;
    if (text.empty()) {
      std::filesystem::remove(options_.store_file, error);
    } else {
      const std::string fresh = options_.store_file + ".new";
      std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
      file << text;
      file.close();
      if (!file) error = std::make_error_code(std::errc::io_error);
      if (!error) std::filesystem::rename(fresh, options_.store_file, error);
    }
    lock.lock();
    if (error)
      fail(lock, "the store " + options_.store_file +
                     " cannot be written, events are in memory only: " + error.message());
  }

  // --- sending ---------------------------------------------------------------------------------

  void run() {
    Lock lock(mutex_);
    while (!closed_) {
      const Clock::time_point now = Clock::now();
      const bool is_due = !queue_.empty() &&
                          (queue_.size() >= batch_events_max_ || flushing_ > 0 || failures_ > 0 ||
                           left_ > 0 || now >= oldest_ + options_.flush_interval);
      if (is_due && now >= not_before_) {
        send_batch(lock);
        changed_.notify_all();
        continue;
      }
      Clock::time_point until = now + std::chrono::hours(1);
      if (is_due)
        until = not_before_;
      else if (!queue_.empty())
        until = oldest_ + options_.flush_interval;
      if (!is_saved_) until = std::min(until, unsaved_since_ + kSaveDelay);
      changed_.wait_until(lock, until);
      if (!is_saved_ && Clock::now() >= unsaved_since_ + kSaveDelay) save(lock);
    }
    save(lock);
  }

  std::size_t batch_size() const {
    const std::size_t end = std::min(batch_events_max_, left_ > 0 ? left_ : queue_.size());
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < end; ++count) {
      bytes += queue_[count].size() + 1;
      if (bytes > options_.batch_bytes && count > 0) break;
    }
    return count;
  }

  std::string target() const {
    std::string url = options_.url;
    while (!url.empty() && url.back() == '/') url.pop_back();
    const std::string numbers =
        "producer=" + detail::url_encode(producer_) + "&sequence=" + std::to_string(base_);
    if (!options_.topic.empty()) {
      url += "/topics/" + detail::url_encode(options_.topic) + "/records?" + numbers;
      return options_.key_field.empty()
                 ? url
                 : url + "&key-field=" + detail::url_encode(options_.key_field);
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return url + "/events?" + numbers +
           "&sent_at=" + std::to_string(std::chrono::duration_cast<Milliseconds>(now).count());
  }

  void send_batch(Lock& lock) {
    const std::size_t count = batch_size();
    if (count > attempted_) {
      // Before it is sent, so that nobody gives these numbers to other events.
      attempted_ = count;
      save(lock);
    }
    Request request{target(), "", options_.headers, options_.timeout, &cancelled_};
    request.headers.emplace_back("Content-Type: application/x-ndjson");
    if (!options_.token.empty())
      request.headers.push_back("Authorization: Bearer " + options_.token);
    for (std::size_t i = 0; i < count; ++i) request.body.append(queue_[i]).append("\n");
    lock.unlock();
    Response response;
    try {
      response = options_.transport(request);
    } catch (const std::exception& error) {
      response.error = error.what();
    }
    lock.lock();
    if (response.status == 0) return retry(lock, "no answer: " + response.error, 0);
    const std::int64_t accepted = detail::number_in(response.body, "accepted");
    if ((response.status == 200 || response.status == 400) && accepted >= 0 &&
        detail::is_whole(response.body))
      return settle(lock, count, accepted, response.body);
    const std::string said = std::to_string(response.status) + ": " + response.body.substr(0, 500);
    if (response.status == 409 && response.body.find("\"sequence_gap\"") != std::string::npos) {
      // The server has forgotten this producer, after a week or with its data.
      renumber();
      return retry(lock, said, 0);
    }
    if (response.status == 413) return make_smaller(lock, count, said);
    retry(lock, said, response.retry_after_seconds);
  }

  void settle(Lock& lock, std::size_t count, std::int64_t accepted, const std::string& answer) {
    std::vector<std::string> batch;
    for (std::size_t i = 0; i < count; ++i) {
      queue_bytes_ -= queue_.front().size();
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    base_ += count;
    attempted_ -= count;
    pass_left(count);
    failures_ = 0;
    not_before_ = {};
    oldest_ = Clock::now();
    const auto number = [&](std::string_view field) {
      return static_cast<std::uint64_t>(
          std::max<std::int64_t>(0, detail::number_in(answer, field)));
    };
    stats_.sent += static_cast<std::uint64_t>(accepted) + number("duplicates");
    stats_.duplicates += number("duplicates");
    stats_.rejected += number("rejected");
    save(lock);
    if (number("rejected") == 0 || !options_.on_reject) return;
    lock.unlock();
    options_.on_reject(answer, batch);
    lock.lock();
  }

  // What passes, or what somebody mends: the same again, later. Nothing is thrown away.
  void retry(Lock& lock, std::string reason, long after_seconds) {
    if (closed_) return;
    const double doubled = static_cast<double>(options_.retry_min.count()) *
                           static_cast<double>(1U << std::min(failures_, 16U));
    const double pause = std::min(doubled, static_cast<double>(options_.retry_max.count()));
    const double part = std::uniform_real_distribution<>(0.5, 1)(random_);
    const Milliseconds wait(static_cast<std::int64_t>(pause * part));
    not_before_ =
        Clock::now() +
        std::max<Milliseconds>(wait, std::chrono::seconds(std::clamp(after_seconds, 0L, 3600L)));
    ++failures_;
    ++stats_.retries;
    fail(lock, std::move(reason));
  }

  // Refused as a whole, so that nothing of it was stored.
  void make_smaller(Lock& lock, std::size_t count, const std::string& reason) {
    batch_events_max_ = std::max<std::size_t>(1, count / 2);
    if (count == 1) {
      queue_bytes_ -= queue_.front().size();
      queue_.pop_front();
      --attempted_;
      pass_left(1);
      drop(lock, "too large for the server", 1);
    }
    save(lock);
    fail(lock, reason);
  }

  void pass_left(std::size_t count) {
    if (left_ == 0) return;
    left_ -= count;
    if (left_ == 0) renumber();
  }

  void renumber() {
    producer_ = new_producer();
    base_ = 0;
    attempted_ = 0;
    left_ = 0;
  }

  Options options_;
  mutable std::mutex mutex_;         // guards all that follows, never held during I/O
  std::condition_variable changed_;  // something to send, to save, or to wait for no longer
  std::string producer_;
  std::uint64_t base_ = 0;  // the number of the first event of the queue
  std::size_t attempted_ =
      0;  // so many at its front have been sent at least once: they keep their numbers
  std::size_t left_ =
      0;  // so many at its front are what an earlier process left, with its producer id and numbers
  std::deque<std::string> queue_;
  std::size_t queue_bytes_ = 0, batch_events_max_ = 1;
  Clock::time_point oldest_{}, not_before_{}, unsaved_since_{};
  unsigned failures_ = 0;
  int flushing_ = 0;
  bool is_saved_ = true, closed_ = false;
  Stats stats_;
  std::mt19937_64 random_{std::random_device{}()};  // of the thread
  std::atomic<bool> cancelled_{false};
  std::mutex closing_;  // held while close() waits for the thread
  std::thread worker_;
};

}  // namespace gameflow_client
