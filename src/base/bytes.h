// Little-endian bytes of what we store: fixed-size integers, varints (LEB128), text with its
// length.
//
// Errors   a ByteReader never runs past its end: the first short or oversized read makes it fail
// for
//          good. From then on reads give zero or nothing; the caller asks ok() once at the end.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace gameflow {

static_assert(std::endian::native == std::endian::little,
              "formats are written in native byte order");

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  void bytes(std::string_view data) { out_.append(data); }
  template <std::integral Integer>
  void fixed(Integer value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
    out_.push_back(static_cast<char>(value));
  }
  // Zigzag: small magnitudes are short, whatever their sign.
  void signed_varint(std::int64_t value) {
    varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void text(std::string_view data) {
    varint(data.size());
    bytes(data);
  }
  // Bytes that text(data) writes.
  static std::size_t text_size(std::string_view data) {
    std::size_t size = data.size() + 1;
    for (std::uint64_t rest = data.size(); rest >= 0x80; rest >>= 7) ++size;
    return size;
  }

 private:
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view data) : data_(data) {}

  bool ok() const { return ok_; }
  bool at_end() const { return data_.empty(); }
  std::string_view rest() const { return data_; }

  std::string_view bytes(std::size_t size) {
    if (size > data_.size()) return failed(), std::string_view{};
    const std::string_view taken = data_.substr(0, size);
    data_.remove_prefix(size);
    return taken;
  }
  template <std::integral Integer>
  Integer fixed() {
    Integer value{};
    const std::string_view taken = bytes(sizeof value);
    if (ok_) std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !data_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(data_.front());
      data_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    failed();
    return 0;
  }
  std::int64_t signed_varint() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  std::string_view text() { return bytes(varint()); }

 private:
  void failed() {
    ok_ = false;
    data_ = {};
  }

  std::string_view data_;
  bool ok_ = true;
};

}  // namespace gameflow
