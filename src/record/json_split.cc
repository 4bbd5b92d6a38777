#include "record/json_split.h"

#include <cstring>

#include <fmt/format.h>
#include <simdjson.h>

#include <gameflow/types.h>

namespace gameflow::record {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The end of the value that begins at `at`, in JSON that is known to be valid: brackets are
// counted, strings skipped.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  std::size_t depth = 0;
  for (bool in_string = false; at < json.size(); ++at) {
    const char c = json[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (depth == 0) return at;
      --depth;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return at;
}

template <class Number>
Number load(const char* at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

bool append_scalar(Kind kind, const char* at, std::string& out) {
  auto to = std::back_inserter(out);
  switch (kind) {
    case Kind::kBool:
      out += load<bool>(at) ? "true" : "false";
      return true;
    case Kind::kI8:
      fmt::format_to(to, "{}", int{load<i8>(at)});
      return true;
    case Kind::kI16:
      fmt::format_to(to, "{}", load<i16>(at));
      return true;
    case Kind::kI32:
      fmt::format_to(to, "{}", load<i32>(at));
      return true;
    case Kind::kI64:
      fmt::format_to(to, "{}", load<i64>(at));
      return true;
    case Kind::kU8:
      fmt::format_to(to, "{}", unsigned{load<u8>(at)});
      return true;
    case Kind::kU16:
      fmt::format_to(to, "{}", load<u16>(at));
      return true;
    case Kind::kU32:
      fmt::format_to(to, "{}", load<u32>(at));
      return true;
    case Kind::kU64:
      fmt::format_to(to, "{}", load<u64>(at));
      return true;
    case Kind::kF32:
      fmt::format_to(to, "{}", load<f32>(at));
      return true;
    case Kind::kF64:
      fmt::format_to(to, "{}", load<f64>(at));
      return true;
    case Kind::kString:
      out += load<Text>(at).view();
      return true;
    case Kind::kBytes:
    case Kind::kObject:
    case Kind::kList:
      break;
  }
  return false;
}

bool is_key_kind(Kind kind) {
  return kind != Kind::kBytes && kind != Kind::kObject && kind != Kind::kList;
}

}  // namespace

Result<std::vector<std::string_view>> split_json(std::string_view json) {
  simdjson::dom::parser parser;
  // `json` is padded: simdjson needs no copy of it.
  if (const auto error = parser.parse(json.data(), json.size(), false).error();
      error != simdjson::SUCCESS) {
    return fail(ErrorCode::kInvalidJson,
                fmt::format("the body is not valid JSON: {}", simdjson::error_message(error)));
  }
  const std::string_view value = trim(json);
  if (value.front() != '[') return std::vector{value};
  std::vector<std::string_view> elements;
  for (std::size_t at = 1; at < value.size() - 1;) {
    const std::size_t end = end_of_value(value, at);
    if (const std::string_view element = trim(value.substr(at, end - at)); !element.empty())
      elements.push_back(element);
    at = end + 1;
  }
  return elements;
}

std::optional<std::string> json_field(std::string_view json, std::string_view path) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(json.data(), json.size(), true).get(element) != simdjson::SUCCESS)
    return std::nullopt;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    if (element[path.substr(0, dot)].get(element) != simdjson::SUCCESS) return std::nullopt;
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  switch (element.type()) {
    case simdjson::dom::element_type::STRING:
      return std::string(element.get_string().value_unsafe());
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::DOUBLE:
    case simdjson::dom::element_type::BOOL:
      return simdjson::to_string(element);
    default:
      return std::nullopt;
  }
}

FieldPath::FieldPath(const Type& type, std::string_view path) {
  const Type* at = &type;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    const Field* field = at->kind == Kind::kObject ? at->find(path.substr(0, dot)) : nullptr;
    if (field == nullptr) return;
    steps_.push_back({field->offset, field->optional, field->flag_offset});
    at = field->type;
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  if (is_key_kind(at->kind)) type_ = at;
}

bool FieldPath::read(const void* value, std::string& out) const {
  const auto* at = static_cast<const char*>(value);
  for (const Step& step : steps_) {
    if (step.optional && !load<bool>(at + step.flag_offset)) return false;
    at += step.offset;
  }
  return append_scalar(type_->kind, at, out);
}

}  // namespace gameflow::record
