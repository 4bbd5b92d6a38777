#include "http/gzip.h"

#include <algorithm>
#include <new>

#include <fmt/format.h>
#include <zlib.h>

#include "base/inflater.h"

namespace gameflow::http {

Result<std::string> gunzip(std::string_view compressed, std::size_t bytes_max) {
  Inflater inflater(Inflater::Format::kGzip);
  std::string bytes;
  for (std::size_t wanted = compressed.size() * 4 + 64;; wanted = bytes.size()) {
    wanted = std::min(wanted, bytes_max + 1 - bytes.size());
    const std::size_t before = bytes.size();
    if (const Status unpacked = inflater.unpack(compressed, bytes, wanted); !unpacked)
      return fail(ErrorCode::kInvalidEncoding,
                  fmt::format("the body is not valid gzip: {}", unpacked.error().message));
    if (bytes.size() > bytes_max)
      return fail(ErrorCode::kPayloadTooLarge,
                  fmt::format("the body is over {} bytes after decompression", bytes_max));
    if (bytes.size() - before < wanted) break;
  }
  if (!inflater.is_complete())
    return fail(ErrorCode::kInvalidEncoding, "the body is cut short: the gzip stream has no end");
  return bytes;
}

std::string gzip(std::string_view bytes) {
  constexpr int kGzipWindow = 15 + 16;  // largest window; +16: with a gzip header, not zlib's
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string compressed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);  // cannot fail: the output has the size zlib asked for
  compressed.resize(compressed.size() - stream.avail_out);
  deflateEnd(&stream);
  return compressed;
}

}  // namespace gameflow::http
