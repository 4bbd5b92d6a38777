// For tests of TLS: certificates that sign themselves, and a client that takes any.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "serve/serve_test_util.h"

namespace gameflow::serve::test {

template <auto Free>
struct FreeWith {
  void operator()(auto* pointer) const { Free(pointer); }
};

// Writes NAME.pem and NAME.key into `folder`, good from `from` to `until` seconds after now.
// `password`: of the key; empty: none.
inline void make_certificate(const std::filesystem::path& folder, const std::string& name,
                             long from = -3'600, long until = 86'400,
                             const std::string& password = "") {
  const std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, FreeWith<X509_free>> certificate(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const auto open = [&](const char* ending) {
    return std::unique_ptr<std::FILE, FreeWith<std::fclose>>(
        std::fopen((folder / (name + ending)).c_str(), "w"));
  };
  PEM_write_X509(open(".pem").get(), certificate.get());
  PEM_write_PrivateKey(open(".key").get(), key.get(),
                       password.empty() ? nullptr : EVP_aes_128_cbc(), nullptr, 0, nullptr,
                       password.empty() ? nullptr : const_cast<char*>(password.data()));
}

// A blocking connection. Reading gives up after 20 s, so that a mistake fails and does not hang.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int version_max = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_client_method())), socket_(connect_to(port)) {
    SSL_CTX_set_security_level(context_.get(),
                               0);  // old versions too: it is the server's to refuse
    SSL_CTX_set_max_proto_version(context_.get(), version_max);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_);
    is_open_ = SSL_connect(ssl_.get()) == 1;
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient() { ::close(socket_); }

  bool is_open() const { return is_open_; }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  // The name in the server's certificate.
  std::string server_name() const {
    const std::unique_ptr<X509, FreeWith<X509_free>> shown(SSL_get1_peer_certificate(ssl_.get()));
    char name[100] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, name,
                              sizeof name);
    return name;
  }
  bool send(std::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  // Says that it sends no more, as TLS does.
  void finish_sending() { SSL_shutdown(ssl_.get()); }
  // Up to and with `end`, or up to the end of the connection.
  std::string receive_until(std::string_view end) {
    std::size_t at;
    while ((at = received_.find(end)) == std::string::npos)
      if (!receive_more()) return std::exchange(received_, {});
    std::string taken = received_.substr(0, at + end.size());
    received_.erase(0, at + end.size());
    return taken;
  }
  std::string receive(std::size_t size) {
    while (received_.size() < size && receive_more()) continue;
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }
  std::string receive_rest() {
    while (receive_more()) continue;
    return std::exchange(received_, {});
  }
  // Whether the server said that it was the end: nobody has cut it off.
  bool was_told_the_end() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  bool receive_more() {
    char bytes[16384];
    const int size = SSL_read(ssl_.get(), bytes, sizeof bytes);
    if (size > 0) received_.append(bytes, static_cast<std::size_t>(size));
    return size > 0;
  }

  std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, FreeWith<SSL_free>> ssl_;
  int socket_;
  bool is_open_ = false;
  std::string received_;
};

}  // namespace gameflow::serve::test
