#include "log/rocksdb/journal.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <boost/crc.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/file_handle.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

// Blocks of 32 KiB hold records one behind the other: checksum:u32 size:u16 type:u8 bytes,
// little-endian, none across the end of a block, where up to 6 bytes are left over.
// (https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format)
constexpr std::size_t kBlockBytes = 32U << 10;
constexpr std::size_t kHeaderBytes = 7;
// Whole records and the parts of longer ones. Others belong to files that are used again
// (recycle_log_file_num), which ours never are; 0 is what was never written.
constexpr std::uint8_t kTypeUnwritten = 0, kTypeMin = 1, kTypeMax = 4;

struct Header {
  std::uint32_t checksum;
  std::uint16_t size;
  std::uint8_t type;
};

// Precondition: `bytes` hold one.
Header header_at(std::string_view bytes) {
  Header header{};
  std::memcpy(&header.checksum, bytes.data(), 4);
  std::memcpy(&header.size, bytes.data() + 4, 2);
  std::memcpy(&header.type, bytes.data() + 6, 1);
  return header;
}

tl::unexpected<Error> unreadable(const fs::path& file, int error) {
  return fail(ErrorCode::kDataUnwritable,
              fmt::format("{}: {}", file.filename().string(), std::strerror(error)));
}

class InputFile {
 public:
  explicit InputFile(const fs::path& path)
      : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), error_(errno) {}

  // How many bytes are in `buffer`: less than it has room for at the end of the file only.
  Result<std::size_t> read_at(std::uint64_t begin, std::span<char> buffer) const {
    if (!file_) return unreadable(path_, error_);
    std::size_t size = 0;
    while (size < buffer.size()) {
      const ssize_t got = ::pread(file_.get(), buffer.data() + size, buffer.size() - size,
                                  static_cast<off_t>(begin + size));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return unreadable(path_, errno);
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    return size;
  }

 private:
  const fs::path& path_;
  const FileHandle file_;
  const int error_;
};

bool is_record(const Header& header) {
  return header.type >= kTypeMin && header.type <= kTypeMax;
}

// The checksum of type and bytes, as it is stored.
class Checksum {
 public:
  void add(std::string_view bytes) { crc_.process_bytes(bytes.data(), bytes.size()); }
  std::uint32_t stored() const {
    return std::rotr(static_cast<std::uint32_t>(crc_.checksum()), 15) + 0xa282ead8;
  }

 private:
  boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true> crc_;  // CRC-32C
};

// Whether all of a record is there whose header says that it is longer: then the header is wrong.
bool is_whole_under_another_size(std::string_view bytes) {
  const Header header = header_at(bytes);
  Checksum checksum;
  std::size_t end = kHeaderBytes;
  checksum.add(bytes.substr(end - 1, 1));
  while (checksum.stored() != header.checksum && end < bytes.size()) {
    checksum.add(bytes.substr(end++, 1));
  }
  return checksum.stored() == header.checksum;
}

bool starts_with_record(std::string_view bytes) {
  const Header header = header_at(bytes);
  if (!is_record(header) || kHeaderBytes + header.size > bytes.size()) return false;
  Checksum checksum;
  checksum.add(bytes.substr(kHeaderBytes - 1, 1U + header.size));
  return checksum.stored() == header.checksum;
}

// Whether nothing whole is in `bytes`, where the writer seems to have been stopped.
bool is_torn(std::string_view bytes) {
  const std::uint8_t type = header_at(bytes).type;
  if (type > kTypeMax) return false;
  if (type != kTypeUnwritten && is_whole_under_another_size(bytes)) return false;
  for (bytes.remove_prefix(1); bytes.size() >= kHeaderBytes; bytes.remove_prefix(1)) {
    if (starts_with_record(bytes)) return false;
  }
  return true;
}

// Where the records of a block end that can be followed from its start.
std::size_t end_of_records(std::string_view block) {
  std::size_t end = 0;
  while (block.size() - end >= kHeaderBytes) {
    const Header header = header_at(block.substr(end));
    if (!is_record(header) || kHeaderBytes + header.size > block.size() - end) break;
    end += kHeaderBytes + header.size;
  }
  return end;
}

// The number of the first write of a log that has one: it begins with it, little-endian.
Result<std::optional<std::uint64_t>> first_write(const fs::path& file) {
  std::array<char, kHeaderBytes + sizeof(std::uint64_t)> bytes{};
  const InputFile in(file);
  GF_ASSIGN(const std::size_t size, in.read_at(0, bytes));
  const std::string_view start(bytes.data(), size);
  if (size < bytes.size() || !is_record(header_at(start))) return std::nullopt;
  std::uint64_t number = 0;
  std::memcpy(&number, start.data() + kHeaderBytes, sizeof number);
  return number;
}

