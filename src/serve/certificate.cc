#include "serve/certificate.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <spdlog/spdlog.h>

#include "serve/net.h"

namespace gameflow::serve {
namespace {

// Of TLS 1.2, those with forward secrecy and authenticated encryption; all of 1.3 are such.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

Status check_readable(const std::filesystem::path& file, std::string_view what) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(file, ignored) && std::ifstream(file)) return {};
  const int why = std::filesystem::is_directory(file, ignored) ? EISDIR : errno;
  return fail(ErrorCode::kFileUnreadable,
              fmt::format("{}, {}, cannot be read: {}", what, file.string(), std::strerror(why)));
}

bool is_of_another_certificate(const ErrorOf& error) {
  const auto code = static_cast<unsigned long>(static_cast<unsigned>(error.value()));
  return ERR_GET_LIB(code) == ERR_LIB_X509 && (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                                               ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
}

Status load_key(asio::ssl::context& context, const TlsFiles& files) {
  ErrorOf error;
  bool is_encrypted = false;
  context.set_password_callback(
      [&is_encrypted](std::size_t, asio::ssl::context::password_purpose) {
        is_encrypted = true;
        return std::string();
      },
      error);
  context.use_private_key_file(files.key.string(), asio::ssl::context::pem, error);
  if (is_encrypted) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the key in {} is encrypted, and at a start nobody can be asked for "
                            "its password: store it without one, as with 'openssl pkey -in {} "
                            "-out KEY', where only the server's user may read it",
                            files.key.string(), files.key.string()));
  }
  // Where it is of another kind, it is found only once both are looked at.
  const bool is_one = !error;
  const bool is_its_own = is_one && SSL_CTX_check_private_key(context.native_handle()) == 1;
  ERR_clear_error();
  if (is_its_own) return {};
  if (is_one || is_of_another_certificate(error)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the key in {} is not that of the first certificate in {}: the "
                            "server's own comes first, those that signed it behind it",
                            files.key.string(), files.certificate.string()));
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} holds no private key in PEM: {}",
                                                       files.key.string(), error.message()));
}

void tell_how_long_it_is_good(const asio::ssl::context& context, const TlsFiles& files) {
  const X509* const certificate =
      SSL_CTX_get0_certificate(const_cast<asio::ssl::context&>(context).native_handle());
  const auto text_of = [](const ASN1_TIME* time) {
    std::tm parts{};
    ASN1_TIME_to_tm(time, &parts);
    return fmt::format("{:%Y-%m-%d %H:%M} UTC", parts);
  };
  const ASN1_TIME* const from = X509_get0_notBefore(certificate);
  const ASN1_TIME* const until = X509_get0_notAfter(certificate);
  const std::string file = files.certificate.string();
  if (X509_cmp_current_time(until) < 0)
    spdlog::warn("http: the certificate in {} has expired, on {}: clients will not trust it", file,
                 text_of(until));
  else if (X509_cmp_current_time(from) > 0)
    spdlog::warn("http: the certificate in {} is good from {} on: clients do not trust it yet",
                 file, text_of(from));
  else
    spdlog::info("http: the certificate in {} is good until {}", file, text_of(until));
}

Result<std::shared_ptr<asio::ssl::context>> load(const TlsFiles& files) {
  GF_TRY(check_readable(files.certificate, "the certificate"));
  GF_TRY(check_readable(files.key, "the key of the certificate"));
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);  // clients keep tickets
  if (SSL_CTX_set_cipher_list(native, kCiphers) != 1)
    return fail(ErrorCode::kInternal, "OpenSSL knows no cipher that is good enough for TLS 1.2");
  ErrorOf error;
  context->use_certificate_chain_file(files.certificate.string(), error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} holds no certificate in PEM that could be used: {}",
                            files.certificate.string(), error.message()));
  }
  GF_TRY(load_key(*context, files));
  tell_how_long_it_is_good(*context, files);
  return context;
}

}  // namespace

Result<std::unique_ptr<Certificate>> Certificate::open(const TlsFiles& files) {
  std::unique_ptr<Certificate> certificate(new Certificate(files));
  GF_TRY(certificate->reload());
  return certificate;
}

Status Certificate::reload() {
  GF_ASSIGN(auto fresh, load(files_));
  const MutexLock lock(mutex_);
  context_ = std::move(fresh);
  return {};
}

std::shared_ptr<asio::ssl::context> Certificate::context() const {
  const MutexLock lock(mutex_);
  return context_;
}

}  // namespace gameflow::serve
