// What both back ends do with ids, while commits become one write.
//
// Threads  the thread that commits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/error.h"
#include "base/time.h"
#include "log/catalog.h"
#include "log/ids.h"
#include "record/batch.h"

namespace gameflow::log {

struct IdKey {
  TopicId topic;
  Digest digest;

  friend auto operator<=>(const IdKey&, const IdKey&) = default;
};

// What the store remembers of an id.
struct IdRecord {
  Digest content;
  std::optional<Timestamp> until;  // of the clock of ages; nothing: while the record is kept
  IdPlace place;
};

// Whether an id may be taken again. `begin`: of the partition that the place names.
inline bool is_forgotten(const IdRecord& record, Offset begin, Timestamp ages_now) {
  return record.until ? *record.until <= ages_now : record.place.offset < begin;
}

// Of one group of commits.
class IdBook {
 public:
  // What is stored under each key, forgotten or not; kDataCorrupt.
  using Find = std::function<Result<std::vector<std::optional<IdRecord>>>(std::span<const IdKey>)>;

  // Ids are taken `now`, and forgotten by the time `ages_now` of the clock of ages, which may be
  // far behind for a while after a restart.
  IdBook(const Catalog& catalog, Timestamp now, Timestamp ages_now, Find find)
      : catalog_(catalog),
        taken_at_(std::max(now, ages_now)),
        ages_now_(ages_now),
        find_(std::move(find)) {}

  // Looks up the ids of a commit: all that can fail.
  Status look_up(const PreparedCommit& commit);
  // Takes records that are repeated out of the commit, which may leave parts without a batch, and
  // adds a part of letters.
  std::vector<Repeated> sort_out(PreparedCommit& commit);
  // The ids of the records are theirs, now that they have their places.
  void claim(const PreparedCommit& commit);

  struct Hash {
    std::size_t operator()(const IdKey& key) const {
      std::size_t hash = 0;
      std::memcpy(&hash, key.digest.bytes.data(), sizeof hash);
      return hash ^ key.topic.value;
    }
  };
  using Records = boost::unordered_flat_map<IdKey, IdRecord, Hash>;
  // To be stored with the commits.
  const Records& claimed() const { return claimed_; }

 private:
  struct Verdict {
    const IdClaim* claim = nullptr;  // the one whose id is taken; null: none is
    bool is_clash = false;
    IdKey first = {};  // whose record has it
  };
  Status load(std::span<const IdKey> keys);
  const IdRecord* find(const IdKey& key) const;
  Verdict judge(TopicId topic, std::span<const IdClaim> claims) const;
  Repeated leave_out(const Verdict& verdict) const;
  void note_clashes(TopicId topic, std::span<const IdClaim> claims);
  std::vector<std::uint32_t> judge_part(PreparedCommit::Part& part, std::vector<Repeated>& repeated,
                                        const std::optional<ClashLetters>& letters,
                                        record::BatchBuilder& written);
  IdRecord record_of(const IdClaim& claim, const IdPlace& place) const;

  const Catalog& catalog_;
  const Timestamp taken_at_, ages_now_;
  const Find find_;
  Records claimed_;  // by this group of commits
  Records stored_;   // what the store had, of the commit at hand; none that is forgotten
  // What is kept of the clashes of the commit at hand, and the ids that were taken.
  std::vector<std::pair<IdKey, IdKey>> clashes_;
};

}  // namespace gameflow::log
