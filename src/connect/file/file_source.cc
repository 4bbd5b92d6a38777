// Position  of each file `INODE:OFFSET:CHECK` in hexadecimal, with a space between them.
#include "connect/file/file_source.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <thread>

#include <dirent.h>
#include <fmt/format.h>
#include <glob.h>

#include "connect/file/csv_record.h"
#include "connect/file/tailed_file.h"

namespace gameflow::connect {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t kPositionBytesMax = 4'096;
constexpr std::size_t kFormerMax = 100;
constexpr auto kScanEvery = 500ms;
constexpr auto kPause = 50ms;
// A file that went out of sight may still be written to for so long.
constexpr auto kLinger = 5s;

constexpr std::string_view kFormats[] = {"ndjson", "csv"};
constexpr std::int64_t kRecordMax = 4 << 20;

constexpr Setting kSettings[] = {
    {.key = "path",
     .is_required = true,
     .doc = "the file, or a pattern of files as a shell has them: `*`, `?`, `[a-z]`. Names that "
            "end in `.gz` are unpacked",
     .example = "/var/log/game/events.log*"},
    {.key = "format",
     .kind = SettingKind::kWord,
     .fallback = "ndjson",
     .doc = "`ndjson`: each line is a record; `csv`: RFC 4180 with a header",
     .words = kFormats},
    {.key = "types",
     .kind = SettingKind::kMap,
     .doc = "of CSV: columns that are `text` whatever they hold; of the others, cells that are "
            "numbers, `true` or `false` are that, and empty ones are left out",
     .example = "{ zip: text }"},
    {.key = "record-max",
     .kind = SettingKind::kBytes,
     .fallback = "1MiB",
     .doc = "a longer line is left out, which the log says",
     .min = 1,
     .max = kRecordMax},
};

std::string to_text(const FilePlace& place) {
  return fmt::format("{:x}:{:x}:{:x}", place.inode, place.offset, place.check);
}

std::optional<FilePlace> place_from(std::string_view text) {
  FilePlace place;
  for (std::uint64_t* const number : {&place.inode, &place.offset, &place.check}) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number, 16);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(':')) text.remove_prefix(1);
  }
  return text.empty() ? std::optional(place) : std::nullopt;
}

