// How the rows of one service lie in memory: one entry per key holds the rows of all its states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "base/bytes.h"
#include "base/time.h"
#include "record/type.h"
#include "state/row_codec.h"

namespace gameflow::state {

// Fixed, so that what is computed does not depend on the number of threads. More than any machine
// we run on has cores, and small enough a share that one shard's table stays in the L2 cache while
// it is updated.
inline constexpr std::uint32_t kShards = 64;

// Hash of an encoded key. Bits from its middle choose the shard; the index of a shard's table uses
// the upper half, so that keys of one shard differ in it.
std::uint64_t hash_key(std::string_view key);
constexpr std::uint32_t shard_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 24) % kShards;
}

// Of an entry, what it was before this epoch: it had rows, or it had none.
enum class Saved : std::uint8_t {
  kNot,  // nothing is saved: it is new, or was not asked for
  kWithRows,
  kWithout,
};

// One key. Followed in memory by the rows (see Layout::row) and the key's bytes.
struct Entry {
  Timestamp updated_at;    // of the last change
  std::uint32_t live;      // bit s: the row of state s exists: an operator has called for it
  std::uint16_t key_size;  // bytes
  std::uint8_t changed;    // 1: it is among Table::changes()
  Saved saved;             // what it was can be restored
};

// Of the session that an entry's rows belong to; stands behind the head of the entry.
inline constexpr Timestamp kNoSession{INT64_MIN};
struct SessionTimes {
  Timestamp first, last;  // event times of its records
  // The engine's own.
  Timestamp due_at;                // of its timer
  Timestamp pending = kNoSession;  // of the last record in the batch at hand; kNoSession: none
  // Places in the table, once they were asked for: of the entry, and of its key's slot 0.
  std::uint32_t place = UINT32_MAX, place_of_latest = UINT32_MAX;
  std::uint32_t count = 0;  // in slot 0: of the key's sessions; they have slots 0, 1, …
};

class Layout {
 public:
  static constexpr std::size_t kEntryAlign = alignof(Entry);
  static constexpr std::size_t kKeyBytesMax = UINT16_MAX;
  // In the mask of states of a stored entry: a bit for each row that follows, and from here on one
  // for each that is gone. Of a state with neither, an earlier entry's row stays.
  static constexpr std::uint32_t kGoneShift = 32;
  static_assert(abi::kStatesMax <= kGoneShift);

  // `rows`: the row types of the service's states, in order. They outlive the layout. `ttls`: after
  // how long without being asked for their rows run out; 0 or nothing: never.
  // `session_gap`: a key may have several entries, each with the rows of one session, which lasts
  // so long behind its last record; what is the key of an entry here ends with the number of its
  // slot (sessions.h).
  explicit Layout(const std::vector<const record::Type*>& rows,
                  const std::vector<Duration>& ttls = {},
                  std::optional<Duration> session_gap = std::nullopt);

  std::size_t state_count() const { return codecs_.size(); }
  const RowCodec& codec(std::size_t state) const { return codecs_[state]; }
  bool has_text() const { return has_text_; }
  Duration ttl(std::size_t state) const { return ttls_[state]; }
  // The states with a ttl, a bit each. Their rows have times in front.
  std::uint32_t timed() const { return timed_; }
  bool is_timed(std::size_t state) const { return (timed_ >> state & 1U) != 0; }
  abi::RowTimes& times(Entry* entry, std::size_t state) const {
    return static_cast<abi::RowTimes*>(row(entry, state))[-1];
  }
  const abi::RowTimes& times(const Entry* entry, std::size_t state) const {
    return static_cast<const abi::RowTimes*>(row(entry, state))[-1];
  }
  // Of a row that is there and timed.
  Timestamp runs_out_at(const Entry* entry, std::size_t state) const {
    return Timestamp{times(entry, state).seen_at} + ttls_[state];
  }

  bool has_sessions() const { return session_gap_.has_value(); }
  // Of an entry with rows.
  Timestamp session_end(const Entry* entry) const { return session(entry).last + *session_gap_; }
  SessionTimes& session(Entry* entry) const {
    return *reinterpret_cast<SessionTimes*>(reinterpret_cast<char*>(entry) + sizeof(Entry));
  }
  const SessionTimes& session(const Entry* entry) const {
    return *reinterpret_cast<const SessionTimes*>(reinterpret_cast<const char*>(entry) +
                                                  sizeof(Entry));
  }

  void* row(Entry* entry, std::size_t state) const {
    return reinterpret_cast<char*>(entry) + offsets_[state];
  }
  const void* row(const Entry* entry, std::size_t state) const {
    return reinterpret_cast<const char*>(entry) + offsets_[state];
  }
  std::string_view key(const Entry* entry) const {
    return {reinterpret_cast<const char*>(entry) + key_offset_, entry->key_size};
  }
  // That operators gave.
  std::string_view user_key(const Entry* entry) const {
    std::string_view full = key(entry);
    if (has_sessions()) full.remove_suffix(kSlotBytes);
    return full;
  }
  static constexpr std::size_t kSlotBytes = 2;
  // With what it takes to align the next one.
  std::size_t entry_bytes(std::size_t key_size) const {
    return (key_offset_ + key_size + kEntryAlign - 1) / kEntryAlign * kEntryAlign;
  }

  // Of an entry, what changes: all in front of the key.
  std::size_t mutable_bytes() const { return key_offset_; }

  // An entry of the key in `memory` of entry_bytes: rows are initialised and not live.
  Entry* make_entry(void* memory, std::string_view key) const;
  // The row is as in a new entry.
  void initialize(Entry* entry, std::size_t state) const;
  // Appends the entry with its live rows in the form that Table::load reads; the others are gone.
  void encode(const Entry* entry, ByteWriter& out) const;

 private:
  std::vector<RowCodec> codecs_;
  std::vector<std::uint32_t> offsets_;  // of each row from the entry's start
  std::vector<Duration> ttls_;
  std::uint32_t timed_ = 0;
  std::uint32_t key_offset_ = 0;
  bool has_text_ = false;
  std::optional<Duration> session_gap_;
};

}  // namespace gameflow::state
