// Learned shapes: what lies between the values of records. Internal to src/record.
//
// The records of one producer differ in their values and hardly ever in what is between them:
//
//     {"event_name":"  player_action  ","parameters":{"player_id":"  p_17  "}}
//     ---- gap ------  --- value ---  ------------- gap -----------  value  gap
//
// A record that was decoded the full way leaves its gaps behind, each with what to do with the
// value that follows. Where the next record has the same gaps, its values are taken by position:
// no tokens, no look at keys, no check of what is required, since all that is the same as in the
// record before. The values themselves are checked as ever. Whatever differs, from an escape to a
// blank, is a miss, and then the record goes the full way; so there are no errors here.
//
// Why that is exact: a gap holds both quotes of a string beside it, and a number or word ends where
// its gap begins, which is where a token can end. So a record that fits has the tokens of the
// record that was learned, with other values of the same kinds; and those were accepted.
//
// The shapes of a type are a tree: records that begin alike share their first steps, and a step has
// alternatives where they differ. The items of a list have a tree of their own, gone through for
// each item. Where records have no shapes in common, learning stops and is tried again later.
//
// Threads  one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record/outline.h"
#include "record/slot.h"
#include "record/type.h"

namespace gameflow::record {

struct Plan;

class Shapes {
 public:
  // Whether it is worth to try the record at hand. Call it once a record.
  bool ready(std::string_view json);

  // Takes the values of `json`, readable for kPaddingBytes past its end, into `out`, zeroed. On
  // false `json` fits no shape, and may be good or bad; `out` holds no promise then.
  bool take(std::string_view json, ListMemory& lists, char* out);

  // Of the text that was just taken. Until the next call.
  Outlined outlined() const;

  // Remembers the shape of `json`, which was just decoded the full way, as `plan` says; null: as
  // any value.
  void learn(const Plan* plan, std::string_view json);

  static constexpr std::uint32_t kNone = UINT32_MAX;

  // What follows a gap.
  enum class Take : std::uint8_t {
    kEnd,      // nothing: the text ends
    kItemEnd,  // nothing: the item ends
    kPresent,  // nothing, but the gap says that an optional object is there
    kText,
    kBytes,
    kWord,  // text that stands for a value of another kind
    kBool,
    kNumber,
    kList,
    // Of unknown fields: checked and left.
    kPassText,
    kPassBool,
    kPassNumber,
    kPassList,
  };

  // What a part of a column must be to be taken so.
  static Part part_for(Take take);

  // A value, and where in the struct it belongs.
  struct Value {
    Take take;
    std::uint32_t slot;
    std::uint32_t flag;  // of the optional in the struct, or kNone
    const Type* type;
  };
  // Of the only record that was learned its values in order, those that are there without text
  // included. Empty where it could not be learned whole.
  std::vector<Value> values() const;

 private:
  friend class ShapeLearner;

  struct Step {
    Gap gap;
    std::uint32_t next = kNone;   // what may follow
    std::uint32_t other = kNone;  // what may stand here instead
    std::uint32_t slot = 0;       // of the value in the struct
    std::uint32_t flag = kNone;   // of the optional in the struct
    std::uint32_t list = 0;       // in lists_; of kEnd in outlines_
    std::uint32_t opened = 0;     // bytes of a list that belong to the gap: its bracket and blanks
    Take take = Take::kEnd;
    const Type* type = nullptr;  // of the value
  };

  struct List {
    std::uint32_t items = 0;  // the step before the first of an item
    Gap between;              // empty until a list of two was seen
    Gap close;                // empty until a list was not
  };

  // Takes what follows `before`, up to where it ends; null if nothing fits. kWhole: of the text,
  // not of an item.
  template <bool kWhole>
  const char* run(std::uint32_t before, const char* at, const char* end, char* out);
  void forget();
  bool has(const Gap& gap, const char* at, const char* end) const {
    return gap.begins(at, end, gaps_.data());
  }
  // Takes the value of `step`, likewise; of one that is neither text nor nothing.
  const char* value(const Step& step, const char* at, const char* end, char* out);
  const char* bytes(const Step& step, const char* at, const char* end, char* out);
  const char* list(const Step& step, const char* at, const char* end, char* out);

  std::vector<Step> steps_;  // the first one stands before all others and takes nothing
  std::vector<List> lists_;
  std::string gaps_;
  ListMemory* memory_ = nullptr;  // of the record at hand
  // How the texts of each kEnd are stored in columns; null where they are not.
  std::vector<OutlinePtr> outlines_;
  std::vector<std::string_view> parts_;  // of the record at hand
  const OutlinePtr* outline_ = nullptr;  // likewise
  bool have_breaks_ = false;             // the gaps have line breaks, some of them
  int balance_ = 0;                      // of hits and misses
  std::uint32_t rest_ = 0;               // so many records are not worth to be tried
};

}  // namespace gameflow::record
