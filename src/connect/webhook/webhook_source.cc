// A request is answered once its records are durable, so that a sender who has its 200 need not
// send again. There is no position: what is not answered is the sender's to send again.
//
// Threads  the server's put deliveries into a queue; the runner's takes them, and answers.
#include "connect/webhook/webhook_source.h"

#include <condition_variable>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/mutex.h"
#include "base/time.h"
#include "connect/support/json_value.h"
#include "connect/webhook/signature.h"
#include "record/json_split.h"
#include "serve/server.h"

namespace gameflow::connect {
namespace {

using serve::Reply;

constexpr std::string_view kForms[] = {"timestamped", "prefixed", "hex", "base64", "none"};

constexpr Setting kSettings[] = {
    {.key = "listen",
     .is_required = true,
     .doc = "address and port to listen on",
     .example = "127.0.0.1:9000"},
    {.key = "path",
     .fallback = "/",
     .doc = "where requests are posted to; no other path is answered, but for `/healthz`"},
    {.key = "signature",
     .kind = SettingKind::kWord,
     .fallback = "timestamped",
     .doc = "what the header holds, of an HMAC-SHA256: `timestamped` is `t=SECONDS,v1=HEX` over "
            "`SECONDS.BODY` (Stripe), `prefixed` is `sha256=HEX` over the body (GitHub), `hex` and "
            "`base64` (Shopify) have nothing else; `none` takes everything from everybody, on a "
            "loopback address only",
     .words = kForms},
    {.key = "header",
     .fallback = "X-Signature",
     .doc = "the header of the signature: `X-Hub-Signature-256`, `Stripe-Signature`, …"},
    {.key = "secrets",
     .kind = SettingKind::kTexts,
     .doc = "what the sender signs with; several while one takes the place of another",
     .example = "[\"${env:WEBHOOK_SECRET}\"]"},
    {.key = "tolerance",
     .kind = SettingKind::kDuration,
     .fallback = "5m",
     .doc = "how far the time of a `timestamped` signature may be from the time here",
     .min = 1'000,
     .max = 86'400'000},
    {.key = "body-max",
     .kind = SettingKind::kBytes,
     .fallback = "1MiB",
     .doc = "what a request may have; a larger one is answered 413",
     .min = 1'024,
     .max = 4 << 20},
    {.key = "waiting-max",
     .kind = SettingKind::kBytes,
     .fallback = "16MiB",
     .doc = "what may wait for gameflow to store it; more is answered 503",
     .min = 4 << 20,
     .max = 1 << 30},
};

// A request that has passed all checks.
struct Delivery {
  std::vector<Record> records;
  std::size_t bytes = 0;
  serve::ReplyCallback answer;
};

Reply accepted_reply(std::size_t count) {
  Reply reply;
  reply.body = fmt::format("{{\"accepted\":{}}}\n", count);
  return reply;
}

Reply unavailable(std::string_view message) {
  return serve::error_reply(503, to_string(ErrorCode::kUnavailable), message);
}

// The records of a body: the elements of an array, the lines of NDJSON, or the one value.
Result<std::vector<Record>> records_of(std::string_view body) {
  std::vector<Record> records;
  const auto add = [&records](std::string_view text) {
    const bool is_json = JsonValue::parse(text).has_value();
    if (is_json) records.push_back({.value = std::string(text)});
    return is_json;
  };
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos)
    return fail(ErrorCode::kInvalidJson, "the body is empty; it should be JSON");
  if (body[begin] == '[') {
    GF_ASSIGN(const auto elements, record::split_json(body));
    for (std::size_t i = 0; i < elements.size(); ++i)
      if (!add(elements[i]))
        return fail(ErrorCode::kInvalidJson, fmt::format("element {} is no JSON", i));
    return records;
  }
  if (add(body.substr(begin))) return records;
  std::size_t number = 0;
  while (!body.empty()) {
    const std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), line.size() + 1));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (!add(line))
      return fail(
          ErrorCode::kInvalidJson,
          fmt::format("line {} is no JSON; a body is one value, an array of them, or one on "
                      "each line",
                      number));
  }
  return records;
}

