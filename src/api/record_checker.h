// Records of a request's body on their way into the partitions of one topic: checked, keyed,
// partitioned, collected in batches.
//
// Threads  a RecordChecker belongs to one; Turns is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/api.h"
#include "base/mutex.h"
#include "log/append.h"
#include "log/topics.h"
#include "record/arena.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/json_split.h"
#include "record/type.h"
#include "spec/ingest.h"

namespace gameflow::api {

// Batches are cut at about this size, so that readers who want a few records need not unpack many.
inline constexpr std::size_t kBatchBytes = 1U << 20;

// A topic, and the type of its records, which outlives all that use it; null: no schema.
struct Destination {
  log::TopicInfo topic;
  const record::Type* type = nullptr;
  std::vector<spec::IdRule> ids = {};
  // Fields of its type whose text is the key of a table of the dataflow.
  std::vector<std::string> table_keys = {};
};

// kTopicNotFound or kForbidden, with a sentence for the client
using FindTopic = std::function<Result<Destination>(std::string_view name)>;

// What a body came to, before it is committed. The records lie where they did, in the body or in
// `copies`: both stay until `appends` are stored.
struct CheckedBody {
  ProduceReply reply;
  std::vector<log::Append> appends;
  std::deque<std::string> copies;
  std::uint64_t records = 0;  // in the body, rejected and duplicates included
  std::uint64_t known = 0;    // of them, those at the front that an earlier request has settled
  std::size_t lent_bytes = 0;
  ClocksByPlatform clocks;  // of events
  // What the tags of claims to ids stand for.
  struct IdField {
    std::string topic, field;
  };
  std::vector<IdField> id_fields;
  // A tag holds the number of a record, and which of `id_fields` it is.
  static constexpr unsigned kIdFieldBits = 16;

  // The record at hand, which is number `records`.
  void reject(std::string field, ErrorCode code, std::string message);
  // A copy that decoders may read past, with kPaddingBytes behind it.
  std::string_view padded(std::string_view text);
};

// Where the next batch of records without a key goes: each topic's partitions in turn.
class Turns {
 public:
  std::uint32_t next_partition(const log::TopicInfo& topic);

 private:
  Mutex mutex_;
  std::unordered_map<log::TopicId, std::uint32_t> last_ GF_GUARDED_BY(mutex_);
};

// What checking needs over and over.
struct CheckScratch {
  record::Decoder decoder;
  record::BlockArena arena;
  std::string key, id, content;  // of the record at hand
  std::vector<std::max_align_t> value;
  // Of records that say where they go.
  record::Decoder envelope_decoder;
  record::BlockArena envelope_arena;
};

class RecordChecker {
 public:
  struct Settings {
    BodyFormat format = BodyFormat::kNdjson;
    std::optional<std::string_view> key_field;
    // Where mistakes are, in the record as it was sent: in front of the fields of its value, and
    // its key where that is no field.
    std::string_view value_place, key_place;
    Timestamp now;
    bool deduplicates = true;
    std::uint64_t known = 0;     // records at the front that are checked, and left out
    std::size_t body_bytes = 0;  // about so many come
    // Whether records that lack a field may be taken out of an array in what was sent.
    bool may_be_wrapped = false;
  };

  // All of it outlives the checker.
  RecordChecker(Turns& turns, CheckScratch& scratch, const Destination& to, Settings settings,
                CheckedBody& out);

  // The next record, number `out.records`; `bytes_after`: how many bytes may be read behind it.
  // `sent`: its content as the client sent it, if that is another.
  void add(std::optional<std::string_view> key, std::string_view value, std::size_t bytes_after,
           std::string_view sent = {});
  // Once, behind the last one.
  void finish();

 private:
  bool check(std::string_view& value, std::size_t bytes_after);
  bool from_json(std::string_view& value);
  // A kind of ids that records have.
  struct Id {
    const spec::IdRule* rule;
    std::uint64_t field;  // in id_fields
    std::optional<record::FieldPath> path;
  };
  std::optional<std::string_view> read(const std::optional<record::FieldPath>& path,
                                       std::string_view field, std::string_view value,
                                       std::string& scratch) const;
  bool check_table_keys();
  void claim_ids(std::string_view value, std::string_view sent);
  void append(std::string_view value);
  void cut(std::uint32_t partition);
  bool read_key(std::string_view value);
  record::Outlined on_one_line(std::string_view& value);
  bool reject_undecoded(std::string_view value);
  std::string hint_for(std::string_view value) const;
  bool reject(std::string_view field, ErrorCode code, std::string message);

  Turns& turns_;
  CheckScratch& scratch_;
  const log::TopicInfo& topic_;
  const record::Type* const type_;
  const bool is_raw_;
  const Settings settings_;
  CheckedBody& out_;
  std::optional<record::FieldPath> path_;
  std::vector<Id> ids_;
  std::vector<std::pair<std::string_view, record::FieldPath>> table_keys_;
  std::vector<log::IdClaim> claims_;                // of the record at hand
  std::vector<std::vector<log::IdClaim>> claimed_;  // those of batches_
  std::optional<std::string_view> key_;             // of the record at hand
  std::vector<record::BatchBuilder> batches_;       // one for each partition
  std::vector<bool> lends_;                         // whether that borrows its values
  std::optional<std::uint32_t> unkeyed_;  // the partition that records without a key go to now
};

}  // namespace gameflow::api
