// Texts that were announced give the results of texts that were not, whatever is wrong with them
// and with their neighbours.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "record/batch.h"
#include "record/codec.h"
#include "record/json_corpus.h"
#include "record/type.h"

namespace gameflow::record {
namespace {

class LookAhead : public testing::Test {
 protected:
  LookAhead() {
    const auto* text = types.scalar(Kind::kString);
    const auto* numbers = types.list_of(types.scalar(Kind::kF64));
    const auto* user = types.object("user", {{"user_id", text, true}, {"platform", text, true}});
    const auto* parameters =
        types.object("parameters", {{"player_id", text, true},
                                    {"level_id", text},
                                    {"amount", types.scalar(Kind::kF64), true},
                                    {"cpu_load", types.scalar(Kind::kU8), true}});
    event = types.object("event", {{"event_name", text},
                                   {"parameters", parameters, true},
                                   {"user_data", user, true},
                                   {"a", numbers, true},
                                   {"b", user, true}});
  }

  // What came of it: its JSON, or the mistake.
  std::string result(Decoder& decoder, std::string_view json, bool typed) {
    std::vector<std::max_align_t> out(event->size / sizeof(std::max_align_t) + 1);
    if (typed ? decoder.decode(*event, json, arena, out.data()) : decoder.check(json)) {
      std::string encoded = "fine";
      if (typed) encode_json(*event, out.data(), encoded);
      return encoded;
    }
    const DecodeError& error = decoder.error();
    return std::string(to_string(error.code)) + " | " + error.field + " | " + error.message;
  }

  // Announces `texts`, which stand one behind the other, and reads them in turn.
  void expect_same(const std::vector<std::string>& texts, const std::string& between) {
    std::string all;
    std::vector<std::size_t> begins;
    for (const std::string& text : texts) {
      begins.push_back(all.size());
      all += text + between;
    }
    // Exactly as large as promised: the address sanitizer watches its ends.
    std::vector<char> bytes(all.begin(), all.end());
    bytes.resize(all.size() + kPaddingBytes, '"');
    for (const bool typed : {true, false}) {
      // In turn, and then each as if those before it had been left out.
      for (std::size_t first = 0; first < texts.size(); ++first) {
        announced.look_ahead({bytes.data(), all.size()});
        for (std::size_t i = first; i < (first == 0 ? texts.size() : first + 1); ++i) {
          const std::string_view json(bytes.data() + begins[i], texts[i].size());
          ASSERT_EQ(result(announced, json, typed), result(alone, json, typed))
              << all << "\ntext " << i << ": " << json;
        }
      }
    }
    arena.reset();
  }

  TypeTable types;
  const Type* event;
  Decoder announced, alone;
  BlockArena arena;
};

TEST_F(LookAhead, SamplesBrokenAtEveryByte) {
  const std::vector<std::string> pieces{"\"", "\\", "{", "}", "[", "]", ",", "1", "\x01", "\xC3"};
  const std::string good = sample_events().front();
  for (const std::string& sample : sample_events()) {
    for (std::size_t at = 0; at <= sample.size(); ++at) {
      const std::string head = sample.substr(0, at), tail = sample.substr(at);
      // Each is broken, both together are good.
      expect_same({good, head, tail, good}, "");
      expect_same({good, head + "}", good}, "");
      expect_same({good, "{" + tail, good}, "");
      for (const std::string& piece : pieces) {
        expect_same({good, std::string(head).append(piece).append(tail), good}, "");
      }
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(LookAhead, AnythingBesideAnything) {
  std::mt19937_64 random(1);
  std::vector<std::string> pool = sample_events();
  for (const JsonCase& row : json_corpus()) {
    if (row.json.size() <= 300) pool.push_back(row.json);
  }
  for (const char* text :
       {R"({"a":"x})", R"({"b":1})", R"({"a":[)", R"({"a":[1,2)", R"(3]})", R"({"a":[{})", R"({})",
        R"({} })", R"({"event_name":"\u00e9"})", R"({"event_name":"\})", R"({"event_name":"\"})",
        R"("}{")", R"({"b":{"user_id":"u"})", R"(,"platform":"p"}})", R"({{}})",
        R"({"a":1}{"a":2})"}) {
    for (int often = 0; often < 8; ++often) pool.emplace_back(text);
  }
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> texts(1 + random() % 6);
    for (std::string& text : texts) text = pool[random() % pool.size()];
    expect_same(texts, std::vector<std::string>{"", "", "\n", " \r\n", ","}[random() % 5]);
    if (HasFatalFailure()) return;
  }
}

TEST_F(LookAhead, AStringThatRunsIntoTheNextText) {
  expect_same({R"({"event_name":"x})", R"({"{"event_name":"a"})"}, "");
  expect_same({R"({"event_name":"x})", R"({"b":1}")", R"("})"}, "");
  expect_same({R"({"event_name":"x})", R"({"}",{"event_name":"a"})"}, ",");
}

TEST_F(LookAhead, TextsMayBeLeftOutAndComeFromElsewhere) {
  const std::string good = R"({"event_name":"a"})", other = R"({"event_name":"b","x":[1,{}]})";
  const std::string all = good + other + good + std::string(kPaddingBytes, ' ');
  const std::string_view first(all.data(), good.size());
  const std::string_view third(all.data() + good.size() + other.size(), good.size());
  const std::string elsewhere = other + std::string(kPaddingBytes, ' ');
  announced.look_ahead(std::string_view(all).substr(0, all.size() - kPaddingBytes));
  EXPECT_EQ(result(announced, third, true), "fine" + good);
  EXPECT_EQ(result(announced, first, true), "fine" + good);
  EXPECT_EQ(result(announced, std::string_view(elsewhere).substr(0, other.size()), true),
            R"(fine{"event_name":"b"})");
  EXPECT_EQ(result(announced, third, true), "fine" + good);
}

TEST(BatchValues, RunsAreAsLongAsAskedFor) {
  BatchBuilder builder;
  for (const char* value : {"1", "22", "", "4444", "5"}) builder.add({}, "key", value);
  const auto batch = builder.finish({});
  EXPECT_EQ(batch->values(0, 5), "12244445");
  EXPECT_EQ(batch->values(1, 3), "22");
  EXPECT_EQ(batch->values(2, 2), "");
  EXPECT_EQ(batch->run_end(0, 0), 1U) << "always one";
  EXPECT_EQ(batch->run_end(0, 3), 3U);
  EXPECT_EQ(batch->run_end(1, 6), 4U);
  EXPECT_EQ(batch->run_end(3, 5), 5U);
}

}  // namespace
}  // namespace gameflow::record