class WebhookSource final : public Source {
 public:
  WebhookSource(const Settings& settings, Host& host);
  ~WebhookSource() override { close(); }

  void open(std::string_view position) override;
  Batch poll(std::chrono::milliseconds wait, std::size_t bytes_max) override;
  void committed(std::string_view position) override;
  std::optional<std::uint64_t> lag() const override;
  void close() noexcept override;

 private:
  std::optional<Reply> refuse(const serve::Request& request) const;
  void receive(const serve::Request& request, serve::ReplyCallback answer);

  Host& host_;
  SystemClock clock_;
  std::string path_, header_;
  bool is_signed_ = true;
  SignatureRules rules_;
  serve::ServerOptions options_;
  std::size_t waiting_bytes_max_;
  std::unique_ptr<serve::Server> server_;

  mutable Mutex mutex_;
  std::condition_variable came_;
  std::deque<Delivery> waiting_ GF_GUARDED_BY(mutex_);
  std::size_t waiting_bytes_ GF_GUARDED_BY(mutex_) = 0;  // and of those handed over
  bool is_closed_ GF_GUARDED_BY(mutex_) = false;
  std::deque<std::vector<Delivery>> handed_over_;  // by batch; without records
};

SignatureForm form_of(const std::string& word) {
  if (word == "prefixed") return SignatureForm::kPrefixed;
  if (word == "hex") return SignatureForm::kHex;
  if (word == "base64") return SignatureForm::kBase64;
  return SignatureForm::kTimestamped;
}

WebhookSource::WebhookSource(const Settings& settings, Host& host)
    : host_(host),
      path_(settings.text("path")),
      header_(settings.text("header")),
      is_signed_(settings.text("signature") != "none"),
      rules_{.form = form_of(settings.text("signature")),
             .secrets = settings.texts("secrets"),
             .tolerance = {settings.number("tolerance")}},
      waiting_bytes_max_(static_cast<std::size_t>(settings.number("waiting-max"))) {
  const std::string& listen = settings.text("listen");
  const std::size_t colon = listen.rfind(':');
  const auto port = serve::parse_number(
      colon == std::string::npos ? "" : std::string_view(listen).substr(colon + 1), "a port", 0,
      65535);
  if (!port) throw std::runtime_error("listen: write ADDRESS:PORT, such as 127.0.0.1:9000");
  std::string host_text = listen.substr(0, colon);
  if (host_text.starts_with('[') && host_text.ends_with(']'))
    host_text = host_text.substr(1, host_text.size() - 2);
  options_.address = host_text;
  options_.port = static_cast<std::uint16_t>(*port);
  options_.body_bytes_max = static_cast<std::size_t>(settings.number("body-max"));
  options_.checks_host = !is_signed_;  // a signature says more than a host name
  options_.setting = "listen:";
  options_.description = "requests are posted to the 'path' of the connector";
  if (!path_.starts_with('/') || path_.find('*') != std::string::npos)
    throw std::runtime_error("path: it begins with '/' and has no '*'");
  for (const std::string& secret : rules_.secrets)
    if (secret.empty()) throw std::runtime_error("secrets: one is empty");
  if (is_signed_ == rules_.secrets.empty())
    throw std::runtime_error(is_signed_ ? "secrets: name what the sender signs with, or say "
                                          "'signature: none'"
                                        : "secrets: there is nothing to check with 'signature: "
                                          "none'");
  if (!is_signed_ && !host_text.starts_with("127.") && host_text != "::1" &&
      host_text != "localhost")
    throw std::runtime_error(
        "signature: 'none' is for loopback addresses, because it takes everything from everybody");
}