std::vector<std::string> files_of(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

// A file that is read, and what is known of it beside that.
struct Followed {
  std::unique_ptr<TailedFile> file;
  FilePlace last;                   // as of the last look at it
  std::optional<CsvHeader> header;  // of CSV, once it was read
  steady_clock::time_point seen{};  // when the pattern last named it
  std::uint64_t told_too_long = 0, bad_rows = 0;
  bool is_damaged = false;  // nothing more comes of it
};

class FileSource final : public Source {
 public:
  FileSource(const Settings& settings, Host& host)
      : host_(host),
        pattern_(settings.text("path")),
        is_csv_(settings.text("format") == "csv"),
        form_{.has_quotes = is_csv_,
              .line_max = static_cast<std::size_t>(settings.number("record-max"))} {
    for (const auto& [column, type] : settings.map("types")) {
      if (type != "text" && type != "auto")
        throw std::runtime_error(
            fmt::format("types: '{}' of column '{}' is none: write text or auto", type, column));
      types_[column] = type == "text" ? CsvType::kText : CsvType::kAuto;
    }
  }

  void open(std::string_view position) override;
  Batch poll(std::chrono::milliseconds wait, std::size_t bytes_max) override;
  std::optional<std::uint64_t> lag() const override;
  void close() noexcept override { files_.clear(); }

 private:
  void look_around();
  void forget_gone(steady_clock::time_point now);
  void add(const std::string& path, steady_clock::time_point now);
  std::optional<std::uint64_t> known_offset(const TailedFile& file);
  bool may_become_copy(const TailedFile& file, steady_clock::time_point now);
  void find_out_of_sight();
  void read(Followed& followed, Batch& batch, std::size_t& bytes, std::size_t bytes_max);
  void take(Followed& followed, std::string_view line, Batch& batch, std::size_t& bytes);
  void begin(Followed& followed, std::uint64_t offset);
  void read_header(Followed& followed, std::string_view line);
  std::string position() const;

  Host& host_;
  std::string pattern_;
  bool is_csv_;
  LineForm form_;
  std::map<std::string, CsvType, std::less<>> types_;
  // Where reading stood in files of which nothing is known now: those of the stored position, and
  // those that have been begun anew.
  std::vector<FilePlace> former_;
  std::vector<Followed> files_;
  std::map<std::uint64_t, steady_clock::time_point> maybe_copies_;  // inode: since when
  steady_clock::time_point next_scan_{};
};

void FileSource::open(std::string_view position) {
  while (!position.empty()) {
    const std::size_t space = position.find(' ');
    const std::optional<FilePlace> place = place_from(position.substr(0, space));
    if (!place)
      throw std::runtime_error(
          "the stored position is not one of a file-source: `gameflow connector delete NAME` "
          "forgets it");
    former_.push_back(*place);
    position.remove_prefix(space == std::string_view::npos ? position.size() : space + 1);
  }
  look_around();
  find_out_of_sight();
  if (files_.empty()) host_.tell(fmt::format("no file is named {} yet", pattern_));
}

// Where reading of a file goes on that was read before: as the one that it is, or as the copy of
// one. Log rotation that copies and then truncates leaves such.
std::optional<std::uint64_t> FileSource::known_offset(const TailedFile& file) {
  const auto take = [&](bool of_any_inode) -> std::optional<std::uint64_t> {
    const auto place = std::find_if(former_.begin(), former_.end(), [&](const FilePlace& p) {
      return (of_any_inode ? p.offset > 0 : p.inode == file.inode()) && file.matches(p);
    });
    if (place == former_.end()) return std::nullopt;
    const std::uint64_t offset = place->offset;
    former_.erase(place);
    return offset;
  };
  if (const auto offset = take(false)) return offset;
  if (file.is_packed()) return std::nullopt;
  for (const Followed& other : files_)
    if (!other.file->is_packed() && other.file->was_replaced(other.last) && other.last.offset > 0 &&
        file.matches(other.last))
      return other.last.offset;
  return take(true);
}

// Whether the file might be a copy in the making, of one that is to be truncated next.
bool FileSource::may_become_copy(const TailedFile& file, steady_clock::time_point now) {
  const bool is_alike = std::any_of(files_.begin(), files_.end(), [&](const Followed& other) {
    return file.may_be_copy_of(*other.file);
  });
  if (!is_alike) return false;
  return now < maybe_copies_.try_emplace(file.inode(), now).first->second + kLinger;
}

void FileSource::begin(Followed& followed, std::uint64_t offset) {
  followed.header.reset();
  followed.file->start_at(0);
  if (is_csv_ && offset > 0) {
    if (const auto line = followed.file->next_line()) read_header(followed, *line);
  }
  if (offset > 0) followed.file->start_at(offset);
  followed.last = followed.file->place();
}

void FileSource::read_header(Followed& followed, std::string_view line) {
  try {
    followed.header.emplace(line, types_);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", followed.file->path(), error.what()));
  }
}

void FileSource::add(const std::string& path, steady_clock::time_point now) {
  std::unique_ptr<TailedFile> file = TailedFile::open(path, form_);
  if (!file) return;
  const auto known = std::find_if(files_.begin(), files_.end(), [&](const Followed& followed) {
    return followed.file->inode() == file->inode();
  });
  if (known != files_.end()) {
    known->seen = now;
    known->file->set_path(path);
    return;
  }
  const std::optional<std::uint64_t> offset = known_offset(*file);
  if (!offset && may_become_copy(*file, now)) return;
  maybe_copies_.erase(file->inode());
  Followed followed{.file = std::move(file), .seen = now};
  begin(followed, offset.value_or(0));
  files_.push_back(std::move(followed));
}

// Finds what is new, and what has been begun anew.
void FileSource::look_around() {
  const auto now = steady_clock::now();
  // Before a file is read on that was begun anew, its copy has to be known as one.
  const bool is_replaced = std::any_of(files_.begin(), files_.end(), [](const Followed& followed) {
    return followed.file->was_replaced(followed.last);
  });
  if (now < next_scan_ && !is_replaced) return;
  next_scan_ = now + kScanEvery;
  for (const std::string& path : files_of(pattern_)) add(path, now);
  for (Followed& followed : files_) {
    if (!followed.file->was_replaced(followed.last)) continue;
    if (former_.size() < kFormerMax) former_.push_back(followed.last);
    followed.is_damaged = false;
    begin(followed, 0);
  }
}

// A file that was renamed while nobody looked, so that the pattern does not name it any more.
void FileSource::find_out_of_sight() {
  if (former_.empty()) return;
  const std::filesystem::path folder = std::filesystem::path(pattern_).parent_path();
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    std::unique_ptr<TailedFile> file;
    try {
      file = TailedFile::open(entry.path().string(), form_);
    } catch (const std::runtime_error&) {
      continue;  // not ours to read
    }
    if (!file) continue;
    const auto place = std::find_if(former_.begin(), former_.end(), [&](const FilePlace& p) {
      return p.inode == file->inode() && file->matches(p);
    });
    if (place == former_.end()) continue;
    Followed followed{.file = std::move(file), .seen = steady_clock::now()};
    begin(followed, place->offset);
    former_.erase(place);
    files_.push_back(std::move(followed));
  }
  for (const FilePlace& place : former_)
    host_.tell(fmt::format(
        "a file that was read up to byte {} is gone or has been written anew: what it had behind "
        "that is lost",
        place.offset));
  former_.clear();
}

