#include "http/gzip.h"

#include <algorithm>
#include <new>

#include <fmt/format.h>
#include <zlib.h>

namespace gameflow::http {
namespace {

constexpr int kGzipWindow = 15 + 16;  // largest window; +16: with a gzip header, not zlib's

Bytef* input_of(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

// Owns an inflate stream.
struct Inflater {
  z_stream stream{};
  Inflater() {
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

}  // namespace

Result<std::string> gunzip(std::string_view compressed, std::size_t bytes_max) {
  Inflater inflater;
  z_stream& stream = inflater.stream;
  stream.next_in = input_of(compressed);
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string bytes;
  std::size_t size = 0;
  for (;;) {
    if (size == bytes.size())
      bytes.resize(std::min(bytes_max + 1, std::max(bytes.size() * 2, compressed.size() * 4 + 64)));
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + size);
    stream.avail_out = static_cast<uInt>(bytes.size() - size);
    const int code = inflate(&stream, Z_NO_FLUSH);
    size = bytes.size() - stream.avail_out;
    if (size > bytes_max)
      return fail(ErrorCode::kPayloadTooLarge,
                  fmt::format("the body is over {} bytes after decompression", bytes_max));
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) break;
      if (inflateReset(&stream) != Z_OK) throw std::bad_alloc();
      continue;
    }
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code == Z_OK && (stream.avail_in > 0 || stream.avail_out == 0)) continue;
    return fail(ErrorCode::kInvalidEncoding,
                code == Z_DATA_ERROR || code == Z_NEED_DICT
                    ? fmt::format("the body is not valid gzip: {}",
                                  stream.msg != nullptr ? stream.msg : "damaged")
                    : std::string("the body is cut short: the gzip stream has no end"));
  }
  bytes.resize(size);
  return bytes;
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string compressed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = input_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);  // cannot fail: the output has the size zlib asked for
  compressed.resize(compressed.size() - stream.avail_out);
  deflateEnd(&stream);
  return compressed;
}

}  // namespace gameflow::http
