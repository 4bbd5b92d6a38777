#include "record/batch_decoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <utility>

#include "record/base64.h"
#include "record/columns.h"
#include "record/decode_plan.h"
#include "record/json_reader.h"
#include "record/shape.h"
#include "record/slot.h"

namespace gameflow::record {
namespace {

using Take = Shapes::Take;
using Texts = std::span<const std::string_view>;

// Records are taken so many at a time: their structs and parts stay in the first-level cache, and
// which of them failed is a word.
constexpr std::size_t kBlock = 64;

// A shape is given up when so many of its first values are not of the type.
constexpr std::size_t kExamplesMax = 4;

// Longer lists go the full way, which knows how much memory the lists of one record may take.
constexpr std::size_t kListBytesMax = 64U << 10;

// A column, and what becomes of its parts.
struct Target {
  const Column* column;
  Shapes::Value value;
  Column::Cursor cursor{};
};

}  // namespace

// One call of decode().
class BatchDecoder::Run {
 public:
  Run(BatchDecoder& owner, const Type& type, const Batch& batch, std::size_t first, Arena& arena,
      char* out, std::vector<Failure>& failures)
      : owner_(owner),
        type_(type),
        batch_(batch),
        first_(first),
        arena_(arena),
        out_(out),
        failures_(failures) {}

  void text() {
    std::size_t announced = first_;
    for (std::size_t i = first_; i < batch_.size(); ++i) {
      if (i == announced) {
        announced = batch_.run_end(i, kLookAheadBytes);
        owner_.decoder_.look_ahead(announced > i + 1 ? batch_.values(i, announced)
                                                     : std::string_view());
      }
      alone(i);
    }
  }

  void columns() {
    const auto known = static_cast<std::ptrdiff_t>(failures_.size());
    for (const Columns::Shape& shape : batch_.columns()->shapes()) {
      if (plan(shape)) {
        rows(shape);
      } else {
        for (std::size_t i = 0; i < shape.count; ++i) alone(shape.record(i));
      }
    }
    std::ranges::sort(failures_.begin() + known, failures_.end(), {}, &Failure::record);
  }

 private:
  char* row(std::size_t record) const { return out_ + (record - first_) * type_.size; }

  // A record by its text.
  void alone(std::size_t record) {
    if (record < first_) return;
    if (owner_.decoder_.decode(type_, batch_.value(record), arena_, row(record))) return;
    failures_.push_back({static_cast<std::uint32_t>(record), owner_.decoder_.error()});
  }

  // Makes example_ and targets_. False where the shape says too little: then each value goes alone.
  bool plan(const Columns::Shape& shape) {
    targets_.clear();
    Plan& plan = owner_.plans_->of(type_);
    if (!plan.has_shapes || !make_example(shape)) return false;
    Shapes shapes;
    shapes.learn(&plan, owner_.text_);
    std::size_t column = 0;
    for (const Shapes::Value& value : shapes.values()) {
      if (value.take == Take::kPresent) continue;
      if (column == shape.columns.size()) return false;
      const Column& parts = shape.columns[column++];
      if (parts.part() != Shapes::part_for(value.take)) return false;
      targets_.push_back({&parts, value});
    }
    return column == shape.columns.size() && column > 0 && settle();
  }

  // Puts into the example what is the same in all.
  bool settle() {
    bool fits = true;
    std::erase_if(targets_, [&](Target& target) {
      if (!target.column->is_same()) return false;
      std::string_view part;
      target.column->read(target.cursor, {&part, 1});
      char* const row = example_.data();
      fits = fits && take(target, {&part, 1}, {&row, 1}) == 0;
      return true;
    });
    return fits;
  }

  bool make_example(const Columns::Shape& shape) {
    std::string& text = owner_.text_;
    example_.resize(type_.size);
    for (std::size_t i = 0; i < std::min<std::size_t>(shape.count, kExamplesMax); ++i) {
      text.clear();
      shape.append_value(i, text);
      text.append(kPaddingBytes, '\0');
      text.resize(text.size() - kPaddingBytes);
      if (owner_.decoder_.decode(type_, text, arena_, example_.data())) return true;
    }
    return false;
  }

