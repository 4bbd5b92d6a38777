// The values of a batch by column, as they lie in the stored batch (docs/formats/batch.md).
// Internal to src/record.
//
// Values that differ only in the strings, numbers, booleans and lists inside them are of one shape:
// the bytes between those, which are the same in all of them, are kept once, and the rest goes into
// a column each. So a struct is filled from the columns without looking at any JSON, and the text
// of a value, byte for byte, is its gaps and its parts in turn.
//
// Threads  immutable once parsed. Views point into what was parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record/batch.h"
#include "record/outline.h"

namespace gameflow::record {

class Column {
 public:
  using Part = record::Part;
  // How they are stored.
  enum class Form : std::uint8_t {
    kSame,        // one for all
    kDictionary,  // a byte each: the number of one of up to 256
    kFixed,       // of one size
    kSized,       // a byte each for their sizes
    kSizedWide,   // four bytes each for their sizes
    kCopy,        // those of a column before it
    kKey,         // the keys of the records
  };

  // Where a column is read on from.
  struct Cursor {
    std::size_t index = 0;
    std::size_t at = 0;
  };

  Part part() const { return part_; }
  bool is_same() const { return form_ == Form::kSame; }
  // The next parts, so many as `out` has room for. There must be as many.
  void read(Cursor& cursor, std::span<std::string_view> out) const;

 private:
  friend class ColumnsParser;

  Part part_ = Part::kJson;
  Form form_ = Form::kSame;
  std::uint32_t width_ = 0;                   // kFixed
  std::uint64_t text_bytes_ = 0;              // of all parts
  const char* bytes_ = nullptr;               // of all parts, one behind the other
  const char* numbers_ = nullptr;             // kDictionary: codes; kSized, kSizedWide: sizes
  std::vector<std::string_view> dictionary_;  // kSame has one
  RecordKeys keys_;                           // kKey
  std::vector<std::uint32_t> records_;        // kKey: which of them; empty: all
};

class Columns {
 public:
  struct Shape {
    std::vector<std::string_view> gaps;  // one more than columns
    std::vector<Column> columns;
    // Which records are of this shape, in order; empty: all of the batch.
    std::vector<std::uint32_t> records;
    std::uint32_t count = 0;  // how many those are

    std::uint32_t record(std::size_t index) const {
      return records.empty() ? static_cast<std::uint32_t>(index) : records[index];
    }
    // Appends the text of the value at `index`. Takes as long as `index` is large.
    void append_value(std::size_t index, std::string& out) const;
  };

  // Of a batch of `count` records. Nothing if the bytes are not that.
  static std::optional<Columns> parse(std::string_view section, std::uint32_t count,
                                      const RecordKeys& keys);

  const std::vector<Shape>& shapes() const { return shapes_; }
  // Of all values as text.
  std::uint64_t text_bytes() const { return text_bytes_; }
  // Writes the text of all values, one behind the other, to `out`, and where each ends.
  void write_text(char* out, std::span<std::uint32_t> ends) const;

 private:
  friend class ColumnsParser;

  std::vector<Shape> shapes_;
  std::uint64_t text_bytes_ = 0;
};

// Puts values into columns. One thread at a time; kept for its memory.
class ColumnsWriter {
 public:
  // Forgets all values. So many will come, or more.
  void begin(std::size_t count);
  // The next one. It and its parts are readable for kPaddingBytes past their end, until write().
  void add(std::string_view value, const Outlined& outlined);
  // Appends what Columns::parse reads. False, with `out` as it was, where the values have too
  // little in common. `keys` are of the same records.
  bool write(const RecordKeys& keys, std::string& out);
  // Bytes held.
  std::size_t memory_bytes() const;

 private:
  struct Shape {
    OutlinePtr outline;  // null: of the odd ones, one part each
    std::size_t capacity = 0;
    std::vector<std::string_view> parts;  // by column, with room for `capacity` in each
    std::vector<std::uint32_t> records;   // whose they are

    std::size_t columns() const { return outline == nullptr ? 1 : outline->kinds.size(); }
    void reset(OutlinePtr made, std::size_t count);
    void add(std::uint32_t record, const std::string_view* row);
    std::span<const std::string_view> column(std::size_t number) const {
      return std::span(parts).subspan(number * capacity, records.size());
    }
  };

  // The shape that the value fits, its parts in row_; shapes_used_ if there is none.
  std::size_t shape_of(std::string_view value);
  std::size_t shape_of(const OutlinePtr& outline);
  std::size_t make_shape(OutlinePtr outline);
  bool take(const Outline& outline, std::string_view value);
  void write_shape(const Shape& shape, const RecordKeys& keys, std::string& out);
  void write_column(const Shape& shape, std::size_t number, const RecordKeys& keys,
                    std::string& out);
  bool write_dictionary(std::span<const std::string_view> parts, std::string& out);

  // What a column is compared with: it may be a copy.
  struct Written {
    std::size_t number;
    std::span<const std::string_view> parts;
  };

  std::vector<Shape> shapes_;  // the first shapes_used_ of them; the rest is kept for its memory
  std::size_t shapes_used_ = 0;
  Shape odd_;             // those of no shape
  std::size_t last_ = 0;  // shape of the value before
  std::uint32_t count_ = 0;
  std::size_t expected_ = 0;
  bool given_up_ = false;

  std::vector<std::string_view> row_;  // of one value
  std::vector<Written> written_;       // columns of one shape
  std::string codes_;                  // of one column
};

}  // namespace gameflow::record
