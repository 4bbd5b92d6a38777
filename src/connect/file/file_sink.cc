// On disk   NAME-00000001.ndjson, … are whole; NAME-0000000N.ndjson.part is being written, and
//           NAME.position says how much of it counts and which offsets come next:
//           {"part":N,"bytes":B,"positions":{"TOPIC/PARTITION":OFFSET}}.
// A commit  fsync of the part, then the new NAME.position takes the place of the old one. What
//           stands in the part behind B was never committed, and is cut off when it is opened.
#include "connect/file/file_sink.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file_handle.h"
#include "connect/support/json_value.h"
#include "connect/support/positions_json.h"
#include "connect/support/record_json.h"

namespace gameflow::connect {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kBufferBytes = 1 << 20;

constexpr Setting kSettings[] = {
    {.key = "path",
     .is_required = true,
     .doc = "the files, without number and ending: `out/sales` becomes `out/sales-00000001.ndjson` "
            "and so on. Missing folders are made",
     .example = "/var/lib/game/sales"},
    {.key = "output",
     .kind = SettingKind::kWord,
     .fallback = "value",
     .doc = "what a line is: the record's `value`, or a `record` with topic, partition, offset, "
            "timestamp_ms, key and value",
     .words = kRecordOutputs},
    {.key = "rotate-bytes",
     .kind = SettingKind::kBytes,
     .fallback = "128MiB",
     .doc = "a file of this size is whole, and the next one begins",
     .min = 1},
    {.key = "rotate-every",
     .kind = SettingKind::kDuration,
     .fallback = "1h",
     .doc = "and so is one of this age, once more records come",
     .min = 1},
};

[[noreturn]] void fail(const std::string& path, std::string_view what) {
  const int code = errno;
  const std::string message = fmt::format("{}: {}: {}", path, what, std::strerror(code));
  if (code == ENOSPC || code == EDQUOT || code == EIO || code == EMFILE || code == ENFILE)
    throw Retry(message);
  throw std::runtime_error(message);
}

void write_all(const FileHandle& file, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void sync(const FileHandle& file, const std::string& path) {
  if (::fsync(file.get()) != 0) fail(path, "cannot be made durable");
}

FileHandle open_file(const std::string& path, int flags) {
  FileHandle file(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (!file) fail(path, "cannot be opened");
  return file;
}

struct Committed {
  std::uint64_t part = 1, bytes = 0;
  Positions positions;
};

class FileSink final : public Sink {
 public:
  FileSink(const Settings& settings, Host&)
      : path_(settings.text("path")),
        as_record_(settings.text("output") == "record"),
        rotate_bytes_(static_cast<std::uint64_t>(settings.number("rotate-bytes"))),
        rotate_every_(settings.duration("rotate-every")) {
    if (path_.empty() || path_.ends_with('/'))
      throw std::runtime_error(fmt::format("path: '{}' names no file", path_));
  }

  std::optional<Positions> open() override;
  std::vector<Refused> write(std::span<const Delivery> records) override;
  void commit(const Positions& next) override;

 private:
  std::string whole_path(std::uint64_t part) const {
    return fmt::format("{}-{:08}.ndjson", path_, part);
  }
  std::string part_path(std::uint64_t part) const { return whole_path(part) + ".part"; }
  std::string position_path() const { return path_ + ".position"; }

  void lock();
  std::optional<Committed> read_position() const;
  std::uint64_t last_part() const;
  void open_part();
  void flush();
  void store(const Committed& committed);

  std::string path_;
  bool as_record_;
  std::uint64_t rotate_bytes_;
  std::chrono::milliseconds rotate_every_;

  FileHandle lock_, folder_, file_;
  Committed committed_;
  std::string buffer_;
  steady_clock::time_point opened_{};
};

void FileSink::lock() {
  const std::string path = path_ + ".lock";
  lock_ = open_file(path, O_RDWR | O_CREAT);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      throw Retry(fmt::format("another connector writes {}: {} is locked", path_, path));
    fail(path, "cannot be locked");
  }
}

std::optional<Committed> FileSink::read_position() const {
  std::ifstream in(position_path());
  if (!in) return std::nullopt;
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const auto value = JsonValue::parse(text);
  const auto number = [&](std::string_view name, std::uint64_t& into) {
    const auto field = value ? value->at(name) : std::nullopt;
    if (!field) return false;
    const std::string_view raw = field->raw();
    return std::from_chars(raw.data(), raw.data() + raw.size(), into).ec == std::errc();
  };
  Committed committed;
  const bool has_numbers = number("part", committed.part) && number("bytes", committed.bytes);
  const auto positions = value ? value->at("positions") : std::nullopt;
  auto read = positions ? positions_from_json(positions->raw()) : std::nullopt;
  if (!has_numbers || !read)
    throw std::runtime_error(fmt::format(
        "{} is damaged, so nobody knows what {} holds: move all its files away to begin anew",
        position_path(), path_));
  committed.positions = std::move(*read);
  return committed;
}

// The highest number that a file of this name has; 0 if there is none.
std::uint64_t FileSink::last_part() const {
  const std::filesystem::path path(path_);
  const std::string prefix = path.filename().string() + "-";
  std::uint64_t last = 0;
  std::error_code ignored;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    std::uint64_t number = 0;
    if (!name.starts_with(prefix) || name.find(".ndjson") == std::string::npos) continue;
    const char* const begin = name.data() + prefix.size();
    if (std::from_chars(begin, name.data() + name.size(), number).ec == std::errc())
      last = std::max(last, number);
  }
  return last;
}

std::optional<Positions> FileSink::open() {
  const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error)
    throw std::runtime_error(
        fmt::format("folder {} cannot be made: {}", folder.string(), error.message()));
  lock();
  folder_ = open_file(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);

