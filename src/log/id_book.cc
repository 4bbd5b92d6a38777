#include "log/id_book.h"

#include <string_view>

#include <xxhash.h>

#include "base/check.h"
#include "record/batch.h"

namespace gameflow::log {
namespace {

// The place of a record of the commit at hand.
constexpr Offset kNoOffset{UINT64_MAX};

Digest canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Digest digest;
  static_assert(sizeof bytes.digest == sizeof digest.bytes);
  std::memcpy(digest.bytes.data(), bytes.digest, sizeof bytes.digest);
  return digest;
}

// Under it is kept that a clash was told, so that the same one is not told twice.
IdKey clash_key(TopicId topic, const IdClaim& claim) {
  const auto text = [](const Digest& digest) {
    return std::string_view(digest.bytes.data(), digest.bytes.size());
  };
  return {topic, digest_of(text(claim.id), text(claim.content))};
}

std::span<const IdClaim> of_same_record(std::span<const IdClaim> claims) {
  std::size_t count = 1;
  while (count < claims.size() && claims[count].record == claims[0].record) ++count;
  return claims.first(count);
}

void remove_records(PreparedCommit::Part& part, std::span<const std::uint32_t> left_out) {
  record::BatchBuilder rest;
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < part.batch->size(); ++i) {
    if (next < left_out.size() && left_out[next] == i) {
      ++next;
      continue;
    }
    const record::RecordView record = (*part.batch)[i];
    rest.add(record.timestamp, record.key, record.value);
  }
  record::BatchBuilder::Sealed sealed;
  if (!rest.empty()) sealed = rest.seal(part.batch->appended_at());
  part.batch = std::move(sealed.batch);
  part.encoded = std::move(sealed.encoded);
}

}  // namespace

Digest digest_of(std::string_view text) {
  return canonical(XXH3_128bits(text.data(), text.size()));
}

Digest digest_of(std::string_view first, std::string_view second) {
  const XXH64_hash_t seed = XXH3_64bits(first.data(), first.size());
  return canonical(XXH3_128bits_withSeed(second.data(), second.size(), seed));
}

Status IdBook::load(std::span<const IdKey> keys) {
  if (keys.empty()) return {};
  GF_ASSIGN(const auto found, find_(keys));
  GF_CHECK(found.size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!found[i]) continue;
    const auto partition = catalog_.partition(keys[i].topic, found[i]->place.partition);
    const Offset begin = partition ? partition->begin : Offset{};
    if (!is_forgotten(*found[i], begin, ages_now_)) stored_.emplace(keys[i], *found[i]);
  }
  return {};
}

Status IdBook::look_up(const PreparedCommit& commit) {
  stored_.clear();
  std::vector<IdKey> keys;
  for (const PreparedCommit::Part& part : commit.parts) {
    for (const IdClaim& claim : part.ids) {
      const IdKey key{part.topic, claim.id};
      if (!claimed_.contains(key)) keys.push_back(key);
    }
  }
  GF_TRY(load(keys));
  if (stored_.empty()) return {};
  keys.clear();
  for (const PreparedCommit::Part& part : commit.parts) {
    for (const IdClaim& claim : part.ids) {
      const auto found = stored_.find({part.topic, claim.id});
      if (found == stored_.end() || found->second.content == claim.content) continue;
      keys.push_back(clash_key(part.topic, claim));
    }
  }
  return load(keys);
}

const IdRecord* IdBook::find(const IdKey& key) const {
  if (const auto found = claimed_.find(key); found != claimed_.end()) return &found->second;
  const auto found = stored_.find(key);
  return found == stored_.end() ? nullptr : &found->second;
}

IdRecord IdBook::record_of(const IdClaim& claim, const IdPlace& place) const {
  IdRecord record{.content = claim.content, .until = {}, .place = place};
  if (claim.within) record.until = taken_at_ + *claim.within;
  return record;
}

