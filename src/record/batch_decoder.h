// The values of a batch into structs, many at a time. It accepts, and makes, exactly what Decoder
// does with the text of each value; batch_decoder_test.cc compares the two.
//
// Where the values lie in columns no JSON is read: the first value of a shape is decoded the full
// way, which says where in the struct each column belongs; the others are copies of that struct
// with the parts put in. What has a part that does not fit, like a number too large, goes the full
// way as well, which finds the error.
//
// Threads  one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "record/arena.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/type.h"

namespace gameflow::record {

class BatchDecoder {
 public:
  struct Failure {
    std::uint32_t record;
    DecodeError error;
  };

  BatchDecoder();
  ~BatchDecoder();
  BatchDecoder(BatchDecoder&&) noexcept;
  BatchDecoder& operator=(BatchDecoder&&) noexcept;

  // Decodes the records from `first` on: record i into out + (i - first) * type.size. Those that
  // are not of the type are appended to `failures`, in order; their structs hold no promise.
  // `type`, as in Decoder, lives as long as this; batch and arena outlive `out`. Throws
  // std::bad_alloc.
  void decode(const Type& type, const Batch& batch, std::size_t first, Arena& arena, char* out,
              std::vector<Failure>& failures);

 private:
  class Run;

  Decoder decoder_;
  std::unique_ptr<class Plans> plans_;
  std::string text_;  // of one value
};

}  // namespace gameflow::record
