// A decoder that has learned shapes against one that has not. Nobody can tell the two apart.
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "record/batch.h"
#include "record/codec.h"
#include "record/json_fuzz.h"
#include "record/type.h"

namespace gameflow::record {
namespace {

class Fuzz {
 public:
  explicit Fuzz(std::uint64_t seed) : seed_(seed), random_(seed) {}

  // A type, then records of a few producers with their own order and blanks.
  void run() {
    SCOPED_TRACE(fmt::format("seed {}", seed_));
    const Type* type = random_.type();
    for (int producer = 0; producer < 3; ++producer) {
      random_.next_producer();
      for (int round = 0; round < 40; ++round) {
        const std::string json = random_.record(*type);
        for (int again = 0; again < 2; ++again) compare(*type, json);  // learned, then by shape
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }

 private:
  std::string result(Decoder& decoder, const Type* type, std::string_view json) {
    std::vector<std::max_align_t> out(type != nullptr ? type->size / 8 + 1 : 1);
    if (type != nullptr ? decoder.decode(*type, json, arena_, out.data()) : decoder.check(json)) {
      std::string encoded = "fine: ";
      if (type != nullptr) encode_json(*type, out.data(), encoded);
      return encoded;
    }
    const DecodeError& error = decoder.error();
    return fmt::format("{} | {} | {}", to_string(error.code), error.field, error.message);
  }

  void compare(const Type& type, const std::string& json) {
    // Exactly as large as promised: the address sanitizer watches its ends.
    std::vector<char> bytes(json.begin(), json.end());
    bytes.resize(json.size() + kPaddingBytes, random_.pick(kNeighbours));
    const std::string_view view(bytes.data(), json.size());
    for (const Type* as : {&type, static_cast<const Type*>(nullptr)}) {
      Decoder full;  // knows no shape yet
      ASSERT_EQ(result(learned_, as, view), result(full, as, view)) << json;
    }
    arena_.reset();
  }

  inline static const std::vector<char> kNeighbours{'\0', '}', ']', '"', '1', ',', '\\', 'e'};

  const std::uint64_t seed_;
  JsonFuzz random_;
  Decoder learned_;
  BlockArena arena_;
};

TEST(ShapeFuzz, NobodyCanTell) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Fuzz(seed).run();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace gameflow::record