  void rows(const Columns::Shape& shape) {
    std::array<std::string_view, kBlock> parts;
    std::array<char*, kBlock> rows;
    for (std::size_t begin = 0; begin < shape.count; begin += kBlock) {
      const std::size_t size = std::min<std::size_t>(kBlock, shape.count - begin);
      const auto block = std::span(rows).first(size);
      for (std::size_t i = 0; i < size; ++i) {
        const std::uint32_t record = shape.record(begin + i);
        block[i] = record < first_ ? spare() : row(record);
        std::memcpy(block[i], example_.data(), type_.size);
      }
      std::uint64_t failed = 0;
      for (Target& target : targets_) {
        target.column->read(target.cursor, std::span(parts).first(size));
        failed |= take(target, Texts(parts).first(size), block);
      }
      for (; failed != 0; failed &= failed - 1)
        alone(shape.record(begin + static_cast<std::size_t>(std::countr_zero(failed))));
    }
  }

  // Where records before the first one go.
  char* spare() {
    spare_.resize(type_.size);
    return spare_.data();
  }

  // Puts the parts into the rows; of those that do not fit the bits are set.
  std::uint64_t take(const Target& target, Texts parts, std::span<char* const> rows) {
    const Shapes::Value& value = target.value;
    if (value.flag != Shapes::kNone) {
      for (char* const row : rows) row[value.flag] = 1;
    }
    if (value.take == Take::kText) {
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const Text text = Text::view(parts[i]);
        std::memcpy(rows[i] + value.slot, &text, sizeof text);
      }
      return 0;
    }
    std::uint64_t failed = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!take(value, parts[i], rows[i])) failed |= std::uint64_t{1} << i;
    }
    return failed;
  }

  bool take(const Shapes::Value& value, std::string_view part, char* row) {
    switch (value.take) {
      case Take::kBytes:
        return bytes(part, row + value.slot);
      case Take::kWord:
        return store_word(*value.type, part, row + value.slot) == Fit::kFits;
      case Take::kBool:
        row[value.slot] = static_cast<char>(part == "true");
        return true;
      case Take::kNumber:
      case Take::kPassNumber:
        return number(value, part, row);
      case Take::kList:
        return part.size() <= kListBytesMax && decode_list(*value.type, part, row + value.slot);
      case Take::kPassList:
        return is_json(part);
      default:
        return true;  // what is passed over was checked when it became a part
    }
  }

  // Numbers lie side by side, so one is copied to where nothing stands behind it.
  static bool number(const Shapes::Value& value, std::string_view part, char* row) {
    std::array<char, 2 * kPaddingBytes> text;
    if (part.size() >= kPaddingBytes) return false;
    part.copy(text.data(), part.size());
    std::memset(text.data() + part.size(), ' ', kPaddingBytes);
    JsonNumber number;
    if (!JsonReader::parse_number(text.data(), number)) return false;
    if (value.take == Take::kPassNumber) return true;
    return store_number(*value.type, number, text.data(), text.data() + part.size(),
                        row + value.slot) == Fit::kFits;
  }

  bool bytes(std::string_view encoded, char* slot) {
    auto* const begin = static_cast<u8*>(arena_.allocate(base64_size_max(encoded), 1));
    const std::ptrdiff_t size = decode_base64(encoded, begin);
    if (size < 0) return false;
    const Bytes value{begin, static_cast<std::size_t>(size)};
    std::memcpy(slot, &value, sizeof value);
    return true;
  }

  bool decode_list(const Type& list, std::string_view part, char* slot) {
    return owner_.decoder_.decode(list, part, arena_, slot);
  }
  bool is_json(std::string_view part) { return owner_.decoder_.check(part); }

  BatchDecoder& owner_;
  const Type& type_;
  const Batch& batch_;
  const std::size_t first_;
  Arena& arena_;
  char* const out_;
  std::vector<Failure>& failures_;
  // Of the shape at hand.
  std::vector<char> example_;  // the struct of one of its values
  std::vector<Target> targets_;
  std::vector<char> spare_;
};

BatchDecoder::BatchDecoder() : plans_(std::make_unique<Plans>()) {}
BatchDecoder::~BatchDecoder() = default;
BatchDecoder::BatchDecoder(BatchDecoder&&) noexcept = default;
BatchDecoder& BatchDecoder::operator=(BatchDecoder&&) noexcept = default;

void BatchDecoder::decode(const Type& type, const Batch& batch, std::size_t first, Arena& arena,
                          char* out, std::vector<Failure>& failures) {
  Run run(*this, type, batch, first, arena, out, failures);
  if (batch.columns() == nullptr) {
    run.text();
  } else {
    run.columns();
  }
}

}  // namespace gameflow::record
