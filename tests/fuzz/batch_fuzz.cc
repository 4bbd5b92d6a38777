// A stored batch. Up to a line "!" the input has a record a line; behind it, three bytes at a time,
// where a byte of the encoded batch is another one, and which. The checksum is mended, so that what
// stands behind it must hold by itself.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <xxhash.h>

#include "fuzz.h"
#include "record/batch.h"

namespace gameflow::record {
namespace {

using fuzz::must;

constexpr std::size_t kChecksumAt = 4, kCheckedFrom = 12;

void mend_checksum(std::string& encoded) {
  const std::uint64_t checksum =
      XXH3_64bits(encoded.data() + kCheckedFrom, encoded.size() - kCheckedFrom);
  std::memcpy(encoded.data() + kChecksumAt, &checksum, sizeof checksum);
}

void run(std::string_view input) {
  const std::size_t mark = input.find("\n!\n");
  const std::string_view lines = input.substr(0, mark);
  std::vector<std::string_view> values;
  BatchBuilder builder;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    const std::string_view value = lines.substr(at, end - at);
    at = end + 1;
    builder.add({static_cast<std::int64_t>(value.size() * 1'000)},
                value.substr(0, value.size() % 9), value);
    values.push_back(value);
  }
  if (values.empty()) return;
  std::string encoded = builder.encode({1});
  const auto whole = Batch::decode(encoded, {7});
  must(whole.has_value() && (*whole)->size() == values.size(), "an unforged batch is read");
  for (std::size_t i = 0; i < values.size(); ++i)
    must((*whole)->value(i) == values[i], "its values are those that were added");
  if (mark == std::string_view::npos) return;

  for (std::string_view forged = input.substr(mark + 3); forged.size() >= 3;
       forged.remove_prefix(3)) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(forged[i]); };
    const std::size_t at = (byte(0) * 256U + byte(1)) % encoded.size();
    if (at >= kChecksumAt) encoded[at] = forged[2];
  }
  mend_checksum(encoded);
  const auto read = Batch::decode(encoded, {7});
  if (!read) {
    must(read.error().code == ErrorCode::kDataCorrupt, "a forged batch is told as damage");
    return;
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < (*read)->size(); ++i) {
    bytes += (*read)->value(i).size();
    if (const auto key = (*read)->key(i)) bytes += key->size();
  }
  must(bytes <= (*read)->memory_bytes(), "records lie in the batch");
}

}  // namespace
}  // namespace gameflow::record

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gameflow::record::run(gameflow::fuzz::text_of(data, size));
  return 0;
}
