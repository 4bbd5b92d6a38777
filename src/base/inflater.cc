#include "base/inflater.h"

#include <new>

#include <fmt/format.h>
#include <zlib.h>

namespace gameflow {
namespace {

// The largest window, and what zlib adds to it for the header.
constexpr int kWindow = 15;
constexpr int kHeaderOfGzip = 16, kHeaderOfAny = 32;

}  // namespace

struct Inflater::Stream {
  z_stream state{};
};

void Inflater::End::operator()(Stream* stream) const {
  inflateEnd(&stream->state);
  delete stream;
}

Inflater::Inflater(Format format) : stream_(new Stream) {
  const int header = format == Format::kGzip ? kHeaderOfGzip : kHeaderOfAny;
  if (inflateInit2(&stream_->state, kWindow + header) != Z_OK) throw std::bad_alloc();
}

Status Inflater::unpack(std::string_view& packed, std::string& bytes, std::size_t size_max) {
  z_stream& stream = stream_->state;
  const std::size_t begin = bytes.size();
  bytes.resize(begin + size_max);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + begin);
  stream.avail_out = static_cast<uInt>(size_max);
  int code = Z_OK;
  do {
    if (is_complete_ && stream.avail_in > 0) {  // the next member
      if (inflateReset(&stream) != Z_OK) throw std::bad_alloc();
      is_complete_ = false;
    }
    code = inflate(&stream, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    is_complete_ = is_complete_ || code == Z_STREAM_END;
  } while ((code == Z_OK || code == Z_STREAM_END) && stream.avail_in > 0 && stream.avail_out > 0);
  packed.remove_prefix(packed.size() - stream.avail_in);
  bytes.resize(bytes.size() - stream.avail_out);
  if (code == Z_DATA_ERROR || code == Z_NEED_DICT || code == Z_STREAM_ERROR)
    return fail(ErrorCode::kInvalidEncoding, stream.msg != nullptr ? stream.msg : "damaged");
  return {};
}

}  // namespace gameflow