Batch FileSource::poll(std::chrono::milliseconds wait, std::size_t bytes_max) {
  const auto deadline = steady_clock::now() + wait;
  Batch batch;
  std::size_t bytes = 0;
  while (true) {
    look_around();
    for (Followed& followed : files_) {
      if (followed.is_damaged) continue;
      try {
        read(followed, batch, bytes, bytes_max);
      } catch (const std::runtime_error& error) {
        host_.tell(fmt::format("{}; the rest of it is left out", error.what()));
        followed.is_damaged = true;
      }
      if (bytes >= bytes_max) break;
    }
    if (!batch.records.empty() || host_.is_stopping() || steady_clock::now() >= deadline) break;
    forget_gone(steady_clock::now());
    std::this_thread::sleep_for(std::min<steady_clock::duration>(
        kPause, std::max<steady_clock::duration>(deadline - steady_clock::now(), 0ms)));
  }
  if (batch.records.empty()) next_scan_ = {};  // there is time to
  // Those that follow get their turn in the next batch.
  if (bytes >= bytes_max && files_.size() > 1)
    std::rotate(files_.begin(), files_.begin() + 1, files_.end());
  batch.position = position();
  return batch;
}

void FileSource::read(Followed& followed, Batch& batch, std::size_t& bytes, std::size_t bytes_max) {
  TailedFile& file = *followed.file;
  const std::uint64_t before = file.offset();
  while (bytes < bytes_max) {
    std::optional<std::string_view> line = file.next_line();
    const bool is_out_of_sight = steady_clock::now() > followed.seen + kLinger;
    // The last line of a file that nobody will end any more.
    if (!line && (file.is_packed() || is_out_of_sight)) line = file.last_line();
    if (!line) break;
    take(followed, *line, batch, bytes);
  }
  if (file.offset() != before) followed.last = file.place();
  if (file.too_long() > followed.told_too_long) {
    followed.told_too_long = file.too_long();
    host_.tell(fmt::format("{}: {} lines over record-max ({} bytes) were left out so far",
                           file.path(), file.too_long(), form_.line_max));
  }
}

void FileSource::take(Followed& followed, std::string_view line, Batch& batch, std::size_t& bytes) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  Record record;
  if (!is_csv_) {
    record.value = line;
  } else if (!followed.header) {
    read_header(followed, line);
    return;
  } else {
    std::string problem;
    if (!followed.header->read(line, record.value, problem)) {
      ++followed.bad_rows;
      // Powers of two: the log stays short whatever a file holds.
      if ((followed.bad_rows & (followed.bad_rows - 1)) == 0)
        host_.tell(fmt::format("{}: the row before byte {} is left out, {} so far: {}",
                               followed.file->path(), followed.file->offset(), followed.bad_rows,
                               problem));
      return;
    }
  }
  bytes += record.value.size();
  batch.records.push_back(std::move(record));
}

// Files that were renamed out of the pattern or deleted, and are read to their end.
void FileSource::forget_gone(steady_clock::time_point now) {
  std::erase_if(files_, [&](const Followed& followed) {
    return now > followed.seen + 2 * kLinger && followed.file->rest() == 0;
  });
}

std::string FileSource::position() const {
  std::string text;
  for (const Followed& followed : files_) {
    if (!text.empty()) text += ' ';
    text += to_text(followed.last);
  }
  if (text.size() > kPositionBytesMax)
    throw std::runtime_error(
        fmt::format("{} files are named {}, more than one connector can follow (about 100): move "
                    "away those that are read, or write a narrower pattern",
                    files_.size(), pattern_));
  return text;
}

std::optional<std::uint64_t> FileSource::lag() const {
  std::uint64_t bytes = 0;
  for (const Followed& followed : files_) bytes += followed.file->rest();
  return bytes;
}

}  // namespace

constinit const Kind kFileSource{
    .type = "file-source",
    .section = "file",
    .doc = "the lines of files as they are written, also where they are rotated",
    .settings = kSettings,
    .make_source = [](const Settings& settings, Host& host) -> std::unique_ptr<Source> {
      return std::make_unique<FileSource>(settings, host);
    }};

}  // namespace gameflow::connect
