#include "record/codec.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <gameflow/types.h>

#include "record/base64.h"
#include "record/batch.h"
#include "record/json_reader.h"

namespace gameflow::record {
namespace {

// List<T> of any T, as bytes.
struct ListLayout {
  char* data = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
};
static_assert(sizeof(ListLayout) == sizeof(List<u64>) && alignof(ListLayout) == alignof(List<u64>));

// Small JSON may ask for large structs ("[{},{},…" of optional fields): what the lists of one
// record may take.
constexpr std::size_t kListBytesMax = std::size_t{256} << 20;

struct Plan;

// A field of an object as the inner loop wants it: all it needs side by side.
struct FieldPlan {
  // The key with its closing quote is compared as two masked words; only a longer one needs memcmp.
  std::uint64_t head[2] = {0, 0};
  std::uint64_t mask[2] = {0, 0};
  std::uint32_t offset = 0;
  bool optional = false;
  bool plain_text = false;  // required, and a string
  bool long_key = false;
  const Plan* value = nullptr;
  const Field* field = nullptr;
  std::string key;  // as in JSON, escaped, without the opening quote: `user_id"`

  // Whether `text`, just behind a quote and `size` long, starts with this key. Exact, as an escaped
  // name ends at its quote and nowhere before. Reads at most 16 bytes of padding.
  bool matches(const char* text, std::size_t size) const {
    std::uint64_t words[2];
    std::memcpy(words, text, sizeof words);
    if ((((words[0] & mask[0]) ^ head[0]) | ((words[1] & mask[1]) ^ head[1])) != 0) return false;
    return !long_key || (key.size() <= size && std::memcmp(text, key.data(), key.size()) == 0);
  }
};

// A Type prepared for decoding.
struct Plan {
  const Type* type = nullptr;
  std::vector<FieldPlan> fields;
  const Plan* item = nullptr;
};

FieldPlan plan_field(const Field& field, const Plan* value) {
  FieldPlan plan;
  plan.field = &field;
  plan.value = value;
  encode_json_string(field.name, plan.key);
  plan.key.erase(0, 1);
  plan.offset = field.offset;
  plan.optional = field.optional;
  plan.plain_text = field.type->kind == Kind::kString && !field.optional;
  plan.long_key = plan.key.size() > sizeof plan.head;
  const std::size_t size = std::min(plan.key.size(), sizeof plan.head);
  std::memcpy(plan.head, plan.key.data(), size);
  std::memset(plan.mask, 0xFF, size);
  return plan;
}

bool is_number(char first) {
  return first == '-' || (first >= '0' && first <= '9');
}

std::string indefinite(const Type& type) {
  return type.kind == Kind::kObject ? "an object"
         : type.kind == Kind::kList ? "a list"
                                    : std::string(to_string(type.kind));
}

}  // namespace

struct Decoder::Impl {
  using Position = JsonReader::Position;

  JsonReader reader;
  std::unordered_map<const Type*, std::unique_ptr<Plan>> plans;
  const Plan* last_plan = nullptr;  // most calls have the type of the one before
  Arena* arena = nullptr;
  std::size_t list_bytes = 0;
  std::string scratch;

  const Plan& plan_of(const Type& type);
  // Decodes the value whose first token is next into `out`, zeroed. `depth` containers are open.
  bool value(const Plan& plan, char* out, std::size_t depth);
  bool boolean(const Plan& plan, Position position, char* out);
  template <class T>
  bool integer(const Plan& plan, Position position, char* out);
  template <class T>
  bool floating(const Plan& plan, Position position, char* out);
  bool text(const Plan& plan, Position position, char* out);
  bool bytes(const Plan& plan, Position position, char* out);
  bool list(const Plan& plan, Position position, char* out, std::size_t depth);
  bool object(const Plan& plan, Position position, char* out, std::size_t depth);
  bool texts(const Plan& plan, std::size_t& guess, std::uint64_t* seen, char* out, bool& closed);
  bool member(const FieldPlan& plan, char* object, bool repeated, std::size_t depth);
  bool check_all_present(const Plan& plan, std::span<const std::uint64_t> seen);

