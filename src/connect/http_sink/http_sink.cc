// A request has records of one partition, and a name: `TOPIC/PARTITION/FIRST-LAST`, or just the
// offset of a single one. It is cut where offsets are multiples of `batch-records`, so that what is
// sent again tends to be cut as before.
#include "connect/http_sink/http_sink.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/url_encode.h"
#include "client/http_client.h"
#include "client/http_stream.h"
#include "connect/support/json_value.h"
#include "connect/support/record_json.h"
#include "connect/support/slice.h"

namespace gameflow::connect {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kStopPatience = 2s;
// The same request is sent so many times before the runner starts over.
constexpr int kAttempts = 3;
constexpr std::size_t kAnswerShown = 200, kAnswerMax = 64 << 10;
constexpr std::string_view kNamePlace = "{batch}";

constexpr std::string_view kMethods[] = {"POST", "PUT"};
constexpr std::string_view kBodies[] = {"ndjson", "array", "each"};

constexpr Setting kSettings[] = {
    {.key = "endpoint",
     .is_required = true,
     .doc = "the URL, `http://` or `https://`. `{batch}` in it stands for the name of the request",
     .example = "https://hooks.example.com/alerts"},
    {.key = "method",
     .kind = SettingKind::kWord,
     .fallback = "POST",
     .doc = "of the request",
     .words = kMethods},
    {.key = "body",
     .kind = SettingKind::kWord,
     .fallback = "ndjson",
     .doc = "what a request has: lines, an `array` of JSON, or with `each` a single record",
     .words = kBodies},
    {.key = "output",
     .kind = SettingKind::kWord,
     .fallback = "value",
     .doc = "what is sent of each: its `value`, or a `record` with topic, partition, offset, "
            "timestamp_ms, key and value",
     .words = kRecordOutputs},
    {.key = "headers",
     .kind = SettingKind::kTexts,
     .doc = "of the request, `Name: value` each",
     .example = "[\"Authorization: Bearer ${{ secrets.TOKEN }}\"]"},
    {.key = "user-agent", .doc = "by default gameflow's own"},
    {.key = "idempotency-header",
     .fallback = "Idempotency-Key",
     .doc =
         "the header with the name of the request, by which a server knows one that comes again"},
    {.key = "batch-records",
     .kind = SettingKind::kNumber,
     .fallback = "1000",
     .doc = "at most so many records in a request",
     .min = 1,
     .max = 100'000},
    {.key = "timeout",
     .kind = SettingKind::kDuration,
     .fallback = "30s",
     .doc = "for a whole answer",
     .min = 100,
     .max = 600'000},
    {.key = "ca-file", .doc = "certificates that are trusted (PEM), instead of the system's"},
    {.key = "allow-private-addresses",
     .kind = SettingKind::kBool,
     .fallback = "false",
     .doc = "addresses of this machine and of private networks are connected to: by default nobody "
            "who can write a URL gets at what is behind the firewall"},
};

struct Answer {
  int status = 0;
  std::string text;  // its beginning
  milliseconds retry_after{};
};

class HttpSink final : public Sink {
 public:
  HttpSink(const Settings& settings, Host& host);

  std::optional<Positions> open() override { return std::nullopt; }
  std::vector<Refused> write(std::span<const Delivery> records) override;
  void commit(const Positions&) override {}  // an answer has confirmed all of it

 private:
  using Indices = std::span<const std::size_t>;
  std::vector<std::size_t> checked(std::span<const Delivery> records,
                                   std::vector<Refused>& refused) const;
  std::size_t request_end(std::span<const Delivery> records, Indices indices) const;
  void deliver(std::span<const Delivery> records, Indices indices, std::vector<Refused>& refused);
  std::string body_of(std::span<const Delivery> records, Indices indices) const;
  Answer send(const std::string& name, const std::string& body);
  Answer request(const std::string& name, const std::string& body);
  void pause(milliseconds time) const;

  Host& host_;
  client::StreamRequest template_;
  const client::HttpConnections connections_;
  std::string idempotency_header_, body_;
  bool as_record_;
  std::uint64_t batch_records_;
};

HttpSink::HttpSink(const Settings& settings, Host& host)
    : host_(host),
      template_{.url = settings.text("endpoint"),
                .method = settings.text("method"),
                .headers = settings.texts("headers"),
                .user_agent = settings.has("user-agent") ? settings.text("user-agent")
                                                         : "gameflow/" GAMEFLOW_VERSION,
                .ca_file = settings.text("ca-file"),
                .allows_private_addresses = settings.flag("allow-private-addresses"),
                .total_timeout = settings.duration("timeout")},
      idempotency_header_(settings.text("idempotency-header")),
      body_(settings.text("body")),
      as_record_(settings.text("output") == "record"),
      batch_records_(static_cast<std::uint64_t>(settings.number("batch-records"))) {
  if (!template_.url.starts_with("http://") && !template_.url.starts_with("https://"))
    throw std::runtime_error("endpoint: write http://… or https://…");
  for (const std::string& header : template_.headers) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos || colon == 0 ||
        header.find_first_of("\r\n") != std::string::npos)
      throw std::runtime_error("headers: write each as 'Name: value'");
  }
  template_.headers.push_back(body_ == "ndjson" ? "Content-Type: application/x-ndjson"
                                                : "Content-Type: application/json");
}

// Those that are JSON, as a body has to be.
std::vector<std::size_t> HttpSink::checked(std::span<const Delivery> records,
                                           std::vector<Refused>& refused) const {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (JsonValue::parse(records[i].value)) {
      indices.push_back(i);
    } else {
      refused.push_back({i, "its value is no JSON"});
    }
  }
  return indices;
}

