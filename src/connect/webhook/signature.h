// Signatures of webhooks: an HMAC-SHA256 of the body shows that it comes from who knows the secret.
//
// Threads  any.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace gameflow::connect {

// What the header holds.
enum class SignatureForm : std::uint8_t {
  kTimestamped,  // "t=SECONDS,v1=HEX" of "SECONDS.BODY", as Stripe has it; several v1 may stand
                 // there
  kPrefixed,     // "sha256=HEX" of the body, as GitHub has it
  kHex,          // "HEX" of the body
  kBase64,       // base64 of the body's, as Shopify has it
};

// The 32 bytes of the text that the parts are one behind the other.
std::string hmac_sha256(std::string_view secret, std::span<const std::string_view> parts);

struct SignatureRules {
  SignatureForm form = SignatureForm::kTimestamped;
  std::vector<std::string> secrets;  // any of them will do
  Duration tolerance{300'000};       // of the time in a header, either way
};

// Nothing where the signature is right; else what is wrong with it, for the sender. How long it
// takes does not depend on how much of a wrong signature is right.
std::optional<std::string> refuse_signature(const SignatureRules& rules, std::string_view header,
                                            std::string_view body, Timestamp now);

}  // namespace gameflow::connect