// A clash by one id counts more than a duplicate by another.
IdBook::Verdict IdBook::judge(TopicId topic, std::span<const IdClaim> claims) const {
  Verdict verdict;
  for (const IdClaim& claim : claims) {
    const IdKey key{topic, claim.id};
    const IdRecord* const found = find(key);
    if (found == nullptr) continue;
    const bool is_clash =
        found->content != claim.content && find(clash_key(topic, claim)) == nullptr;
    if (is_clash) return {.claim = &claim, .is_clash = true, .first = key};
    if (verdict.claim == nullptr) verdict = {.claim = &claim, .first = key};
  }
  return verdict;
}

Repeated IdBook::leave_out(const Verdict& verdict) const {
  const IdPlace first = find(verdict.first)->place;
  Repeated repeated{.tag = verdict.claim->tag, .is_clash = verdict.is_clash, .first = {}};
  if (first.offset != kNoOffset) repeated.first = first;
  return repeated;
}

// By each of its ids, so that the record is known whichever is looked at first.
void IdBook::note_clashes(TopicId topic, std::span<const IdClaim> claims) {
  for (const IdClaim& claim : claims) {
    const IdKey key{topic, claim.id};
    const IdRecord* const found = find(key);
    if (found == nullptr || found->content == claim.content) continue;
    const IdPlace first = found->place;
    clashes_.emplace_back(clash_key(topic, claim), key);
    claimed_.insert_or_assign(clashes_.back().first, record_of(claim, first));
  }
}

// The records that are to be left out.
std::vector<std::uint32_t> IdBook::judge_part(PreparedCommit::Part& part,
                                              std::vector<Repeated>& repeated,
                                              const std::optional<ClashLetters>& letters,
                                              record::BatchBuilder& written) {
  std::vector<std::uint32_t> left_out;
  std::size_t kept = 0;  // claims
  for (std::size_t i = 0; i < part.ids.size();) {
    const auto claims = of_same_record(std::span<const IdClaim>(part.ids).subspan(i));
    i += claims.size();
    const std::uint32_t index = claims[0].record;
    const Verdict verdict = judge(part.topic, claims);
    if (verdict.claim == nullptr) {
      for (IdClaim claim : claims) {
        claimed_.insert_or_assign({part.topic, claim.id},
                                  record_of(claim, {part.partition, kNoOffset}));
        claim.record -= static_cast<std::uint32_t>(left_out.size());
        part.ids[kept++] = claim;
      }
      continue;
    }
    left_out.push_back(index);
    repeated.push_back(leave_out(verdict));
    if (!verdict.is_clash) continue;
    note_clashes(part.topic, claims);
    if (!letters) continue;
    const record::RecordView record = (*part.batch)[index];
    written.add(record.timestamp, record.key, letters->write(repeated.back(), record));
  }
  part.ids.resize(kept);
  return left_out;
}

std::vector<Repeated> IdBook::sort_out(PreparedCommit& commit) {
  clashes_.clear();
  std::vector<Repeated> repeated;
  record::BatchBuilder written;
  Timestamp appended_at;
  for (PreparedCommit::Part& part : commit.parts) {
    if (part.ids.empty()) continue;
    appended_at = part.batch->appended_at();
    const auto left_out = judge_part(part, repeated, commit.letters, written);
    if (!left_out.empty()) remove_records(part, left_out);
  }
  if (written.empty()) return repeated;
  record::BatchBuilder::Sealed sealed = written.seal(appended_at);
  commit.parts.push_back({.topic = commit.letters->topic,
                          .partition = 0,
                          .batch = std::move(sealed.batch),
                          .encoded = std::move(sealed.encoded),
                          .ids = {}});
  return repeated;
}

void IdBook::claim(const PreparedCommit& commit) {
  for (const PreparedCommit::Part& part : commit.parts) {
    for (const IdClaim& claim : part.ids) {
      claimed_.at({part.topic, claim.id}).place.offset = part.batch->offset(claim.record);
    }
  }
  for (const auto& [clash, first] : clashes_) claimed_.at(clash).place = find(first)->place;
}

}  // namespace gameflow::log