// How many of `indices` go into the next request.
std::size_t HttpSink::request_end(std::span<const Delivery> records, Indices indices) const {
  if (body_ == "each") return 1;
  const Delivery& first = records[indices[0]];
  std::size_t end = 1;
  for (; end < indices.size(); ++end) {
    const Delivery& record = records[indices[end]];
    if (record.topic != first.topic || record.partition != first.partition ||
        record.offset / batch_records_ != first.offset / batch_records_)
      break;
  }
  return end;
}

std::vector<Refused> HttpSink::write(std::span<const Delivery> records) {
  std::vector<Refused> refused;
  const std::vector<std::size_t> indices = checked(records, refused);
  for (Indices rest = indices; !rest.empty();) {
    const std::size_t end = request_end(records, rest);
    deliver(records, rest.first(end), refused);
    rest = rest.subspan(end);
  }
  return refused;
}

// A request that is refused goes again in halves, until the record is found that is the reason.
void HttpSink::deliver(std::span<const Delivery> records, Indices indices,
                       std::vector<Refused>& refused) {
  const Delivery &first = records[indices.front()], &last = records[indices.back()];
  std::string name = fmt::format("{}/{}/{}", first.topic, first.partition, first.offset);
  if (body_ != "each") name += fmt::format("-{}", last.offset);
  const Answer answer = send(name, body_of(records, indices));
  if (answer.status < 300) return;
  if (indices.size() > 1) {
    const std::size_t half = indices.size() / 2;
    deliver(records, indices.first(half), refused);
    deliver(records, indices.subspan(half), refused);
    return;
  }
  refused.push_back(
      {indices[0], fmt::format("{} answers {}{}{}", client::shown_url(template_.url), answer.status,
                               answer.text.empty() ? "" : ": ", answer.text)});
}

std::string HttpSink::body_of(std::span<const Delivery> records, Indices indices) const {
  std::string body = body_ == "array" ? "[" : "";
  for (const std::size_t index : indices) {
    if (body_ == "array" && body.size() > 1) body += ',';
    append_record(body, records[index], records[index].value, as_record_);
    if (body_ == "ndjson") body += '\n';
  }
  if (body_ == "array") body += ']';
  return body;
}

void HttpSink::pause(milliseconds time) const {
  const auto end = steady_clock::now() + time;
  while (steady_clock::now() < end && !host_.is_stopping())
    std::this_thread::sleep_for(std::min<milliseconds>(kSlice, time));
}

// An answer of 2xx, or a 4xx that is the fault of what was sent.
Answer HttpSink::send(const std::string& name, const std::string& body) {
  const std::string shown = client::shown_url(template_.url);
  std::string problem;
  milliseconds wait = 100ms;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) pause(wait = std::min<milliseconds>(4 * wait, 2s));
    try {
      Answer answer = request(name, body);
      const int status = answer.status;
      if (status >= 200 && status < 300) return answer;
      const std::string message = fmt::format("{} answers {}: {}", shown, status, answer.text);
      if (status >= 300 && status < 400)
        throw std::runtime_error(
            fmt::format("endpoint: {} redirects ({}): write where it leads to", shown, status));
      for (const int mine : {401, 403, 404, 405, 407, 410, 501})
        if (status == mine) throw std::runtime_error(message);
      const bool passes = status >= 500 || status == 408 || status == 425 || status == 429;
      if (!passes) return answer;
      problem = message;
      // Longer pauses are for the runner.
      if (answer.retry_after > 0ms) throw Retry(problem, answer.retry_after);
    } catch (const Retry& retry) {
      if (retry.wait > 0ms || host_.is_stopping()) throw;
      problem = retry.what();
    }
  }
  throw Retry(problem);
}

Answer HttpSink::request(const std::string& name, const std::string& body) {
  client::StreamRequest request = template_;
  request.body = body;
  if (!idempotency_header_.empty()) request.headers.push_back(idempotency_header_ + ": " + name);
  for (std::size_t at = request.url.find(kNamePlace); at != std::string::npos;
       at = request.url.find(kNamePlace))
    request.url.replace(at, kNamePlace.size(), url_encode(name));
  client::HttpStream stream(std::move(request), connections_);
  Answer answer;
  std::size_t size = 0;
  auto stop_by = steady_clock::now() + kStopPatience;
  while (true) {
    std::string part;
    const auto next = stream.read(part, kSlice, 4'096);
    size += part.size();
    answer.text.append(part, 0, kAnswerShown - std::min(kAnswerShown, answer.text.size()));
    if (next == client::HttpStream::Next::kFailed) {
      const client::HttpFailure& failure = stream.failure();
      if (failure.is_final) throw std::runtime_error(failure.message);
      throw Retry(failure.message);
    }
    // What an answer says at length nobody reads.
    if (next != client::HttpStream::Next::kMore || (size > kAnswerMax && stream.status() != 0))
      break;
    // Else nobody knows whether it was taken, and it would be sent again.
    if (!host_.is_stopping()) stop_by = steady_clock::now() + kStopPatience;
    if (steady_clock::now() > stop_by) throw Retry("stopped while an answer was waited for");
  }
  answer.status = stream.status();
  answer.retry_after = stream.retry_after();
  if (answer.status == 0) throw Retry("the connection ended without an answer");
  join_lines(answer.text);
  return answer;
}

}  // namespace

constinit const Kind kHttpSink{
    .type = "http-sink",
    .section = "http",
    .doc = "records as requests to a web server: a webhook, ClickHouse, an API of one's own",
    .settings = kSettings,
    .make_sink = [](const Settings& settings, Host& host) -> std::unique_ptr<Sink> {
      return std::make_unique<HttpSink>(settings, host);
    }};

}  // namespace gameflow::connect
