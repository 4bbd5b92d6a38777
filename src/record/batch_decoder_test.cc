// Batches of random records, stored and read again, against a decoder that gets the text of each.
#include "record/batch_decoder.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "record/json_fuzz.h"

namespace gameflow::record {
namespace {

using Results = std::vector<std::string>;

std::string failure(const DecodeError& error) {
  return fmt::format("{} | {} | {}", to_string(error.code), error.field, error.message);
}

std::string success(const Type& type, const void* value) {
  std::string text = "fine: ";
  encode_json(type, value, text);
  return text;
}

Results one_by_one(const Type& type, const std::vector<std::string>& records, std::size_t first) {
  Results results;
  BlockArena arena;
  std::vector<std::max_align_t> out(type.size / sizeof(std::max_align_t) + 1);
  for (std::size_t i = first; i < records.size(); ++i) {
    std::string text = records[i];
    text.append(kPaddingBytes, ' ');
    const std::string_view json = std::string_view(text).substr(0, records[i].size());
    Decoder decoder;
    results.push_back(decoder.decode(type, json, arena, out.data()) ? success(type, out.data())
                                                                    : failure(decoder.error()));
  }
  return results;
}

Results together(BatchDecoder& decoder, const Type& type, const Batch& batch, std::size_t first) {
  BlockArena arena;
  const std::size_t count = batch.size() - first;
  std::vector<std::max_align_t> out(count * type.size / sizeof(std::max_align_t) + 1);
  std::vector<BatchDecoder::Failure> failures;
  decoder.decode(type, batch, first, arena, reinterpret_cast<char*>(out.data()), failures);
  Results results(count);
  for (const BatchDecoder::Failure& failed : failures)
    results[failed.record - first] = failure(failed.error);
  for (std::size_t i = 0; i < count; ++i) {
    if (results[i].empty())
      results[i] = success(type, reinterpret_cast<char*>(out.data()) + i * type.size);
  }
  return results;
}

TEST(BatchDecoder, IsAsGoodAsReadingEachText) {
  int in_columns = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    JsonFuzz random(seed);
    BatchDecoder decoder;
    const Type& type = *random.type();
    for (int producer = 0; producer < 3; ++producer) {
      random.next_producer();
      std::vector<std::string> records;
      for (int i = 0; i < 60; ++i) records.push_back(random.record(type));
      // Much of the same, so that the batch has columns.
      for (int i = 0; i < 300; ++i) records.push_back(random.pick(records));
      BatchBuilder builder;
      for (const std::string& record : records) builder.add({1}, std::nullopt, record);
      const auto stored = Batch::decode(builder.encode({1}), {5});
      ASSERT_TRUE(stored) << stored.error().message;
      in_columns += (*stored)->columns() != nullptr ? 1 : 0;
      const std::size_t first = random.one_in(2) ? 0 : 17;
      ASSERT_EQ(together(decoder, type, **stored, first), one_by_one(type, records, first));
      ASSERT_EQ(together(decoder, type, *builder.finish({1}), first),
                one_by_one(type, records, first));
    }
  }
  EXPECT_GT(in_columns, 200);
}

}  // namespace
}  // namespace gameflow::record