// By name, in their order.
Result<std::map<std::string, fs::path>> journals_in(const fs::path& folder, JournalKinds kinds) {
  std::map<std::string, fs::path> journals;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const fs::path& file = entry->path();
    const std::string name = file.filename().string();
    if (name.starts_with("MANIFEST-") || (kinds == JournalKinds::kAll && is_write_ahead_log(file)))
      journals.emplace(name, file);
  }
  if (error) return unreadable(folder, error.value());
  return journals;
}

// Up to where it can be followed; what comes then is for check_journal().
Status check_checksums_of(const fs::path& file) {
  const InputFile in(file);
  std::vector<char> buffer(kBlockBytes);
  for (std::uint64_t begin = 0;; begin += kBlockBytes) {
    GF_ASSIGN(const std::size_t size, in.read_at(begin, buffer));
    const std::string_view block(buffer.data(), size);
    const std::size_t end = end_of_records(block);
    for (std::size_t at = 0; at < end; at += kHeaderBytes + header_at(block.substr(at)).size) {
      if (starts_with_record(block.substr(at))) continue;
      return fail(ErrorCode::kDataCorrupt,
                  fmt::format("the record at byte {} of {} is not what its checksum says",
                              begin + at, file.filename().string()));
    }
    if (size - end >= kHeaderBytes || size < kBlockBytes) return {};
  }
}

// Each begins behind the one before it.
Status check_order(const std::map<std::uint64_t, fs::path>& logs) {
  std::string before;
  std::uint64_t begun = 0;
  for (const auto& [_, file] : logs) {
    GF_ASSIGN(const std::optional<std::uint64_t> first, first_write(file));
    if (!first) continue;
    const std::string name = file.filename().string();
    if (*first < begun) {
      return fail(ErrorCode::kDataCorrupt,
                  fmt::format("{} and {} are not in the order of their numbers: was one of them "
                              "renamed?",
                              before, name));
    }
    begun = *first;
    before = name;
  }
  return {};
}

}  // namespace

bool is_write_ahead_log(const fs::path& file) {
  const std::string name = file.filename().string();
  return file.extension() == ".log" && name.find_first_not_of("0123456789") == name.size() - 4;
}

Result<std::uint64_t> check_journal(const fs::path& file) {
  const InputFile in(file);
  std::vector<char> buffer(kBlockBytes);
  std::uint64_t begin = 0;  // of the block
  std::optional<std::uint64_t> whole;
  const auto damaged = [&](std::uint64_t at) {
    return fail(
        ErrorCode::kDataCorrupt,
        fmt::format("the header at byte {} of {} is wrong, or what follows it is out of place", at,
                    file.filename().string()));
  };
  for (;; begin += kBlockBytes) {
    GF_ASSIGN(const std::size_t size, in.read_at(begin, buffer));
    const std::string_view block(buffer.data(), size);
    if (size < kHeaderBytes) return whole.value_or(begin + size);
    const std::size_t end = end_of_records(block);
    if (whole && end > 0) return damaged(begin);
    if (size - end < kHeaderBytes) {  // what is left of a block, or of a header
      if (size < kBlockBytes) return whole.value_or(begin + end);
      continue;
    }
    if (!is_torn(block.substr(end))) return damaged(begin + end);
    if (!whole) whole = begin + end;
  }
}

Result<Journals> check_journals(const fs::path& folder, JournalKinds kinds) {
  GF_ASSIGN(const auto files, journals_in(folder, JournalKinds::kAll));
  Journals journals;
  std::map<std::uint64_t, fs::path> logs;
  for (const auto& [name, file] : files) {
    const bool is_log = is_write_ahead_log(file);
    if (is_log) logs.emplace(std::strtoull(name.c_str(), nullptr, 10), file);
    if (!is_log || kinds == JournalKinds::kAll) {
      GF_ASSIGN(journals[name], check_journal(file));
    }
  }
  GF_TRY(check_order(logs));
  return journals;
}

Status check_checksums(const fs::path& folder, JournalKinds kinds) {
  GF_ASSIGN(const auto files, journals_in(folder, kinds));
  for (const auto& [_, file] : files) GF_TRY(check_checksums_of(file));
  return {};
}

}  // namespace gameflow::log
