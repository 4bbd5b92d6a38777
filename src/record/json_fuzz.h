// Random types, and records of them as a few producers send them: like the one before, a little
// different, or broken. For tests.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "record/json_corpus.h"
#include "record/type.h"

namespace gameflow::record {

using namespace std::string_literals;

class JsonFuzz {
 public:
  explicit JsonFuzz(std::uint64_t seed) : random_(seed) {}

  const Type* type() { return object(0); }
  // From now on records have another producer's order and blanks.
  void next_producer();
  std::string record(const Type& type);

  bool one_in(std::uint64_t n) { return random_() % n == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[random_() % from.size()];
  }

 private:
  const Type* any_type(int depth);
  const Type* text_type() const { return types_.scalar(Kind::kString); }

  const Type* enumeration(const Type* value);

  // Of a field that may be absent; lists and objects have none.
  std::vector<char> fallback(const Type& type);
  const Type* object(int depth);
  std::string blank() { return blanks_ ? pick(kBlanks) : std::string(); }

  std::string text();
  std::string number(Kind kind);
  std::string any_value(int depth);
  std::string value(const Type& type);
  std::string members(const Type& type);
  std::string member(const std::string& name, const std::string& value);
  std::string mutated(std::string json);

  inline static const std::vector<std::string> kBlanks{"", "", " ", "\n", "\r\n\t"};
  inline static const std::vector<std::string> kTimes{
      "\"2024-11-12T10:15:30Z\"", "\"1969-12-31T23:59:59.999-02:00\"", "\"2024-11-12 10:15:30.5\"",
      "\"0001-01-01T00:00:00+01:00\"", "\"2024-13-12T10:15:30Z\""};
  inline static const std::vector<std::string> kOddTexts{"\\n",  "\\u00e9",      "\\ud800", "\\q",
                                                         "\xC3", "\xED\xA0\x80", "\x01",    "\x7F",
                                                         "a\tb", "é\\\\",        "é\n"};
  inline static const std::vector<std::string> kOddNumbers{"-",
                                                           "01",
                                                           "1.",
                                                           "1e",
                                                           "1e400",
                                                           "-0",
                                                           "1.5e3",
                                                           "300",
                                                           "18446744073709551615",
                                                           "1-",
                                                           "+1",
                                                           "1e-400",
                                                           "3.5e38",
                                                           "99999999999999999999",
                                                           "0x1",
                                                           "1.0",
                                                           "-1"};
  inline static const std::vector<std::string> kPieces{
      "\"",   "\\",  "{", "}",    "[",        "]",  ",",  ":",    "0",
      "-",    ".",   "e", "t",    "n",        " ",  "\n", "\x01", "\x80",
      "\xC3", "\0"s, "é", "null", "\"a\":1,", "[]", "{}", "true", ",null"};

  std::mt19937_64 random_;
  TypeTable types_;
  int names_ = 0;
  const std::vector<JsonCase> corpus_ = json_corpus();
  bool blanks_ = false, shuffled_ = false, unknown_ = false, steady_ = false;
  std::uint64_t order_ = 0;
  std::string last_;
};

}  // namespace gameflow::record
