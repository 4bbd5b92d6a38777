#include "client/http_stream.h"

#include <algorithm>
#include <array>
#include <mutex>

#include <curl/curl.h>
#include <fmt/format.h>
#include <netdb.h>

#include "base/ascii.h"
#include "client/private_address.h"

namespace gameflow::client {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// Events compress by 5 to 30. What grows by more than this, and is large, was made to.
constexpr std::uint64_t kRatioMax = 200;
constexpr std::uint64_t kRatioCountsFrom = 4U << 20;
constexpr std::size_t kHeaderBytesMax = 64U << 10;
constexpr long kRedirectsMax = 5;

void initialise_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// What no pause mends.
bool is_final(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_BAD_CONTENT_ENCODING:
      return true;
    default:
      return false;
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\n'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

struct HttpStream::Impl {
  struct CloseEasy {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  Impl(StreamRequest wanted, std::shared_ptr<CURLM> connections);
  ~Impl() { curl_multi_remove_handle(multi.get(), easy.get()); }

  void prepare();
  void prepare_method();
  Next finish(CURLcode code);
  Next fail(bool final, std::string message);
  Next wait(milliseconds time);

  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* address);

  const StreamRequest request;
  std::unique_ptr<curl_slist, FreeList> header_list;
  std::array<char, CURL_ERROR_SIZE> message{};
  std::unique_ptr<CURL, CloseEasy> easy;
  std::shared_ptr<CURLM> multi;
  std::string arrived;
  std::size_t arrived_max = 0;
  bool is_paused = false, is_over = false;
  std::uint64_t body_bytes = 0;
  bool is_bomb = false;
  std::string private_address;  // that it was to connect to
  std::size_t header_bytes = 0;
  std::string version;
  std::vector<std::pair<std::string, std::string>> headers;
  SteadyClock::duration idle{0};  // in which this waited and nothing came
  HttpFailure failure;
};

HttpStream::Impl::Impl(StreamRequest wanted, std::shared_ptr<CURLM> connections)
    : request(std::move(wanted)), multi(std::move(connections)) {
  easy.reset(curl_easy_init());
  prepare();
  curl_multi_add_handle(multi.get(), easy.get());
}

std::size_t HttpStream::Impl::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  Impl& impl = *static_cast<Impl*>(self);
  if (impl.arrived.size() >= impl.arrived_max) {
    impl.is_paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  impl.body_bytes += size * count;
  curl_off_t wire = 0;
  curl_easy_getinfo(impl.easy.get(), CURLINFO_SIZE_DOWNLOAD_T, &wire);
  // What curl counts may be what has been decompressed, where there was nothing to do.
  impl.is_bomb =
      impl.body_bytes > kRatioCountsFrom &&
      impl.body_bytes / kRatioMax > static_cast<std::uint64_t>(std::max<curl_off_t>(wire, 1));
  if (impl.is_bomb) return 0;
  impl.arrived.append(data, size * count);
  return size * count;
}

std::size_t HttpStream::Impl::on_header(char* data, std::size_t size, std::size_t count,
                                        void* self) {
  Impl& impl = *static_cast<Impl*>(self);
  const std::string_view line(data, size * count);
  impl.header_bytes += line.size();
  if (impl.header_bytes > kHeaderBytesMax) return 0;
  if (line.starts_with("HTTP/")) {  // of a redirect's answer, or the one that counts
    impl.version = line.substr(0, line.find(' '));
    impl.headers.clear();
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    impl.headers.emplace_back(lower_case(trim(line.substr(0, colon))),
                              trim(line.substr(colon + 1)));
  }
  return line.size();
}

curl_socket_t HttpStream::Impl::on_socket(void* self, curlsocktype, curl_sockaddr* address) {
  Impl& impl = *static_cast<Impl*>(self);
  if (!impl.request.allows_private_addresses && is_private_address(address->addr)) {
    char host[NI_MAXHOST] = "";
    ::getnameinfo(&address->addr, address->addrlen, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
    impl.private_address = host;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void HttpStream::Impl::prepare_method() {
  CURL* const curl = easy.get();
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  for (const std::string& header : request.headers)
    header_list.reset(curl_slist_append(header_list.release(), header.c_str()));
  header_list.reset(curl_slist_append(header_list.release(), "Expect:"));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, header_list.get());
}

void HttpStream::Impl::prepare() {
  CURL* const curl = easy.get();
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request.allows_redirects ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kRedirectsMax);
  // A proxy would connect for us, where nobody looks at the address.
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request.connect_timeout.count()));
  if (request.total_timeout) {
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout->count()));
  }
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message.data());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, request.user_agent.c_str());
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
  prepare_method();
}

