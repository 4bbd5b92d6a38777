#include "record/columns.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/bytes.h"

namespace gameflow::record {
namespace {

// Values are taken so many at a time: their parts stay in the first-level cache.
constexpr std::size_t kBlock = 64;

std::uint32_t wide_size(const char* sizes, std::size_t index) {
  std::uint32_t size;
  std::memcpy(&size, sizes + index * sizeof size, sizeof size);
  return size;
}

std::uint8_t byte_at(const char* bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

}  // namespace

void Column::read(Cursor& cursor, std::span<std::string_view> out) const {
  const std::size_t index = cursor.index;
  cursor.index += out.size();
  const auto take = [&](std::string_view& part, std::size_t size) {
    part = {bytes_ + cursor.at, size};
    cursor.at += size;
  };
  switch (form_) {
    case Form::kSame:
      std::ranges::fill(out, dictionary_[0]);
      return;
    case Form::kDictionary:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = dictionary_[byte_at(numbers_, index + i)];
      return;
    case Form::kFixed:
      for (std::string_view& part : out) take(part, width_);
      return;
    case Form::kSized:
      for (std::size_t i = 0; i < out.size(); ++i) take(out[i], byte_at(numbers_, index + i));
      return;
    case Form::kSizedWide:
      for (std::size_t i = 0; i < out.size(); ++i) take(out[i], wide_size(numbers_, index + i));
      return;
    case Form::kKey:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = keys_[records_.empty() ? index + i : records_[index + i]];
      return;
    case Form::kCopy:
      return;  // a parsed column is what it is a copy of
  }
}

void Columns::Shape::append_value(std::size_t index, std::string& out) const {
  out += gaps[0];
  std::vector<std::string_view> parts(index + 1);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Column::Cursor cursor;
    columns[i].read(cursor, parts);
    out += parts.back();
    out += gaps[i + 1];
  }
}

void Columns::write_text(char* out, std::span<std::uint32_t> ends) const {
  // How long each value is, then where it ends, then the values.
  std::array<std::string_view, kBlock> parts;
  const auto for_each_block = [&](const Shape& shape, std::size_t column, auto&& visit) {
    Column::Cursor cursor;
    for (std::size_t begin = 0; begin < shape.count; begin += kBlock) {
      const std::size_t size = std::min<std::size_t>(kBlock, shape.count - begin);
      shape.columns[column].read(cursor, std::span(parts).first(size));
      for (std::size_t i = 0; i < size; ++i) visit(shape.record(begin + i), parts[i]);
    }
  };
  for (const Shape& shape : shapes_) {
    std::size_t gaps = 0;
    for (const std::string_view gap : shape.gaps) gaps += gap.size();
    for (std::size_t i = 0; i < shape.count; ++i)
      ends[shape.record(i)] = static_cast<std::uint32_t>(gaps);
    for (std::size_t column = 0; column < shape.columns.size(); ++column) {
      for_each_block(shape, column, [&](std::uint32_t record, std::string_view part) {
        ends[record] += static_cast<std::uint32_t>(part.size());
      });
    }
  }
  std::uint32_t begin = 0;
  for (std::uint32_t& end : ends) begin += std::exchange(end, begin);
  // Now where it begins; each part moves it on.
  const auto append = [&](std::uint32_t record, std::string_view text) {
    text.copy(out + ends[record], text.size());
    ends[record] += static_cast<std::uint32_t>(text.size());
  };
  for (const Shape& shape : shapes_) {
    for (std::size_t i = 0; i < shape.count; ++i) append(shape.record(i), shape.gaps[0]);
    for (std::size_t column = 0; column < shape.columns.size(); ++column) {
      for_each_block(shape, column, [&](std::uint32_t record, std::string_view part) {
        append(record, part);
        append(record, shape.gaps[column + 1]);
      });
    }
  }
}

class ColumnsParser {
 public:
  ColumnsParser(std::string_view section, std::uint32_t count, const RecordKeys& keys)
      : in_(section), count_(count), keys_(keys) {}

  bool parse(Columns& columns) {
    const std::uint64_t shapes = in_.varint();
    if (shapes == 0 || shapes > kShapesMax) return false;
    columns.shapes_.resize(shapes);
    if (!share_out(columns.shapes_)) return false;
    for (Columns::Shape& shape : columns.shapes_) {
      if (!parse_shape(shape)) return false;
    }
    columns.text_bytes_ = text_bytes_;
    return in_.ok() && in_.at_end();
  }

 private:
  static constexpr std::uint64_t kShapesMax = 256;

  bool share_out(std::vector<Columns::Shape>& shapes) {
    if (shapes.size() == 1) {
      shapes[0].count = count_;
      return true;
    }
    const std::string_view numbers = in_.bytes(count_);
    if (!in_.ok()) return false;
    for (std::uint32_t i = 0; i < count_; ++i) {
      const std::uint8_t number = byte_at(numbers.data(), i);
      if (number >= shapes.size()) return false;
      shapes[number].records.push_back(i);
    }
    for (Columns::Shape& shape : shapes) {
      if (shape.records.empty()) return false;  // it would mean all
      shape.count = static_cast<std::uint32_t>(shape.records.size());
    }
    return true;
  }

