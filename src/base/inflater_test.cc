#include "base/inflater.h"

#include <string>

#include <gtest/gtest.h>
#include <zlib.h>

namespace gameflow {
namespace {

std::string packed(const std::string& bytes) {
  std::string out(compressBound(static_cast<uLong>(bytes.size())), '\0');
  uLongf size = static_cast<uLongf>(out.size());
  compress(reinterpret_cast<Bytef*>(out.data()), &size,
           reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uLong>(bytes.size()));
  out.resize(size);
  return out;
}

TEST(Inflater, PiecesOfAnySizeMakeTheWhole) {
  std::string text;
  for (int i = 0; text.size() < 20'000; ++i) text += std::to_string(i);
  const std::string whole = packed(text) + packed("the next one");
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{5'000}, whole.size()}) {
    for (const std::size_t size_max : {std::size_t{1}, std::size_t{100}, std::size_t{50'000}}) {
      Inflater inflater(Inflater::Format::kAny);
      std::string bytes;
      for (std::size_t at = 0; at < whole.size(); at += piece) {
        std::string_view next = std::string_view(whole).substr(at, piece);
        for (std::size_t before = bytes.size();; before = bytes.size()) {
          ASSERT_TRUE(inflater.unpack(next, bytes, size_max));
          ASSERT_LE(bytes.size() - before, size_max);
          if (bytes.size() - before < size_max) break;
        }
        ASSERT_TRUE(next.empty());
      }
      EXPECT_EQ(bytes, text + "the next one");
      EXPECT_TRUE(inflater.is_complete());
    }
  }
}

TEST(Inflater, WhatIsCutShortIsNotComplete) {
  const std::string whole = packed("some text");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Inflater inflater(Inflater::Format::kAny);
    std::string bytes;
    std::string_view next = std::string_view(whole).substr(0, size);
    ASSERT_TRUE(inflater.unpack(next, bytes, 100)) << size;
    EXPECT_FALSE(inflater.is_complete()) << size;
  }
}

TEST(Inflater, OnlyGzipWhereThatIsAskedFor) {
  Inflater inflater(Inflater::Format::kGzip);
  const std::string whole = packed("some text");
  std::string_view next = whole;
  std::string bytes;
  EXPECT_EQ(inflater.unpack(next, bytes, 100).error().code, ErrorCode::kInvalidEncoding);
}

}  // namespace
}  // namespace gameflow
