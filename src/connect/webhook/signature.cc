#include "connect/webhook/signature.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/hex.h"
#include "base/number.h"

namespace gameflow::connect {
namespace {

constexpr std::size_t kMacBytes = 32;

std::string to_base64(std::string_view bytes) {
  std::array<unsigned char, 4 * ((kMacBytes + 2) / 3) + 1> text{};
  const int size =
      EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)};
}

bool is_same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Of "t=1,v1=a,v1=b".
struct Timestamped {
  std::string_view time;
  std::vector<std::string_view> signatures;
};

Timestamped read_timestamped(std::string_view header) {
  constexpr std::size_t kSignaturesMax = 10;
  Timestamped read;
  while (!header.empty()) {
    std::string_view part = header.substr(0, header.find(','));
    header.remove_prefix(std::min(header.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    if (part.starts_with("t=")) read.time = part.substr(2);
    if (part.starts_with("v1=") && read.signatures.size() < kSignaturesMax)
      read.signatures.push_back(part.substr(3));
  }
  return read;
}

std::optional<std::string> refuse_time(std::string_view text, Timestamp now, Duration tolerance) {
  const auto seconds = to_number<std::int64_t>(text);
  constexpr std::int64_t kSecondsMax = 1'000'000'000'000;
  if (!seconds || *seconds < 0 || *seconds > kSecondsMax) return "its t= is no time in seconds";
  if (std::abs(now.ms - *seconds * 1000) > tolerance.ms)
    return fmt::format("its time is more than {} s away from the time here", tolerance.ms / 1000);
  return std::nullopt;
}

}  // namespace

std::string hmac_sha256(std::string_view secret, std::span<const std::string_view> parts) {
  static const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> kMac(
      EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
      EVP_MAC_CTX_new(kMac.get()), EVP_MAC_CTX_free);
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string("digest", digest.data(), 0), OSSL_PARAM_construct_end()};
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  bool fine =
      context && EVP_MAC_init(context.get(), bytes(secret), secret.size(), parameters.data()) == 1;
  for (const std::string_view part : parts)
    fine = fine && EVP_MAC_update(context.get(), bytes(part), part.size()) == 1;
  std::string mac(kMacBytes, '\0');
  std::size_t size = 0;
  fine = fine && EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(mac.data()), &size,
                               mac.size()) == 1;
  if (!fine || size != kMacBytes) throw std::runtime_error("libcrypto computes no HMAC-SHA256");
  return mac;
}

std::optional<std::string> refuse_signature(const SignatureRules& rules, std::string_view header,
                                            std::string_view body, Timestamp now) {
  std::vector<std::string_view> given{header};
  std::vector<std::string_view> parts{body};
  if (rules.form == SignatureForm::kTimestamped) {
    Timestamped read = read_timestamped(header);
    if (auto refused = refuse_time(read.time, now, rules.tolerance)) return refused;
    given = std::move(read.signatures);
    parts = {read.time, ".", body};
  }
  constexpr std::string_view kPrefix = "sha256=";
  if (rules.form == SignatureForm::kPrefixed) {
    if (!header.starts_with(kPrefix)) return "it does not begin with sha256=";
    given = {header.substr(kPrefix.size())};
  }
  bool right = false;
  for (const std::string& secret : rules.secrets) {
    const std::string mac = hmac_sha256(secret, parts);
    const std::string wanted = rules.form == SignatureForm::kBase64 ? to_base64(mac) : to_hex(mac);
    for (const std::string_view signature : given) right |= is_same(signature, wanted);
  }
  if (right) return std::nullopt;
  return "it is not that of this body";
}

}  // namespace gameflow::connect
