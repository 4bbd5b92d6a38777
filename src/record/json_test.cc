// What is JSON and what is not: the same to the byte as simdjson's DOM parser, whatever stands
// behind the text in memory.
#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "record/batch.h"
#include "record/codec.h"
#include "record/json_corpus.h"
#include "record/json_dom.h"

namespace gameflow::record {
namespace {

using namespace std::string_literals;

// What may stand behind a record in a batch, chosen to complete what should not be completed.
const std::vector<std::string> kNeighbours{
    std::string(kPaddingBytes, '\0'), std::string(kPaddingBytes, '}'),
    std::string(kPaddingBytes, ']'),  std::string(kPaddingBytes, '"'),
    std::string(kPaddingBytes, '1'),  std::string(kPaddingBytes, ','),
    std::string(kPaddingBytes, '\\'), "\":1}]"s + std::string(kPaddingBytes, '\xBF')};

bool check(std::string_view json, const std::string& neighbour) {
  static Decoder decoder;
  // Exactly as large as promised: the address sanitizer watches its ends.
  std::vector<char> bytes(json.begin(), json.end());
  bytes.insert(bytes.end(), neighbour.begin(), neighbour.begin() + kPaddingBytes);
  const bool accepted = decoder.check({bytes.data(), json.size()});
  if (!accepted) {
    EXPECT_FALSE(decoder.error().message.empty());
    EXPECT_TRUE(is_valid_utf8(decoder.error().message)) << decoder.error().message;
  }
  return accepted;
}

void expect_as_dom(std::string_view json) {
  const bool expected = dom_accepts(json);
  for (const std::string& neighbour : kNeighbours) {
    ASSERT_EQ(check(json, neighbour), expected)
        << json << "\nbefore a '" << neighbour.front() << "'";
  }
}

TEST(Json, CorpusIsAcceptedAndRejectedAsNamed) {
  const auto corpus = json_corpus();
  EXPECT_GE(corpus.size(), 120U);
  for (const JsonCase& row : corpus) {
    SCOPED_TRACE(row.name);
    const bool expected = row.name.front() == 'y';
    EXPECT_EQ(dom_accepts(row.json), expected) << "the DOM parser disagrees with the name";
    for (const std::string& neighbour : kNeighbours) {
      EXPECT_EQ(check(row.json, neighbour), expected) << "before a '" << neighbour.front() << "'";
    }
  }
}

TEST(Json, SampleEventsBrokenAtEveryByte) {
  const std::vector<std::string> pieces{"\"", "\\",  "{",    "}",    "[",    "]",   ",",
                                        ":",  "0",   "-",    ".",    "e",    "t",   "n",
                                        " ",  "\n",  "\x01", "\x80", "\xC3", "\0"s, "\xED\xA0\x80",
                                        "é",  "null"};
  for (const std::string& event : sample_events()) {
    for (std::size_t at = 0; at <= event.size(); ++at) {
      expect_as_dom(event.substr(0, at));
      expect_as_dom(event.substr(at));
      for (const std::string& piece : pieces) {
        expect_as_dom(event.substr(0, at) + piece + event.substr(at));
        if (at < event.size()) expect_as_dom(event.substr(0, at) + piece + event.substr(at + 1));
      }
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Json, RandomMutations) {
  std::mt19937_64 random(1);
  const auto corpus = json_corpus();
  const std::string alphabet = "{}[]:,\"\\ \n0123456789.-+eEtrufalsn/bu\xC3\xA9\x80\x01"s;
  for (int round = 0; round < 50'000; ++round) {
    std::string json = corpus[random() % corpus.size()].json;
    if (json.size() > 300) continue;
    for (std::uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % (json.size() + 1);
      const std::string piece(1, alphabet[random() % alphabet.size()]);
      json.replace(at, random() % 2, random() % 4 == 0 ? "" : piece);
    }
    const bool expected = dom_accepts(json);
    ASSERT_EQ(check(json, kNeighbours[random() % kNeighbours.size()]), expected) << json;
  }
}

TEST(Json, DepthHasALimit) {
  const auto nested = [](std::size_t depth, const std::string& open, const std::string& close) {
    std::string json;
    for (std::size_t i = 0; i < depth; ++i) json += open;
    json += "1";
    for (std::size_t i = 0; i < depth; ++i) json += close;
    return json;
  };
  for (const auto& [open, close] : {std::pair{"[", "]"}, std::pair{"{\"a\":", "}"}}) {
    EXPECT_TRUE(check(nested(kJsonDepthMax, open, close), kNeighbours[0]));
    EXPECT_FALSE(check(nested(kJsonDepthMax + 1, open, close), kNeighbours[0]));
    EXPECT_FALSE(check(nested(100'000, open, close), kNeighbours[0]));
    expect_as_dom(nested(kJsonDepthMax, open, close));
    expect_as_dom(nested(kJsonDepthMax + 1, open, close));
    EXPECT_FALSE(check(nested(100'000, open, ""), kNeighbours[0]));
  }
}

TEST(Json, LargeTextAfterSmallOnes) {
  std::string json = "[";
  for (int i = 0; i < 500'000; ++i) json += "12345,\"abcdef\",";
  json += "null]";
  EXPECT_TRUE(check("1", kNeighbours[0]));
  EXPECT_TRUE(check(json, kNeighbours[0]));
  json.pop_back();
  EXPECT_FALSE(check(json, kNeighbours[0]));
}

struct Mistake {
  const char* name;
  std::string json;
  ErrorCode code;
  const char* message;
};

const std::vector<Mistake> kMistakes{
    {"empty", "", ErrorCode::kInvalidJson, "invalid JSON at byte 0: the text is empty"},
    {"blank", " \n", ErrorCode::kInvalidJson, "invalid JSON at byte 0: the text is empty"},
    {"no colon", R"({"a" 1})", ErrorCode::kInvalidJson,
     "invalid JSON at byte 5: expected ':', found number 1"},
    {"no value", R"({"a":})", ErrorCode::kInvalidJson,
     "invalid JSON at byte 5: expected a value, found '}'"},
    {"no comma", R"([1 "x"])", ErrorCode::kInvalidJson,
     "invalid JSON at byte 3: expected ',' or ']', found string \"x\""},
    {"trailing comma", R"({"a":1,})", ErrorCode::kInvalidJson,
     "invalid JSON at byte 7: expected a key in quotes, found '}'"},
    {"cut off", R"({"a":1)", ErrorCode::kInvalidJson,
     "invalid JSON at byte 5: expected '}' at the end, found number 1"},
    {"cut off inside", R"({"a":{"b":1})", ErrorCode::kInvalidJson,
     "invalid JSON at byte 12: expected ',' or '}', but the text ends"},
    {"second value", R"({"a":1}{})", ErrorCode::kInvalidJson,
     "invalid JSON at byte 7: something stands behind the value"},
    {"open string", R"({"a":"b)", ErrorCode::kInvalidJson,
     "invalid JSON at byte 5: the string that begins here does not end"},
    {"line break in a string", "[\"a\nb\"]", ErrorCode::kInvalidJson,
     "invalid JSON at byte 3: a control character in a string must be written as an escape"},
    {"escape", R"(["a\x"])", ErrorCode::kInvalidJson,
     "invalid JSON at byte 2: the string has an invalid escape"},
    {"word", "[nul]", ErrorCode::kInvalidJson,
     "invalid JSON at byte 1: expected a value, found 'n'"},
    {"leading zero", "[01]", ErrorCode::kInvalidJson, "invalid JSON at byte 1: malformed number"},
    {"huge number and a word", "[1e999x]", ErrorCode::kInvalidJson,
     "invalid JSON at byte 1: malformed number"},
    {"huge number and a point", "[100000000000000000000.]", ErrorCode::kInvalidJson,
     "invalid JSON at byte 1: malformed number"},
    {"huge number with a leading zero", "[0100000000000000000000]", ErrorCode::kInvalidJson,
     "invalid JSON at byte 1: malformed number"},
    {"UTF-8", "[\"a\xFF\"]", ErrorCode::kInvalidEncoding, "invalid UTF-8 at byte 3"},
    {"odd byte", "[\x01]", ErrorCode::kInvalidJson,
     "invalid JSON at byte 1: expected a value, found byte 0x01"},
};

TEST(Json, MistakesAreExplained) {
  for (const Mistake& row : kMistakes) {
    SCOPED_TRACE(row.name);
    std::string padded = row.json + std::string(kPaddingBytes, '\0');
    Decoder decoder;
    EXPECT_FALSE(decoder.check({padded.data(), row.json.size()}));
    EXPECT_EQ(to_string(decoder.error().code), to_string(row.code));
    EXPECT_EQ(decoder.error().message, row.message);
    EXPECT_EQ(decoder.error().field, "");
  }
}

}  // namespace
}  // namespace gameflow::record
