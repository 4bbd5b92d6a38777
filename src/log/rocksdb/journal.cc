#include "log/rocksdb/journal.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <boost/crc.hpp>
#include <fmt/format.h>

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

}  // namespace

bool is_write_ahead_log(const fs::path& file) {
  const std::string name = file.filename().string();
  return file.extension() == ".log" && name.find_first_not_of("0123456789") == name.size() - 4;
}

Status check_journal(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> buffer(kBlockBytes);
  std::uint64_t begin = 0;  // of the block
  bool ended = false;
  const auto damaged = [&](std::uint64_t at) {
    return fail(
        ErrorCode::kDataCorrupt,
        fmt::format("the header at byte {} of {} is wrong, or what follows it is out of place", at,
                    file.filename().string()));
  };
  for (;; begin += kBlockBytes) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const std::string_view block(buffer.data(), static_cast<std::size_t>(in.gcount()));
    if (block.size() < kHeaderBytes) return {};
    const std::size_t end = end_of_records(block);
    if (ended && end > 0) return damaged(begin);
    if (block.size() - end < kHeaderBytes) continue;
    if (!is_torn(block.substr(end))) return damaged(begin + end);
    ended = true;
  }
}

Status check_journals(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const fs::path& file = entry.path();
    if (is_write_ahead_log(file) || file.filename().string().starts_with("MANIFEST-")) {
      GF_TRY(check_journal(file));
    }
  }
  return {};
}

}  // namespace gameflow::log