void WebhookSource::open(std::string_view) {
  using enum serve::Method;
  const auto healthy = [](const serve::Call&) {
    Reply reply;
    reply.body = "{\"status\":\"ok\"}\n";
    return reply;
  };
  auto server = serve::Server::listen(
      options_, {{kGet, "/healthz", serve::Access::kOpen, "*", serve::Quick{healthy}},
                 {kPost, path_, serve::Access::kOpen, "*",
                  serve::Later{[this](const serve::Call& call, serve::ReplyCallback answer) {
                    receive(call.request, std::move(answer));
                  }},
                  serve::Body::kAny}});
  if (!server) throw std::runtime_error(server.error().message);
  server_ = std::move(*server);
  server_->start();
  host_.tell(
      fmt::format("listening on {}, port {}, path {}", options_.address, server_->port(), path_));
}

std::optional<Reply> WebhookSource::refuse(const serve::Request& request) const {
  if (!request.content_encoding.empty() && request.content_encoding != "identity")
    return serve::error_reply(415, "unsupported_media_type", "a body may not be compressed here");
  if (!is_signed_) return std::nullopt;
  const auto refused =
      refuse_signature(rules_, request.other_header(header_), request.body, clock_.now());
  if (!refused) return std::nullopt;
  return serve::error_reply(401, "unauthorized",
                            fmt::format("the signature in {} is refused: {}", header_, *refused));
}

void WebhookSource::receive(const serve::Request& request, serve::ReplyCallback answer) {
  if (auto refused = refuse(request)) return answer(std::move(*refused));
  auto records = records_of(request.body);
  if (!records) return answer(serve::error_reply(records.error()));
  if (records->empty()) return answer(accepted_reply(0));
  Delivery delivery{std::move(*records), request.body.size(), std::move(answer)};
  {
    const MutexLock lock(mutex_);
    if (!is_closed_ && waiting_bytes_ + delivery.bytes <= waiting_bytes_max_) {
      waiting_bytes_ += delivery.bytes;
      waiting_.push_back(std::move(delivery));
      came_.notify_one();
      return;
    }
  }
  delivery.answer(unavailable("too much waits to be stored; send it again"));
}

Batch WebhookSource::poll(std::chrono::milliseconds wait, std::size_t bytes_max) {
  Batch batch;
  std::vector<Delivery> taken;
  std::size_t bytes = 0;
  MutexLock lock(mutex_);
  came_.wait_for(lock.native(), wait, [this]() GF_REQUIRES(mutex_) { return !waiting_.empty(); });
  while (!waiting_.empty() && (bytes == 0 || bytes + waiting_.front().bytes <= bytes_max)) {
    taken.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    bytes += taken.back().bytes;
    for (Record& record : taken.back().records) batch.records.push_back(std::move(record));
  }
  if (!taken.empty()) handed_over_.push_back(std::move(taken));
  return batch;
}

void WebhookSource::committed(std::string_view) {
  const std::vector<Delivery> stored = std::move(handed_over_.front());
  handed_over_.pop_front();
  for (const Delivery& delivery : stored) {
    {
      const MutexLock lock(mutex_);
      waiting_bytes_ -= delivery.bytes;
    }
    delivery.answer(accepted_reply(delivery.records.size()));
  }
}

std::optional<std::uint64_t> WebhookSource::lag() const {
  const MutexLock lock(mutex_);
  std::uint64_t records = 0;
  for (const Delivery& delivery : waiting_) records += delivery.records.size();
  return records;
}

void WebhookSource::close() noexcept {
  if (!server_) return;
  std::deque<Delivery> unanswered;
  {
    const MutexLock lock(mutex_);
    is_closed_ = true;
    unanswered = std::exchange(waiting_, {});
  }
  for (auto& batch : std::exchange(handed_over_, {}))
    for (Delivery& delivery : batch) unanswered.push_back(std::move(delivery));
  for (const Delivery& delivery : unanswered)
    delivery.answer(unavailable("the connector stops; send it again"));
  server_->stop();
  server_.reset();
}

}  // namespace

constinit const Kind kWebhookSource{
    .type = "webhook-source",
    .section = "webhook",
    .doc = "takes what others POST, with a signature, and answers once it is stored",
    .settings = kSettings,
    .make_source = [](const Settings& settings, Host& host) -> std::unique_ptr<Source> {
      return std::make_unique<WebhookSource>(settings, host);
    }};

}  // namespace gameflow::connect
