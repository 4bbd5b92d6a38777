#include "record/json_fuzz.h"

#include <algorithm>

#include <fmt/format.h>

#include "record/batch.h"
#include "record/codec.h"

namespace gameflow::record {

void JsonFuzz::next_producer() {
  blanks_ = one_in(3);
  shuffled_ = one_in(2);
  unknown_ = one_in(2);
  steady_ = !one_in(3);
  order_ = random_();
  last_ = "{}";
}

std::string JsonFuzz::record(const Type& type) {
  std::string json = value(type);
  if (one_in(4)) json = mutated(one_in(2) ? last_ : json);
  if (one_in(60)) json = pick(corpus_).json;
  return last_ = json;
}

const Type* JsonFuzz::any_type(int depth) {
  const std::uint64_t simple = static_cast<std::uint64_t>(Kind::kUnion);
  const std::uint64_t all = static_cast<std::uint64_t>(Kind::kMap) + 1;  // records have no others
  const auto kind = static_cast<Kind>(random_() % (depth < 3 ? all : simple));
  switch (kind) {
    case Kind::kObject:
      return object(depth + 1);
    case Kind::kList:
      return types_.list_of(any_type(depth + 1));
    case Kind::kMap:
      return one_in(3) ? types_.map_of(any_type(depth + 1)) : text_type();
    case Kind::kEnum:
      return enumeration(nullptr);
    case Kind::kUnion:
      return one_in(3) ? enumeration(any_type(depth + 1)) : text_type();
    case Kind::kDecimal:
      return types_.decimal(static_cast<std::uint32_t>(random_() % 4));
    case Kind::kTimestamp:
      return types_.timestamp(static_cast<TimeUnit>(random_() % 4));
    case Kind::kJson:
      return one_in(3) ? types_.scalar(kind) : text_type();
    default:
      return one_in(2) ? text_type() : types_.scalar(kind);
  }
}

const Type* JsonFuzz::enumeration(const Type* value) {
  std::vector<Variant> variants{{"a"}, {"b-c"}, {"d"}};
  if (value != nullptr) variants[1 + random_() % 2].type = value;
  return types_.enumeration(fmt::format("e{}", names_++), std::move(variants));
}

std::vector<char> JsonFuzz::fallback(const Type& type) {
  std::vector<char> bytes(type.size);
  Decoder decoder;
  std::string json = value(type);
  json.reserve(json.size() + kPaddingBytes);
  const bool is_fine = decoder.decode(type, json, types_.arena(), bytes.data());
  // The bytes of its text are those of `json`.
  return is_fine && type.kind != Kind::kString && type.kind < Kind::kUnion &&
                 type.kind != Kind::kJson
             ? bytes
             : std::vector<char>();
}

const Type* JsonFuzz::object(int depth) {
  std::vector<Field> fields;
  for (std::uint64_t i = random_() % 6 + (depth == 0 ? 1 : 0); i > 0; --i) {
    const std::string padding(one_in(6) ? 40 : random_() % 4, 'x');
    Field field{fmt::format("f{}{}", i, padding), any_type(depth), one_in(2)};
    if (!field.optional && one_in(3)) field.fallback = fallback(*field.type);
    if (one_in(5)) field.read_name = field.name + "r";
    fields.push_back(std::move(field));
  }
  return types_.object(fmt::format("t{}", names_++), std::move(fields));
}

std::string JsonFuzz::text() {
  if (one_in(25)) return "\"" + pick(kOddTexts) + "\"";
  std::string text(one_in(8) ? random_() % 70 : random_() % 12, 'a');
  for (char& c : text) c = static_cast<char>('a' + random_() % 26);
  if (one_in(6)) text += "é漢";
  return "\"" + text + "\"";
}

std::string JsonFuzz::number(Kind kind) {
  if (one_in(25)) return pick(kOddNumbers);
  if (!is_integer(kind) && one_in(2)) return fmt::format("{}.{}", random_() % 100, random_() % 100);
  const auto digits = random_() % 128;
  return one_in(4) && (!is_integer(kind) || is_signed(kind)) ? fmt::format("-{}", digits)
                                                             : fmt::format("{}", digits);
}

std::string JsonFuzz::any_value(int depth) {
  switch (random_() % (depth < 3 ? 6 : 4)) {
    case 0:
      return text();
    case 1:
      return number(Kind::kF64);
    case 2:
      return one_in(2) ? "true" : "false";
    case 3:
      return "null";
    case 4: {
      std::string list = "[";
      for (std::uint64_t i = random_() % 4; i > 0; --i)
        list += any_value(depth + 1) + (i > 1 ? "," : "");
      return list + "]";
    }
    default:
      return "{\"u\":" + any_value(depth + 1) + blank() + "}";
  }
}

std::string JsonFuzz::value(const Type& type) {
  switch (type.kind) {
    case Kind::kBool:
      return one_in(2) ? "true" : "false";
    case Kind::kString:
      return text();
    case Kind::kBytes:
      return one_in(20) ? "\"A\"" : pick(std::vector{"\"\""s, "\"AAEC\""s, "\"AA==\""s});
    case Kind::kObject:
      return members(type);
    case Kind::kTimestamp:
      if (type.unit != TimeUnit::kNone && !one_in(3)) return number(Kind::kF64);
      return one_in(20) ? number(Kind::kI64) : pick(kTimes);
    case Kind::kDecimal:
      return one_in(4) ? "\"" + number(Kind::kF64) + "\"" : number(Kind::kF64);
    case Kind::kJson:
      return any_value(0);
    case Kind::kEnum:
    case Kind::kUnion: {
      const Variant& variant = pick(type.variants);
      if (one_in(30)) return text();
      return variant.type == nullptr
                 ? "\"" + variant.name + "\""
                 : "{" + blank() + member(variant.name, value(*variant.type)) + blank() + "}";
    }
    case Kind::kMap: {
      std::string map = "{" + blank();
      for (std::uint64_t i = one_in(10) ? 20 : random_() % 4; i > 0; --i) {
        map += member(fmt::format("f{}", random_() % 30), value(*type.map_value())) +
               (i > 1 ? "," + blank() : "");
      }
      return map + blank() + "}";
    }
    case Kind::kList: {
      std::string list = "[" + blank();
      for (std::uint64_t i = one_in(10) ? 20 : random_() % 4; i > 0; --i) {
        list += value(*type.item) + (i > 1 ? "," + blank() : "");
      }
      return list + blank() + "]";
    }
    default:
      return number(type.kind);
  }
}

std::string JsonFuzz::members(const Type& type) {
  std::vector<std::string> parts;
  for (const Field& field : type.fields) {
    const bool null = !field.is_required() && one_in(steady_ ? 40 : 4);
    if ((!field.is_required() || one_in(60)) && one_in(steady_ ? 40 : 4)) continue;
    parts.push_back(member(field.read_name, null ? "null" : value(*field.type)));
    if (!one_in(40)) continue;
    parts.push_back(
        member(field.read_name, !field.is_required() && one_in(2) ? "null" : value(*field.type)));
  }
  if (unknown_) parts.push_back(member("unknown", any_value(0)));
  if (shuffled_) {
    std::mt19937_64 order(steady_ ? order_ : random_());
    std::shuffle(parts.begin(), parts.end(), order);
  }
  std::string json = "{" + blank();
  for (const std::string& part : parts) json += (&part != parts.data() ? "," : "") + part;
  return json + blank() + "}";
}

std::string JsonFuzz::member(const std::string& name, const std::string& value) {
  return (one_in(100) && name.front() == 'f' ? "\"\\u0066" + name.substr(1) : "\"" + name) + "\"" +
         blank() + ":" + blank() + value;
}

std::string JsonFuzz::mutated(std::string json) {
  for (std::uint64_t edits = 1 + random_() % 2; edits > 0; --edits) {
    json.replace(random_() % (json.size() + 1), random_() % 3, one_in(3) ? "" : pick(kPieces));
  }
  return one_in(10) ? json.substr(0, random_() % (json.size() + 1)) : json;
}

}  // namespace gameflow::record
