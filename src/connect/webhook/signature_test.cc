#include "connect/webhook/signature.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/hex.h"

namespace gameflow::connect {
namespace {

std::string mac(std::string_view secret, std::vector<std::string_view> parts) {
  return to_hex(hmac_sha256(secret, parts));
}

// The vectors of RFC 4231, but for the one that is cut.
TEST(Signature, Rfc4231) {
  struct Vector {
    std::string key, data, mac;
  };
  std::string counting;
  for (char c = 1; c <= 25; ++c) counting += c;
  const std::array<Vector, 6> vectors{
      {{std::string(20, '\x0b'), "Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
       {"Jefe", "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
       {std::string(20, '\xaa'), std::string(50, '\xdd'),
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
       {counting, std::string(50, '\xcd'),
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
       {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
       {std::string(131, '\xaa'),
        "This is a test using a larger than block-size key and a larger than block-size data. The "
        "key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"}}};
  for (const Vector& vector : vectors) {
    EXPECT_EQ(mac(vector.key, {vector.data}), vector.mac);
    const std::string_view data = vector.data;
    EXPECT_EQ(mac(vector.key, {data.substr(0, 3), "", data.substr(3)}), vector.mac);
  }
  EXPECT_EQ(mac("", {""}), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

struct SignatureCase {
  std::string name;
  SignatureForm form;
  std::string header, refused;  // "" : it is right
};

TEST(Signature, Forms) {
  constexpr Timestamp kNow{1'700'000'000'000};
  const std::string body = "Hello, World!";
  const std::string secret = "It's a Secret to Everybody";
  // As GitHub's documentation has it.
  const std::string plain = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const auto signed_at = [&](std::int64_t seconds) {
    return "t=" + std::to_string(seconds) +
           ",v1=" + mac(secret, {std::to_string(seconds), ".", body});
  };
  const auto good = signed_at(1'700'000'000);
  using enum SignatureForm;
  const std::vector<SignatureCase> cases{
      {"github", kPrefixed, "sha256=" + plain, ""},
      {"without its prefix", kPrefixed, plain, "does not begin with sha256="},
      {"another one", kPrefixed, "sha256=8" + plain.substr(1), "not that of this body"},
      {"cut", kPrefixed, "sha256=" + plain.substr(0, 63), "not that of this body"},
      {"nothing but the prefix", kPrefixed, "sha256=", "not that of this body"},
      {"no header", kPrefixed, "", "does not begin with sha256="},
      {"hex", kHex, plain, ""},
      {"no hex", kHex, "", "not that of this body"},
      {"base64", kBase64, "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=", ""},
      {"hex for base64", kBase64, plain, "not that of this body"},
      {"timestamped", kTimestamped, good, ""},
      {"with others", kTimestamped, "v0=1, v1=00,x," + good, ""},
      {"just in time", kTimestamped, signed_at(1'700'000'000 - 300), ""},
      {"too old", kTimestamped, signed_at(1'700'000'000 - 301), "more than 300 s away"},
      {"from the future", kTimestamped, signed_at(1'700'000'000 + 301), "more than 300 s away"},
      {"another time", kTimestamped, "t=1700000001" + good.substr(12), "not that of this body"},
      {"no time", kTimestamped, good.substr(13), "no time in seconds"},
      {"time with a sign", kTimestamped, "t=-1700000000" + good.substr(12), "no time in seconds"},
      {"endless time", kTimestamped, "t=9999999999999999999", "no time in seconds"},
      {"no signature", kTimestamped, "t=1700000000", "not that of this body"},
      {"nothing", kTimestamped, "", "no time in seconds"}};
  const SignatureRules all{.secrets = {"new", secret}};
  for (const SignatureCase& each : cases) {
    SignatureRules rules = all;
    rules.form = each.form;
    const auto refused = refuse_signature(rules, each.header, body, kNow);
    EXPECT_EQ(refused.has_value(), !each.refused.empty()) << each.name;
    EXPECT_NE(refused.value_or("").find(each.refused), std::string::npos) << each.name;
    EXPECT_TRUE(refuse_signature(rules, each.header, body + "!", kNow)) << each.name;
    rules.secrets = {"new"};
    EXPECT_TRUE(refuse_signature(rules, each.header, body, kNow)) << each.name;
  }
}

}  // namespace
}  // namespace gameflow::connect
