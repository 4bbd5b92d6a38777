#include "client/http_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>

#include "client/json_text.h"

namespace gameflow::client {
namespace {

constexpr long kConnectTimeoutMs = 5'000;
// A produce waits for an fsync and a query up to its own limit; more means that the server hangs.
constexpr long kRequestTimeoutMs = 60'000;
constexpr std::chrono::seconds kAfterStop{2};
constexpr long kUploadBufferBytes = 1L << 20;

void initialise_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::size_t append_body(char* data, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

// When a stop is noticed, the request gets a little more time: its answer may be on its way.
struct Patience {
  std::stop_token stop;
  std::optional<std::chrono::steady_clock::time_point> stopped_at;

  bool is_at_end() {
    if (!stop.stop_requested()) return false;
    const auto now = std::chrono::steady_clock::now();
    if (!stopped_at) stopped_at = now;
    return now - *stopped_at >= kAfterStop;
  }
};

bool is_on_this_machine(std::string_view url) {
  std::string_view host = url.substr(std::min(url.find("://") + 3, url.size()));
  host = host.substr(0, host.find('/'));
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.");
}

// libcurl asks now and then, at least once a second.
int is_over(void* patience, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Patience*>(patience)->is_at_end() ? 1 : 0;
}

}  // namespace

struct HttpClient::Impl {
  struct CloseHandle {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  std::string server, ca_file, token;
  bool checks_certificate = true;
  std::unique_ptr<CURL, CloseHandle> handle;
  std::array<char, CURL_ERROR_SIZE> message{};
  Patience patience;

  void prepare(std::string_view method, const std::string& url, std::string_view body,
               std::string& reply_body) {
    CURL* curl = handle.get();
    curl_easy_reset(curl);  // keeps the connection
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    // No proxy reaches this machine, whatever http_proxy says.
    if (is_on_this_machine(server)) curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (!ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file.c_str());
    if (!checks_certificate) {
      curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!token.empty()) {
      curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
      curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token.c_str());
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, kRequestTimeoutMs);
    if (patience.stop.stop_possible()) {
      curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
      curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_over);
      curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &patience);
    }
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message.data());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "gameflow/" GAMEFLOW_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply_body);
    if (method == "POST" || method == "PUT") {
      curl_easy_setopt(curl, CURLOPT_POST, 1L);
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    }
    if (method != "GET" && method != "POST")
      curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, std::string(method).c_str());
  }

  Error error_of(CURLcode code) const {
    const std::string_view detail = message[0] != '\0' ? message.data() : curl_easy_strerror(code);
    if (code == CURLE_SSL_CACERT_BADFILE) {
      return {ErrorCode::kInvalidArgument,
              fmt::format("{} holds no certificates in PEM: {}", ca_file, detail)};
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
      return {ErrorCode::kInvalidArgument,
              fmt::format("the certificate of {} cannot be trusted: {}. If it was signed by an "
                          "authority of your own, name that with --ca-file",
                          server, detail)};
    }
    return {ErrorCode::kUnavailable,
            fmt::format("no answer from {}: {}{}", server, detail,
                        code == CURLE_COULDNT_CONNECT ? " (does gameflow run there?)" : "")};
  }
};

Result<std::unique_ptr<HttpClient>> HttpClient::open(const ServerAddress& address,
                                                     std::stop_token stop) {
  std::string_view server = address.url;
  if (!server.starts_with("http://") && !server.starts_with("https://")) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not the URL of a server: write http://ADDRESS:PORT", server));
  }
  while (server.ends_with('/')) server.remove_suffix(1);
  if (!address.ca_file.empty() && !std::ifstream(address.ca_file)) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("the file of certificates, {}, cannot be read: {}", address.ca_file,
                            std::strerror(errno)));
  }
  initialise_curl();
  auto impl = std::make_unique<Impl>();
  impl->server = server;
  impl->ca_file = address.ca_file;
  impl->token = address.token;
  impl->checks_certificate = address.checks_certificate;
  impl->patience.stop = std::move(stop);
  impl->handle.reset(curl_easy_init());
  if (!impl->handle) return fail(ErrorCode::kInternal, "libcurl does not start");
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(impl)));
}

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;

Result<HttpReply> HttpClient::request(std::string_view method, const std::string& target,
                                      std::string_view content_type, std::string_view body) {
  HttpReply reply;
  impl_->prepare(method, impl_->server + target, body, reply.body);
  std::unique_ptr<curl_slist, Impl::FreeList> headers;
  if (!content_type.empty()) {
    headers.reset(
        curl_slist_append(nullptr, fmt::format("Content-Type: {}", content_type).c_str()));
    // Without this, libcurl asks first and waits for "100 Continue" before large bodies.
    curl_slist_append(headers.get(), "Expect:");
    curl_easy_setopt(impl_->handle.get(), CURLOPT_HTTPHEADER, headers.get());
  }
  const CURLcode code = curl_easy_perform(impl_->handle.get());
  if (code != CURLE_OK) return fail(impl_->error_of(code));
  long status = 0;
  curl_easy_getinfo(impl_->handle.get(), CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  curl_off_t retry_after = 0;
  curl_easy_getinfo(impl_->handle.get(), CURLINFO_RETRY_AFTER, &retry_after);
  reply.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(retry_after, 0, 86'400));
  return reply;
}

namespace {

// The code behind its name in an answer. The catalogue is sparse and this is rare: try them all.
ErrorCode code_of(std::string_view name, ErrorCode otherwise) {
  if (name == to_string(ErrorCode::kInternal)) return ErrorCode::kInternal;
  for (std::uint16_t number = 1'000; number < 10'000; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    if (to_string(code) == name) return code;
  }
  return otherwise;
}

}  // namespace

Error error_of(const HttpReply& reply) {
  Error error{reply.status < 500 ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable, {}};
  boost::system::error_code ignored;
  const boost::json::value value = boost::json::parse(reply.body, ignored);
  if (const auto* object = value.if_object(); object && object->contains("error")) {
    if (const auto* inner = object->at("error").if_object()) {
      error.code = code_of(text_at(*inner, "code"), error.code);
      error.message = text_at(*inner, "message");
    }
  }
  if (error.message.empty()) {
    error.message =
        fmt::format("the answer, with status {}, is not that of a gameflow server", reply.status);
  }
  return error;
}

Result<HttpReply> request_once(const ServerAddress& server, std::string_view method,
                               const std::string& target, std::string_view body) {
  GF_ASSIGN(const auto http, HttpClient::open(server));
  return http->request(method, target, body.empty() ? "" : "application/json", body);
}

Result<HttpReply> expect_success(Result<HttpReply> reply) {
  if (reply && (reply->status < 200 || reply->status > 299)) return fail(error_of(*reply));
  return reply;
}

}  // namespace gameflow::client
