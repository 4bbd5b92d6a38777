// Records that are taken out of topics before their time, and gone from the disk.
//
// Units    offsets of one partition.
// Threads  any; one caller at a time. Commits go on meanwhile: what is written takes its turn among
//          them, in pieces of some MiB.
// Errors   returned. kDataCorrupt, kDiskFull, kDataUnwritable, kClosed, kOutcomeUnknown: what was
//          taken out before stays so.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "log/state_kv.h"
#include "log/topics.h"
#include "record/batch.h"

namespace gameflow::log {

// What becomes of a record. Its offset, time and key stay.
struct Edit {
  enum class Kind : std::uint8_t { kKeep, kErase, kReplace } kind = Kind::kKeep;
  std::string value = {};  // kReplace: the other one
};
using Editor = std::function<Edit(const record::RecordView&)>;

struct Erased {
  std::uint64_t erased = 0, replaced = 0;  // records
  Offset next;                             // where to go on
};

class Erasures {
 public:
  Erasures() = default;
  Erasures(const Erasures&) = delete;
  Erasures& operator=(const Erasures&) = delete;
  virtual ~Erasures() = default;

  // Edits records of [from, end), as many as one piece has. What is erased leaves a gap in the
  // offsets. `note` is asked, once, which keys of StateKv are put at the same time, if anything is
  // edited. A topic that is deleted meanwhile ends it.
  using Note = std::function<std::vector<KeyValue>(const Erased&)>;
  virtual Result<Erased> erase(TopicId topic, std::uint32_t partition, Offset from, Offset end,
                               const Editor& editor, const Note& note) = 0;
  // Nothing is written: what erase() would do.
  virtual Result<Erased> count(TopicId topic, std::uint32_t partition, Offset from, Offset end,
                               const Editor& editor) const = 0;

  // What was erased from these topics, and from StateKv, is in no file any more when it returns:
  // their tables are written anew, and the write-ahead log behind them is gone.
  virtual Status purge(std::span<const TopicId> topics) = 0;
};

}  // namespace gameflow::log
