#include "http/gzip.h"

#include <string>

#include <gtest/gtest.h>

namespace gameflow::http {
namespace {

TEST(Gzip, RoundTrip) {
  for (const std::size_t size : {0, 1, 1000, 1'000'000}) {
    const std::string text(size, 'a');
    EXPECT_EQ(gunzip(gzip(text), size).value(), text);
  }
}

TEST(Gzip, SeveralMembersAreOneText) {
  EXPECT_EQ(gunzip(gzip("one\n") + gzip("two\n"), 100).value(), "one\ntwo\n");
}

TEST(Gzip, StopsAtTheLimit) {
  const std::string bomb = gzip(std::string(50'000'000, '\0'));
  ASSERT_LT(bomb.size(), 100'000U);
  EXPECT_EQ(gunzip(bomb, 1'000'000).error().code, ErrorCode::kPayloadTooLarge);
  EXPECT_EQ(gunzip(gzip("12345"), 4).error().code, ErrorCode::kPayloadTooLarge);
}

TEST(Gzip, EveryDamageIsAnError) {
  const std::string good = gzip("{\"a\":1}\n{\"a\":2}\n");
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(gunzip(good.substr(0, size), 1000).error().code, ErrorCode::kInvalidEncoding) << size;
  EXPECT_EQ(gunzip(good + "x", 1000).error().code, ErrorCode::kInvalidEncoding);
  EXPECT_EQ(gunzip("{\"a\":1}", 1000).error().code, ErrorCode::kInvalidEncoding);
  std::string flipped = good;
  flipped[flipped.size() - 5] ^= 1;  // of the checksum
  EXPECT_EQ(gunzip(flipped, 1000).error().code, ErrorCode::kInvalidEncoding);
}

}  // namespace
}  // namespace gameflow::http
