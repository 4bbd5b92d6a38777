// Ids of records: by them a record that comes again is known, whoever sends it.
//
// An id belongs to one topic. The first record that has it is appended, and the store keeps the id
// with a digest of the record's content, in the same commit. A later record with the id is left
// out: a duplicate where its content is the same, otherwise a clash, which becomes a letter.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "log/topics.h"
#include "record/batch.h"

namespace gameflow::log {

// 128 bits of XXH3.
struct Digest {
  std::array<char, 16> bytes{};

  friend auto operator<=>(const Digest&, const Digest&) = default;
};

Digest digest_of(std::string_view text);
// Of two texts, which must not be taken for two others that are the same together.
Digest digest_of(std::string_view first, std::string_view second);

// That a record of an append has an id. The claims of a record follow each other.
struct IdClaim {
  std::uint32_t record = 0;  // in the batch; rises
  Digest id, content;
  std::optional<Duration> within;  // how long the id is kept; nothing: as long as the record
  std::uint64_t tag = 0;           // the caller's: comes back with what was found
};

// Where the record lies that has an id.
struct IdPlace {
  std::uint32_t partition = 0;
  Offset offset;
};

// A record that was left out.
struct Repeated {
  std::uint64_t tag = 0;  // of the claim
  bool is_clash = false;
  std::optional<IdPlace> first;  // nothing: in the same request
};

// What becomes of clashes, in the commit that finds them.
struct ClashLetters {
  TopicId topic;  // of the letters, which go to its first partition
  // The value of a letter. Runs on the commit thread.
  std::function<std::string(const Repeated& clash, const record::RecordView& record)> write;
};

}  // namespace gameflow::log
