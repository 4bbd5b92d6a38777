// A file that somebody else writes: hands out its whole lines, also of a .gz, and tells whether it
// still is the same.
//
// Threads  one at a time.
// Errors   std::runtime_error where reading fails.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/file_handle.h"

namespace gameflow::connect {

// Where reading of a file stands. The check is of what the file holds at its beginning and just
// before `offset`: a file of the same inode may be another one, and a copy has another inode.
struct FilePlace {
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;  // behind the last line that was handed out; of a .gz, unpacked
  std::uint64_t check = 0;
  friend bool operator==(const FilePlace&, const FilePlace&) = default;
};

// How a file is cut: where lines end, and the longest one that counts.
struct LineForm {
  bool has_quotes = false;  // line breaks within "…" belong to the line, as in CSV
  std::size_t line_max = 0;
};

class TailedFile {
 public:
  // Null if there is no such file (any more).
  static std::unique_ptr<TailedFile> open(const std::string& path, const LineForm& form);
  ~TailedFile();

  std::uint64_t inode() const { return inode_; }
  const std::string& path() const { return path_; }
  void set_path(const std::string& path) { path_ = path; }
  bool is_packed() const { return unpacker_ != nullptr; }

  // Whether the file holds at `place.offset` what it did then, whatever its inode. Of a .gz only
  // its beginning is compared.
  bool matches(const FilePlace& place) const;
  // Reading begins there: 0, or where matches() said yes.
  void start_at(std::uint64_t offset);
  FilePlace place() const;
  // The same without a check, for those who call often.
  std::uint64_t offset() const { return offset_; }

  // The next line without its end, valid until the next call; nothing while the last one is not
  // whole. Lines over the limit are left out and counted.
  std::optional<std::string_view> next_line();
  // What stands behind the last whole line, for a file that will not grow.
  std::optional<std::string_view> last_line();
  std::uint64_t too_long() const { return too_long_; }

  // Bytes that the file holds behind what was read.
  std::uint64_t rest() const;
  // Whether it became shorter than what was read, or holds other bytes than at place() of `last`:
  // its writer has begun anew.
  bool was_replaced(const FilePlace& last) const;
  // Whether it is no longer than the other one and has the same first bytes.
  bool may_be_copy_of(const TailedFile& other) const;

 private:
  struct Unpacker;
  TailedFile(std::string path, FileHandle file, std::uint64_t inode, const LineForm& form);
  std::uint64_t check_at(std::uint64_t offset) const;
  bool fill();
  std::optional<std::size_t> find_end();

  std::string path_;
  FileHandle file_;
  std::uint64_t inode_;
  LineForm form_;
  std::unique_ptr<Unpacker> unpacker_;  // of a .gz

  std::uint64_t offset_ = 0;    // of buffer_[begin_]
  std::uint64_t raw_read_ = 0;  // bytes taken from the file
  std::string buffer_;
  std::size_t begin_ = 0, scanned_ = 0;
  std::uint64_t dropped_ = 0;  // bytes of a line over the limit that are gone from the buffer
  bool in_quotes_ = false;
  std::uint64_t too_long_ = 0;
};

}  // namespace gameflow::connect