  const std::optional<Committed> stored = read_position();
  committed_ = stored.value_or(Committed{.part = last_part() + 1});
  // The crash was between the new position and the name of what it made whole.
  const std::string before = part_path(committed_.part - 1);
  if (stored && std::filesystem::exists(before))
    std::filesystem::rename(before, whole_path(committed_.part - 1));
  // From now on the part is ours, so that what comes of it before a first commit is cut off, too.
  if (!stored) store(committed_);
  open_part();
  if (committed_.positions.empty()) return std::nullopt;
  return committed_.positions;
}

void FileSink::open_part() {
  const std::string path = part_path(committed_.part);
  file_ = open_file(path, O_WRONLY | O_CREAT | O_APPEND);
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) fail(path, "cannot be looked at");
  if (static_cast<std::uint64_t>(status.st_size) < committed_.bytes)
    throw std::runtime_error(fmt::format(
        "{} has {} bytes, but {} were committed: somebody else changed it. Move all files of {} "
        "away to begin anew",
        path, status.st_size, committed_.bytes, path_));
  if (::ftruncate(file_.get(), static_cast<off_t>(committed_.bytes)) != 0)
    fail(path, "cannot be cut to what was committed");
  sync(folder_, path_);
  opened_ = steady_clock::now();
}

std::vector<Refused> FileSink::write(std::span<const Delivery> records) {
  std::vector<Refused> refused;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto value = JsonValue::parse(records[i].value);
    if (!value) {
      refused.push_back({i, "its value is no JSON, which a line has to be"});
      continue;
    }
    append_record(buffer_, records[i], value->raw(), as_record_);
    buffer_ += '\n';
    if (buffer_.size() >= kBufferBytes) flush();
  }
  return refused;
}

void FileSink::flush() {
  write_all(file_, part_path(committed_.part), buffer_);
  committed_.bytes += buffer_.size();
  buffer_.clear();
}

void FileSink::store(const Committed& committed) {
  const std::string path = position_path(), next = path + ".next";
  const FileHandle file = open_file(next, O_WRONLY | O_CREAT | O_TRUNC);
  write_all(file, next,
            fmt::format(R"({{"part":{},"bytes":{},"positions":{}}})", committed.part,
                        committed.bytes, to_json(committed.positions)));
  sync(file, next);
  if (::rename(next.c_str(), path.c_str()) != 0) fail(path, "cannot be replaced");
  sync(folder_, path_);
}

void FileSink::commit(const Positions& next) {
  flush();
  sync(file_, part_path(committed_.part));
  for (const auto& [place, offset] : next) committed_.positions[place] = offset;
  const bool is_whole = committed_.bytes >= rotate_bytes_ ||
                        (committed_.bytes > 0 && steady_clock::now() >= opened_ + rotate_every_);
  if (!is_whole) return store(committed_);
  Committed fresh{.part = committed_.part + 1, .bytes = 0, .positions = committed_.positions};
  store(fresh);
  std::filesystem::rename(part_path(committed_.part), whole_path(committed_.part));
  committed_ = std::move(fresh);
  open_part();
}

}  // namespace

constinit const Kind kFileSink{
    .type = "file-sink",
    .section = "file",
    .doc = "records as lines of files that are rotated, each exactly once",
    .settings = kSettings,
    .make_sink = [](const Settings& settings, Host& host) -> std::unique_ptr<Sink> {
      return std::make_unique<FileSink>(settings, host);
    }};

}  // namespace gameflow::connect
