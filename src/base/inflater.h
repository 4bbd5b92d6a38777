// Unpacks what zlib packed, piece by piece: as much as is asked for, of as much as has come.
//
// Units    sizes are bytes.
// Threads  belongs to one thread.
// Errors   std::bad_alloc where zlib finds no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gameflow {

class Inflater {
 public:
  enum class Format : std::uint8_t {
    kGzip,  // one or more members
    kAny,   // that, or HTTP's "deflate"
  };
  explicit Inflater(Format format);

  // Appends to `bytes` the next ones that `packed` holds, `size_max` at most, and takes off
  // `packed` what it has read. All is read, and nothing is kept back, when fewer than `size_max`
  // come. kInvalidEncoding: it is damaged, or something else.
  Status unpack(std::string_view& packed, std::string& bytes, std::size_t size_max);
  // What has been read ends where a packed whole ends.
  bool is_complete() const { return is_complete_; }

 private:
  struct Stream;
  struct End {
    void operator()(Stream* stream) const;
  };
  std::unique_ptr<Stream, End> stream_;
  bool is_complete_ = false;
};

}  // namespace gameflow
