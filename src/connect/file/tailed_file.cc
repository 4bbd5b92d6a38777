#include "connect/file/tailed_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

namespace gameflow::connect {
namespace {

constexpr std::size_t kReadBytes = 256 << 10;
constexpr std::size_t kCheckBytes = 256;
constexpr std::size_t kPackedCheckBytes = 16;

std::size_t read_at(const FileHandle& file, const std::string& path, char* out, std::size_t size,
                    std::uint64_t offset) {
  ssize_t count = 0;
  do {
    count = ::pread(file.get(), out, size, static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) throw std::runtime_error(fmt::format("{}: {}", path, std::strerror(errno)));
  return static_cast<std::size_t>(count);
}

std::uint64_t size_of(const FileHandle& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// FNV-1a.
std::uint64_t hash(std::string_view bytes, std::uint64_t seed) {
  for (const char c : bytes) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return seed;
}

}  // namespace

struct TailedFile::Unpacker {
  Unpacker() {
    if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  ~Unpacker() { inflateEnd(&stream); }

  // Unpacks what is read of `packed` behind `out`; at most about kReadBytes come.
  void unpack(const std::string& path, std::string& out) {
    const std::size_t before = out.size();
    out.resize(before + kReadBytes);
    stream.next_in = reinterpret_cast<Bytef*>(packed.data() + packed_begin);
    stream.avail_in = static_cast<uInt>(packed.size() - packed_begin);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = kReadBytes;
    const int code = inflate(&stream, Z_NO_FLUSH);
    packed_begin = packed.size() - stream.avail_in;
    out.resize(out.size() - stream.avail_out);
    is_at_end = code == Z_STREAM_END;
    has_more = stream.avail_out == 0;
    // Another member may follow, as where two .gz were put behind each other.
    if (is_at_end) inflateReset(&stream);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      throw std::runtime_error(fmt::format("{} is no sound gzip file: {}", path,
                                           stream.msg != nullptr ? stream.msg : "damaged"));
  }

  z_stream stream{};
  std::string packed;
  std::size_t packed_begin = 0;
  bool is_at_end = false;  // of a member
  bool has_more = false;   // than fitted
};

std::unique_ptr<TailedFile> TailedFile::open(const std::string& path, const LineForm& form) {
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT) return nullptr;
    throw std::runtime_error(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  return std::unique_ptr<TailedFile>(new TailedFile(path, std::move(file), status.st_ino, form));
}

TailedFile::TailedFile(std::string path, FileHandle file, std::uint64_t inode, const LineForm& form)
    : path_(std::move(path)), file_(std::move(file)), inode_(inode), form_(form) {
  if (path_.ends_with(".gz")) unpacker_ = std::make_unique<Unpacker>();
}

TailedFile::~TailedFile() = default;

std::uint64_t TailedFile::check_at(std::uint64_t offset) const {
  std::array<char, kCheckBytes> bytes{};
  // Where unpacked bytes stand in a .gz nobody can tell quickly: its header has to do.
  if (is_packed()) offset = std::min<std::uint64_t>(offset, kPackedCheckBytes);
  const std::size_t size = std::min<std::uint64_t>(offset, kCheckBytes);
  std::uint64_t check = 0xcbf29ce484222325U;
  for (const std::uint64_t from : {std::uint64_t{0}, offset - size})
    check = hash({bytes.data(), read_at(file_, path_, bytes.data(), size, from)}, check);
  return check;
}

bool TailedFile::matches(const FilePlace& place) const {
  return (is_packed() || size_of(file_) >= place.offset) && check_at(place.offset) == place.check;
}

FilePlace TailedFile::place() const {
  return {inode_, offset_, check_at(offset_)};
}

void TailedFile::start_at(std::uint64_t offset) {
  buffer_.clear();
  begin_ = scanned_ = 0;
  dropped_ = 0;
  in_quotes_ = false;
  offset_ = raw_read_ = 0;
  if (!is_packed()) {
    offset_ = raw_read_ = offset;
    return;
  }
  unpacker_ = std::make_unique<Unpacker>();
  while (offset_ < offset && fill()) {
    const std::size_t skipped = std::min<std::uint64_t>(buffer_.size(), offset - offset_);
    buffer_.erase(0, skipped);
    offset_ += skipped;
  }
}

// Whether more bytes have come into the buffer.
bool TailedFile::fill() {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  const std::size_t before = buffer_.size();
  std::string& into = is_packed() ? unpacker_->packed : buffer_;
  if (is_packed()) {
    into.erase(0, unpacker_->packed_begin);
    unpacker_->packed_begin = 0;
  }
  if (!is_packed() || (into.empty() && !unpacker_->has_more)) {
    const std::size_t kept = into.size();
    into.resize(kept + kReadBytes);
    const std::size_t count = read_at(file_, path_, into.data() + kept, kReadBytes, raw_read_);
    into.resize(kept + count);
    raw_read_ += count;
  }
  if (is_packed() && (!into.empty() || unpacker_->has_more)) unpacker_->unpack(path_, buffer_);
  return buffer_.size() > before;
}

// The place of the next line's end in the buffer, as far as that is searched.
std::optional<std::size_t> TailedFile::find_end() {
  if (!form_.has_quotes || dropped_ > 0) {
    const std::size_t at = buffer_.find('\n', scanned_);
    scanned_ = std::min(at, buffer_.size());
    return at == std::string::npos ? std::nullopt : std::optional(at);
  }
  for (; scanned_ < buffer_.size(); ++scanned_) {
    if (buffer_[scanned_] == '"') in_quotes_ = !in_quotes_;
    if (buffer_[scanned_] == '\n' && !in_quotes_) return scanned_;
  }
  return std::nullopt;
}

std::optional<std::string_view> TailedFile::next_line() {
  while (true) {
    const std::optional<std::size_t> end = find_end();
    if (!end) {
      if (dropped_ > 0 || buffer_.size() - begin_ > form_.line_max) {
        dropped_ += buffer_.size() - begin_;
        begin_ = scanned_ = buffer_.size();
        in_quotes_ = false;
      }
      if (!fill()) return std::nullopt;
      continue;
    }
    std::string_view line(buffer_.data() + begin_, *end - begin_);
    offset_ += dropped_ + line.size() + 1;
    const bool is_too_long = dropped_ > 0 || line.size() > form_.line_max;
    begin_ = scanned_ = *end + 1;
    dropped_ = 0;
    if (is_too_long) {
      ++too_long_;
      continue;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
}

std::optional<std::string_view> TailedFile::last_line() {
  if (is_packed() && !unpacker_->is_at_end) return std::nullopt;
  if (dropped_ > 0 || begin_ == buffer_.size()) return std::nullopt;
  const std::string_view line(buffer_.data() + begin_, buffer_.size() - begin_);
  offset_ += line.size();
  begin_ = scanned_ = buffer_.size();
  return line;
}

std::uint64_t TailedFile::rest() const {
  const std::uint64_t size = size_of(file_), read = is_packed() ? raw_read_ : offset_;
  return size > read ? size - read : 0;
}

bool TailedFile::was_replaced(const FilePlace& last) const {
  if (size_of(file_) < raw_read_ || !matches(last)) return true;
  if (is_packed() || dropped_ > 0) return false;
  // And of a line that is not whole yet.
  std::array<char, kCheckBytes> bytes{};
  const std::string_view half =
      std::string_view(buffer_).substr(begin_, std::min(buffer_.size() - begin_, kCheckBytes));
  return half !=
         std::string_view(bytes.data(), read_at(file_, path_, bytes.data(), half.size(), offset_));
}

bool TailedFile::may_be_copy_of(const TailedFile& other) const {
  std::array<char, kCheckBytes> mine{}, theirs{};
  const std::size_t size = read_at(file_, path_, mine.data(), mine.size(), 0);
  return size > 0 && size_of(file_) <= size_of(other.file_) &&
         read_at(other.file_, other.path_, theirs.data(), size, 0) == size &&
         std::equal(mine.begin(), mine.begin() + size, theirs.begin());
}

}  // namespace gameflow::connect
