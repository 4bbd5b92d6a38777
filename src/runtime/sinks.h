// The way from values to the topics of the sinks: each sink takes all of them, through a chain of
// its own.
//
// Threads  one; scratch is passed in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "runtime/row_reader.h"
#include "runtime/service.h"

namespace gameflow::runtime {

// Values that go to the sinks, as columns.
struct SinkScratch {
  std::vector<const void*> values;
  std::vector<i64> times;
  std::vector<const Optional<Text>*> record_keys;  // null: not said; the caller knows
  std::vector<Text> row_keys;                      // empty where there are none

  void clear();
  void add(const abi::Emitted& value) {
    values.push_back(value.value);
    times.push_back(value.time);
    record_keys.push_back(value.record_key);
  }

  std::vector<Optional<Text>> known_keys;  // for a chain that asks
  std::vector<abi::RecordError> errors;
};

// An operator's call outside of any window. Null: there is nothing that it can read.
abi::Call call_with(Arena& arena, RowReader* reader);

// Who gets what becomes of the values.
class SinkTaker {
 public:
  virtual ~SinkTaker() = default;
  // The key of value `number`, where no function has said one.
  virtual std::optional<std::string_view> key_of(std::uint32_t number) const = 0;
  // A value of the sink's type that value `number` became.
  virtual void take(const BoundSink& sink, std::uint32_t number, const void* value,
                    std::optional<std::string_view> key) = 0;
  virtual void fail(std::string_view op, std::uint32_t number, std::string reason) = 0;
};

// What the chains of the sinks do is added to `counts`, which has room for all operators.
void run_sinks(const Service& service, SinkScratch& values, Arena& arena, RowReader* reader,
               SinkTaker& taker, OperatorCounts& counts);

}  // namespace gameflow::runtime