HttpStream::Next HttpStream::Impl::fail(bool final, std::string why) {
  is_over = true;
  failure = {final, fmt::format("{}: {}", shown_url(request.url), why)};
  return Next::kFailed;
}

HttpStream::Next HttpStream::Impl::finish(CURLcode code) {
  is_over = true;
  if (code == CURLE_OK) {
    const auto has = [&](std::string_view name) {
      return std::ranges::any_of(headers, [&](const auto& header) { return header.first == name; });
    };
    const bool says_its_end = !version.starts_with("HTTP/1") || has("content-length") ||
                              has("transfer-encoding") || request.method == "HEAD";
    return says_its_end ? Next::kEnd : Next::kClosed;
  }
  if (!private_address.empty()) {
    return fail(true, fmt::format("{} is an address of this machine or of a private network: write "
                                  "'allow-private-addresses: true' if that is meant",
                                  private_address));
  }
  if (is_bomb) {
    return fail(true, fmt::format("the answer is compressed to less than a {}th: that is no data, "
                                  "and is not unpacked further",
                                  kRatioMax));
  }
  if (header_bytes > kHeaderBytesMax) return fail(true, "the answer's headers are over 64 KiB");
  if (code == CURLE_PARTIAL_FILE) return fail(false, "the answer broke off before its end");
  const std::string_view detail =
      message[0] != '\0' ? message.data() : std::string_view(curl_easy_strerror(code));
  return fail(is_final(code), std::string(detail));
}

HttpStream::Next HttpStream::Impl::wait(milliseconds time) {
  int running = 0;
  curl_multi_perform(multi.get(), &running);
  if (running > 0 && arrived.empty() && time.count() > 0) {
    const auto begin = SteadyClock::now();
    curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(time.count()), nullptr);
    curl_multi_perform(multi.get(), &running);
    idle += SteadyClock::now() - begin;
  }
  if (!arrived.empty()) idle = {};
  int left = 0;
  while (const CURLMsg* const told = curl_multi_info_read(multi.get(), &left)) {
    if (told->msg == CURLMSG_DONE) return finish(told->data.result);
  }
  if (idle >= request.idle_timeout) {
    return fail(false, fmt::format("nothing has come for {} s",
                                   static_cast<double>(request.idle_timeout.count()) / 1000));
  }
  return Next::kMore;
}

HttpConnections::HttpConnections() {
  initialise_curl();
  multi_.reset(curl_multi_init(), [](CURLM* multi) { curl_multi_cleanup(multi); });
}

HttpStream::HttpStream(StreamRequest request) : HttpStream(std::move(request), HttpConnections()) {}
HttpStream::HttpStream(StreamRequest request, const HttpConnections& connections)
    : impl_(std::make_unique<Impl>(std::move(request), connections.multi_)) {}
HttpStream::~HttpStream() = default;

HttpStream::Next HttpStream::read(std::string& body, milliseconds wait, std::size_t size_max) {
  Impl& impl = *impl_;
  if (impl.is_over) return impl.failure.message.empty() ? Next::kEnd : Next::kFailed;
  impl.arrived_max = size_max;
  if (std::exchange(impl.is_paused, false)) curl_easy_pause(impl.easy.get(), CURLPAUSE_CONT);
  const auto deadline = SteadyClock::now() + wait;
  Next next = Next::kMore;
  do {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now());
    next = impl.wait(std::max(left, milliseconds{0}));
  } while (next == Next::kMore && impl.arrived.empty() && SteadyClock::now() < deadline);
  if (body.empty()) {
    body.swap(impl.arrived);
  } else {
    body += impl.arrived;
  }
  impl.arrived.clear();
  return next;
}

const HttpFailure& HttpStream::failure() const {
  return impl_->failure;
}

int HttpStream::status() const {
  long status = 0;
  curl_easy_getinfo(impl_->easy.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

std::string HttpStream::version() const {
  return impl_->version;
}

const std::vector<std::pair<std::string, std::string>>& HttpStream::headers() const {
  return impl_->headers;
}

std::string_view HttpStream::header(std::string_view name) const {
  const auto found = std::ranges::find(impl_->headers, lower_case(name),
                                       &std::pair<std::string, std::string>::first);
  return found == impl_->headers.end() ? std::string_view() : std::string_view(found->second);
}

milliseconds HttpStream::retry_after() const {
  curl_off_t seconds = 0;
  curl_easy_getinfo(impl_->easy.get(), CURLINFO_RETRY_AFTER, &seconds);
  return std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, 86'400));
}

std::string shown_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t host = url.find("://");
  if (host == std::string_view::npos) return std::string(url);
  const std::size_t path = std::min(url.find('/', host + 3), url.size());
  const std::size_t at = url.substr(0, path).rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return std::string(url.substr(0, host + 3)).append(url.substr(at + 1));
}

}  // namespace gameflow::client