  bool parse_shape(Columns::Shape& shape) {
    const std::uint64_t columns = in_.varint();
    if (columns > in_.rest().size()) return false;  // a gap is a byte at least
    for (std::uint64_t i = 0; i <= columns && in_.ok(); ++i) {
      shape.gaps.push_back(in_.text());
      text_bytes_ += std::uint64_t{shape.gaps.back().size()} * shape.count;
    }
    for (std::uint64_t i = 0; i < columns; ++i) {
      if (!in_.ok() || !parse_column(shape)) return false;
    }
    return in_.ok();
  }

  bool parse_column(Columns::Shape& shape) {
    Column column;
    const auto part = in_.fixed<std::uint8_t>(), form = in_.fixed<std::uint8_t>();
    if (part > static_cast<std::uint8_t>(Column::Part::kJson)) return false;
    if (form > static_cast<std::uint8_t>(Column::Form::kKey)) return false;
    column.form_ = static_cast<Column::Form>(form);
    if (!parse_parts(shape, column)) return false;
    column.part_ = static_cast<Column::Part>(part);
    text_bytes_ += column.text_bytes_;
    shape.columns.push_back(std::move(column));
    return in_.ok();
  }

  bool parse_parts(const Columns::Shape& shape, Column& column) {
    switch (column.form_) {
      case Column::Form::kSame:
        column.dictionary_.push_back(in_.text());
        column.text_bytes_ = std::uint64_t{column.dictionary_[0].size()} * shape.count;
        return in_.ok();
      case Column::Form::kDictionary:
        return parse_dictionary(shape, column);
      case Column::Form::kFixed: {
        const std::uint64_t width = in_.varint();
        if (width > in_.rest().size()) return false;
        column.width_ = static_cast<std::uint32_t>(width);
        column.text_bytes_ = width * shape.count;
        column.bytes_ = in_.bytes(column.text_bytes_).data();
        return in_.ok();
      }
      case Column::Form::kSized:
        return parse_sized(shape, column, 1);
      case Column::Form::kSizedWide:
        return parse_sized(shape, column, sizeof(std::uint32_t));
      case Column::Form::kCopy: {
        const std::uint64_t number = in_.varint();
        if (number >= shape.columns.size()) return false;
        column = shape.columns[number];
        return in_.ok();
      }
      case Column::Form::kKey:
        column.keys_ = keys_;
        column.records_ = shape.records;
        for (std::uint32_t i = 0; i < shape.count; ++i) {
          if (!keys_.has(shape.record(i))) return false;
          column.text_bytes_ += keys_[shape.record(i)].size();
        }
        return true;
    }
    return false;
  }

  bool parse_dictionary(const Columns::Shape& shape, Column& column) {
    const std::uint64_t size = in_.varint();
    if (size == 0 || size > 256) return false;
    column.dictionary_.reserve(size);
    std::array<std::uint32_t, 256> sizes;  // beside the words: they stay in fewer lines of cache
    for (std::uint64_t i = 0; i < size; ++i) {
      column.dictionary_.push_back(in_.text());
      sizes[i] = static_cast<std::uint32_t>(column.dictionary_.back().size());
    }
    const std::string_view codes = in_.bytes(shape.count);
    if (!in_.ok()) return false;
    column.numbers_ = codes.data();
    std::uint8_t highest = 0;
    for (const char code : codes) highest = std::max(highest, static_cast<std::uint8_t>(code));
    if (highest >= size) return false;
    std::uint64_t bytes = 0;
    for (const char code : codes) bytes += sizes[static_cast<std::uint8_t>(code)];
    column.text_bytes_ = bytes;
    return true;
  }

  bool parse_sized(const Columns::Shape& shape, Column& column, std::size_t width) {
    const std::string_view sizes = in_.bytes(width * shape.count);
    if (!in_.ok()) return false;
    column.numbers_ = sizes.data();
    std::uint64_t bytes = 0;
    if (width == 1) {
      for (const char size : sizes) bytes += static_cast<std::uint8_t>(size);
    } else {
      for (std::uint32_t i = 0; i < shape.count; ++i) bytes += wide_size(sizes.data(), i);
    }
    column.text_bytes_ = bytes;
    column.bytes_ = in_.bytes(column.text_bytes_).data();
    return in_.ok();
  }

  ByteReader in_;
  const std::uint32_t count_;
  const RecordKeys& keys_;
  std::uint64_t text_bytes_ = 0;
};

std::optional<Columns> Columns::parse(std::string_view section, std::uint32_t count,
                                      const RecordKeys& keys) {
  Columns columns;
  if (!ColumnsParser(section, count, keys).parse(columns)) return std::nullopt;
  return columns;
}

}  // namespace gameflow::record
