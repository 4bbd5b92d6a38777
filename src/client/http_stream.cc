#include "client/http_stream.h"

#include <algorithm>
#include <array>
#include <mutex>

#include <curl/curl.h>
#include <fmt/format.h>
#include <netdb.h>

#include "base/ascii.h"
#include "base/inflater.h"
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
  std::string_view header(std::string_view name) const;
  bool begin_unpacking();
  bool unpack(std::string& body, std::size_t size_max);
  Next end_of_body();

  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* address);

  const StreamRequest request;
  std::unique_ptr<curl_slist, FreeList> header_list;
  std::array<char, CURL_ERROR_SIZE> message{};
  std::unique_ptr<CURL, CloseEasy> easy;
  std::shared_ptr<CURLM> multi;
  // As it came: curl 8 would unpack whole reads, however much they hold, and fail at 64 MiB.
  std::string arrived;
  std::size_t arrived_max = 0;
  bool is_paused = false;
  std::optional<Next> end;  // how curl's part ended
  std::optional<Inflater> inflater;
  bool has_body = false, has_more = false;  // to unpack, of what has arrived
  std::uint64_t packed_bytes = 0, body_bytes = 0;
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
  for (const char* const header : {"Accept-Encoding: gzip, deflate", "Expect:"})
    header_list.reset(curl_slist_append(header_list.release(), header));
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
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message.data());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, request.user_agent.c_str());
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  if (!request.checks_certificate) {
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
  prepare_method();
}

HttpStream::Next HttpStream::Impl::fail(bool final, std::string why) {
  failure = {final, fmt::format("{}: {}", shown_url(request.url), why)};
  return Next::kFailed;
}

HttpStream::Next HttpStream::Impl::finish(CURLcode code) {
  if (code == CURLE_OK) {
    const bool says_its_end = !version.starts_with("HTTP/1") || !header("content-length").empty() ||
                              !header("transfer-encoding").empty() || request.method == "HEAD";
    return says_its_end ? Next::kEnd : Next::kClosed;
  }
  if (!private_address.empty()) {
    return fail(true, fmt::format("{} is an address of this machine or of a private network: write "
                                  "'allow-private-addresses: true' if that is meant",
                                  private_address));
  }
  if (header_bytes > kHeaderBytesMax) return fail(true, "the answer's headers are over 64 KiB");
  if (code == CURLE_PARTIAL_FILE) return fail(false, "the answer broke off before its end");
  const std::string_view detail =
      message[0] != '\0' ? message.data() : std::string_view(curl_easy_strerror(code));
  return fail(is_final(code), std::string(detail));
}

std::string_view HttpStream::Impl::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

// False where the answer is packed in a way that was not asked for.
bool HttpStream::Impl::begin_unpacking() {
  has_body = true;
  const std::string coding = lower_case(header("content-encoding"));
  if (coding.empty() || coding == "identity") return true;
  if (coding == "gzip" || coding == "x-gzip" || coding == "deflate") {
    inflater.emplace(Inflater::Format::kAny);
    return true;
  }
  end = fail(true, fmt::format("the answer's Content-Encoding is '{}', but only gzip and deflate "
                               "were asked for",
                               coding));
  return false;
}

// Moves what has arrived to `body`. False: it cannot be unpacked, as `failure` says.
bool HttpStream::Impl::unpack(std::string& body, std::size_t size_max) {
  if (arrived.empty() && !has_more) return true;
  if (!has_body && !begin_unpacking()) return false;
  const std::size_t before = body.size();
  if (!inflater) {
    if (body.empty())
      body.swap(arrived);
    else
      body += arrived;
    arrived.clear();
    return true;
  }
  std::string_view packed = arrived;
  const Status unpacked = inflater->unpack(packed, body, size_max);
  packed_bytes += arrived.size() - packed.size();
  body_bytes += body.size() - before;
  arrived.erase(0, arrived.size() - packed.size());
  has_more = body.size() - before == size_max;
  if (!unpacked) {
    end = fail(true, fmt::format("the answer cannot be unpacked: {}", unpacked.error().message));
  } else if (body_bytes > kRatioCountsFrom && body_bytes / kRatioMax > packed_bytes) {
    end = fail(true, fmt::format("the answer is compressed to less than a {}th: that is no data, "
                                 "and is not unpacked further",
                                 kRatioMax));
  } else {
    return true;
  }
  return false;
}

// Behind all that has arrived.
HttpStream::Next HttpStream::Impl::end_of_body() {
  if (*end == Next::kEnd && inflater && !inflater->is_complete())
    end = fail(false, "the answer broke off before the end of what it packs");
  return *end;
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
  impl.arrived_max = size_max;
  const std::size_t before = body.size();
  const auto deadline = SteadyClock::now() + wait;
  for (bool has_waited = false;; has_waited = true) {
    if (!impl.unpack(body, size_max)) return *impl.end;
    if (body.size() > before || impl.end || (has_waited && SteadyClock::now() >= deadline)) break;
    if (std::exchange(impl.is_paused, false)) curl_easy_pause(impl.easy.get(), CURLPAUSE_CONT);
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now());
    const Next next = impl.wait(std::max(left, milliseconds{0}));
    if (next != Next::kMore) impl.end = next;
  }
  const bool is_all = impl.end && impl.arrived.empty() && !impl.has_more;
  return is_all ? impl.end_of_body() : Next::kMore;
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
  return impl_->header(lower_case(name));
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