  // The key whose opening quote is at `position`: its index in the plan, or fields.size() if there
  // is none; nothing if the key is invalid.
  std::optional<std::size_t> find_field(const Plan& plan, Position position, std::size_t guess);
  bool grow(ListLayout& list, const Type& item);

  bool fail_type(const Type& type, Position position);
  bool fail_range(const Type& type, std::string_view range, Position position);
  bool fail_at(std::string_view step);
};

const Plan& Decoder::Impl::plan_of(const Type& type) {
  if (last_plan != nullptr && last_plan->type == &type) return *last_plan;
  std::unique_ptr<Plan>& plan = plans[&type];
  if (plan == nullptr) {
    auto made = std::make_unique<Plan>();
    made->type = &type;
    if (type.item != nullptr) made->item = &plan_of(*type.item);
    for (const Field& field : type.fields) {
      made->fields.push_back(plan_field(field, &plan_of(*field.type)));
    }
    plan = std::move(made);  // `plan` stays valid: the map's nodes do not move
  }
  last_plan = plan.get();
  return *plan;
}

bool Decoder::Impl::value(const Plan& plan, char* out, std::size_t depth) {
  const Position position = reader.take();
  switch (plan.type->kind) {
    case Kind::kBool:
      return boolean(plan, position, out);
    case Kind::kI8:
      return integer<i8>(plan, position, out);
    case Kind::kI16:
      return integer<i16>(plan, position, out);
    case Kind::kI32:
      return integer<i32>(plan, position, out);
    case Kind::kI64:
      return integer<i64>(plan, position, out);
    case Kind::kU8:
      return integer<u8>(plan, position, out);
    case Kind::kU16:
      return integer<u16>(plan, position, out);
    case Kind::kU32:
      return integer<u32>(plan, position, out);
    case Kind::kU64:
      return integer<u64>(plan, position, out);
    case Kind::kF32:
      return floating<f32>(plan, position, out);
    case Kind::kF64:
      return floating<f64>(plan, position, out);
    case Kind::kString:
      return text(plan, position, out);
    case Kind::kBytes:
      return bytes(plan, position, out);
    case Kind::kObject:
      return object(plan, position, out, depth);
    case Kind::kList:
      return list(plan, position, out, depth);
  }
  return reader.fail(ErrorCode::kInternal, "unknown kind of type");
}

bool Decoder::Impl::boolean(const Plan& plan, Position position, char* out) {
  if (reader.at(position) != 't' && reader.at(position) != 'f') {
    return fail_type(*plan.type, position);
  }
  bool value = false;
  if (!reader.true_or_false(position, value)) return false;
  std::memcpy(out, &value, sizeof value);
  return true;
}

template <class T>
bool Decoder::Impl::integer(const Plan& plan, Position position, char* out) {
  if (!is_number(reader.at(position))) return fail_type(*plan.type, position);
  JsonNumber number;
  if (!reader.number(position, number)) return false;
  if (number.kind == JsonNumber::Kind::kDouble) return fail_type(*plan.type, position);
  const bool fits = number.kind == JsonNumber::Kind::kSigned ? std::in_range<T>(number.as_signed)
                                                             : std::in_range<T>(number.as_unsigned);
  if (!fits) {
    using Limits = std::numeric_limits<T>;
    return fail_range(*plan.type, fmt::format("{} to {}", Limits::min(), Limits::max()), position);
  }
  const T value = static_cast<T>(number.as_unsigned);  // the low bits, of either sign
  std::memcpy(out, &value, sizeof value);
  return true;
}

template <class T>
bool Decoder::Impl::floating(const Plan& plan, Position position, char* out) {
  if (!is_number(reader.at(position))) return fail_type(*plan.type, position);
  JsonNumber number;
  if (!reader.number(position, number)) return false;
  T value;
  if (number.kind == JsonNumber::Kind::kSigned) {
    value = static_cast<T>(number.as_signed);
  } else if (number.kind == JsonNumber::Kind::kUnsigned) {
    value = static_cast<T>(number.as_unsigned);
  } else if constexpr (std::is_same_v<T, f32>) {
    // From the digits again: by way of a double it would be rounded twice.
    const char* digits = reader.data(position);
    if (std::from_chars(digits, digits + (reader.size() - position), value).ec != std::errc()) {
      if (std::abs(number.as_double) > 1) {
        return fail_range(*plan.type, "up to 3.4028235e38", position);
      }
      value = static_cast<T>(number.as_double);  // so small that it is zero, or nearly
    }
  } else {
    value = number.as_double;
  }
  std::memcpy(out, &value, sizeof value);
  return true;
}

bool Decoder::Impl::text(const Plan& plan, Position position, char* out) {
  if (reader.at(position) != '"') return fail_type(*plan.type, position);
  const std::string_view raw = reader.raw_string(position);
  Text value = Text::view(raw);
  if (reader.has_escape(raw)) {
    char* begin = static_cast<char*>(arena->allocate(raw.size() + kPaddingBytes, 1));
    const char* end = reader.unescape(raw, begin);
    if (end == nullptr) return false;
    const auto size = static_cast<std::size_t>(end - begin);
    arena->cursor = begin + size;  // gives back what unescape() needed beyond the text
    value = Text::view({begin, size});
  }
  std::memcpy(out, &value, sizeof value);
  return true;
}

bool Decoder::Impl::bytes(const Plan& plan, Position position, char* out) {
  if (reader.at(position) != '"') return fail_type(*plan.type, position);
  std::string_view encoded = reader.raw_string(position);
  if (reader.has_escape(encoded)) {
    scratch.resize(encoded.size() + kPaddingBytes);
    const char* end = reader.unescape(encoded, scratch.data());
    if (end == nullptr) return false;
    encoded = {scratch.data(), static_cast<std::size_t>(end - scratch.data())};
  }
  auto* begin = static_cast<u8*>(arena->allocate(base64_size_max(encoded), 1));
  const std::ptrdiff_t size = decode_base64(encoded, begin);
  if (size < 0) {
    return reader.fail(ErrorCode::kInvalidEncoding,
                       "expected bytes as base64, found " + reader.describe(position));
  }
  const Bytes value{begin, static_cast<std::size_t>(size)};
  std::memcpy(out, &value, sizeof value);
  return true;
}

bool Decoder::Impl::grow(ListLayout& list, const Type& item) {
  const std::size_t capacity = list.capacity == 0 ? 8 : std::size_t{list.capacity} * 2;
  list_bytes += (capacity - list.capacity) * item.size;
  if (list_bytes > kListBytesMax || capacity > std::numeric_limits<std::uint32_t>::max()) {
    return reader.fail(ErrorCode::kPayloadTooLarge, "the record's lists take more than 256 MiB");
  }
  auto* data = static_cast<char*>(arena->allocate(capacity * item.size, item.align));
  if (list.size != 0) std::memcpy(data, list.data, std::size_t{list.size} * item.size);
  list.data = data;
  list.capacity = static_cast<std::uint32_t>(capacity);
  return true;
}

bool Decoder::Impl::list(const Plan& plan, Position position, char* out, std::size_t depth) {
  if (reader.at(position) != '[') return fail_type(*plan.type, position);
  if (depth >= kJsonDepthMax) return reader.fail_depth(position);
  const Type& item = *plan.item->type;
  ListLayout list;
  if (reader.at(reader.peek()) == ']') {
    reader.take();
    std::memcpy(out, &list, sizeof list);
    return true;
  }
  while (true) {
    if (list.size == list.capacity && !grow(list, item)) return false;
    char* slot = list.data + std::size_t{list.size} * item.size;
    std::memset(slot, 0, item.size);
    if (!value(*plan.item, slot, depth + 1)) return fail_at(fmt::format("[{}]", list.size));
    ++list.size;
    const Position after = reader.take();
    if (reader.at(after) == ']') break;
    if (reader.at(after) != ',') return reader.fail_expected(after, "',' or ']'");
  }
  std::memcpy(out, &list, sizeof list);
  return true;
}

bool Decoder::Impl::object(const Plan& plan, Position position, char* out, std::size_t depth) {
  if (reader.at(position) != '{') return fail_type(*plan.type, position);
  if (depth >= kJsonDepthMax) return reader.fail_depth(position);
  // Which fields were there, a bit each. One word is enough for nearly every type.
  const std::size_t count = plan.fields.size();
  std::uint64_t one_word = 0;
  std::vector<std::uint64_t> more_words(count <= 64 ? 0 : (count + 63) / 64);
  std::uint64_t* seen = count <= 64 ? &one_word : more_words.data();

  std::size_t guess = 0;  // objects of one producer have their fields in one order
  bool closed = reader.at(reader.peek()) == '}';
  if (closed) reader.take();
  while (!closed) {
    if (!texts(plan, guess, seen, out, closed)) return false;
    if (closed) break;
    const Position key = reader.take();
    if (reader.at(key) != '"') return reader.fail_expected(key, "a key in quotes");
    const auto found = find_field(plan, key, guess);
    if (!found) return false;
    const Position colon = reader.take();
    if (reader.at(colon) != ':') return reader.fail_expected(colon, "':'");
    if (*found == count) {
      if (!reader.skip(depth + 1)) return false;
    } else {
      const std::uint64_t bit = std::uint64_t{1} << (*found % 64);
      std::uint64_t& word = seen[*found / 64];
      if (!member(plan.fields[*found], out, (word & bit) != 0, depth + 1)) return false;
      word |= bit;
      guess = *found + 1;
    }
    const Position after = reader.take();
    closed = reader.at(after) == '}';
    if (!closed && reader.at(after) != ',') return reader.fail_expected(after, "',' or '}'");
  }
  return check_all_present(plan, {seen, count <= 64 ? 1 : more_words.size()});
}

// Takes the text fields that come as guessed, as most of most events do, with the cursor in
// registers and the rules of object(), value() and text() in one place. Stops before the first
// member that is anything else. Player events decode at 5.5 M/s with it, at 3.8 M/s without.
bool Decoder::Impl::texts(const Plan& plan, std::size_t& guess, std::uint64_t* seen, char* out,
                          bool& closed) {
  if (reader.has_escapes()) return true;
  const char* const text = reader.text();
  const Position* token = reader.tokens();
  const FieldPlan* field = plan.fields.data() + guess;
  const FieldPlan* const end = plan.fields.data() + plan.fields.size();
  while (!closed && field < end && field->plain_text) {
    // The last token is a bracket, so each comparison that holds proves that there is a next one.
    if (text[token[0]] != '"' ||
        !field->matches(text + token[0] + 1, reader.size() - token[0] - 1) ||
        text[token[1]] != ':' || text[token[2]] != '"') {
      break;
    }
    const Text value = Text::view(JsonReader::string_between(text, token[2], token[3]));
    std::memcpy(out + field->offset, &value, sizeof value);
    seen[guess / 64] |= std::uint64_t{1} << (guess % 64);
    closed = text[token[3]] == '}';
    if (!closed && text[token[3]] != ',') {
      reader.continue_at(token + 4);
      return reader.fail_expected(token[3], "',' or '}'");
    }
    token += 4;
    ++field;
    ++guess;
  }
  reader.continue_at(token);
  return true;
}

bool Decoder::Impl::member(const FieldPlan& plan, char* object, bool repeated, std::size_t depth) {
  const Field& field = *plan.field;
  char* slot = object + plan.offset;
  if (repeated) std::memset(slot, 0, field.type->size);
  if (plan.optional) {
    char* flag = object + field.flag_offset;
    if (reader.at(reader.peek()) == 'n') {
      *flag = 0;
      return reader.null(reader.take()) || fail_at(field.name);
    }
    *flag = 1;
  }
  return value(*plan.value, slot, depth) || fail_at(field.name);
}

bool Decoder::Impl::check_all_present(const Plan& plan, std::span<const std::uint64_t> seen) {
  const std::size_t count = plan.fields.size();
  const std::uint64_t all_of_one =
      count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  if (count <= 64 && seen[0] == all_of_one) return true;
  for (std::size_t i = 0; i < count; ++i) {
    const bool present = (seen[i / 64] >> (i % 64) & 1) != 0;
    if (present || plan.fields[i].field->optional) continue;
    reader.fail(ErrorCode::kMissingField, "missing field");
    return fail_at(plan.fields[i].field->name);
  }
  return true;
}

std::optional<std::size_t> Decoder::Impl::find_field(const Plan& plan, Position position,
                                                     std::size_t guess) {
  const std::size_t count = plan.fields.size();
  const char* text = reader.data(position) + 1;
  const std::size_t size = reader.size() - position - 1;
  if (guess < count && plan.fields[guess].matches(text, size)) return guess;
  for (std::size_t i = 0; i < count; ++i) {
    if (plan.fields[i].matches(text, size)) return i;
  }
  const std::string_view raw = reader.raw_string(position);
  if (!reader.has_escape(raw)) return count;
  scratch.resize(raw.size() + kPaddingBytes);
  const char* end = reader.unescape(raw, scratch.data());
  if (end == nullptr) return std::nullopt;
  const std::string_view name(scratch.data(), static_cast<std::size_t>(end - scratch.data()));
  for (std::size_t i = 0; i < count; ++i) {
    if (plan.fields[i].field->name == name) return i;
  }
  return count;
}

bool Decoder::Impl::fail_type(const Type& type, Position position) {
  const char first = reader.at(position);
  const bool long_value = first == '"' || first == '{' || first == '[';
  // What stands there must be a value at all before it can be one of another type.
  if (!long_value && !reader.skip_from(position, 0)) return false;
  return reader.fail(ErrorCode::kWrongType, fmt::format("expected {}, found {}", indefinite(type),
                                                        reader.describe(position)));
}

bool Decoder::Impl::fail_range(const Type& type, std::string_view range, Position position) {
  return reader.fail(ErrorCode::kOutOfRange,
                     fmt::format("expected {} ({}), found {}", to_string(type.kind), range,
                                 reader.describe(position)));
}

bool Decoder::Impl::fail_at(std::string_view step) {
  std::string& path = reader.error().field;
  if (!path.empty() && path.front() != '[') path.insert(0, 1, '.');
  path.insert(0, step);
  return false;
}

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

bool Decoder::decode(const Type& type, std::string_view json, Arena& arena, void* out) {
  Impl& impl = *impl_;
  try {
    impl.arena = &arena;
    const Plan& plan = impl.plan_of(type);
    const auto value = [&] {
      // Zeroed whole: absent optional fields and padding are the same bytes every time.
      std::memset(out, 0, type.size);
      impl.list_bytes = 0;
      return impl.value(plan, static_cast<char*>(out), 0);
    };
    if (impl.reader.open_ahead(json) && value() && impl.reader.close_ahead()) return true;
    return impl.reader.open(json) && value() && impl.reader.close();
  } catch (const std::bad_alloc&) {
    return impl.reader.fail(ErrorCode::kPayloadTooLarge, "there is not enough memory to decode");
  }
}

bool Decoder::check(std::string_view json) {
  try {
    JsonReader& reader = impl_->reader;
    if (reader.open_ahead(json) && reader.skip(0) && reader.close_ahead()) return true;
    return reader.open(json) && reader.skip(0) && reader.close();
  } catch (const std::bad_alloc&) {
    return impl_->reader.fail(ErrorCode::kPayloadTooLarge, "there is not enough memory to check");
  }
}

void Decoder::look_ahead(std::string_view texts) {
  try {
    impl_->reader.look_ahead(texts);
  } catch (const std::bad_alloc&) {
    // Then the texts are read one at a time, and that says what is wrong.
  }
}

const DecodeError& Decoder::error() const {
  return impl_->reader.error();
}

}  // namespace gameflow::record
