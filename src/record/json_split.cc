#include "record/json_split.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include <gameflow/types.h>

#include "record/batch.h"
#include "record/codec.h"
#include "record/json_reader.h"
#include "record/visit.h"

namespace gameflow::record {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// What ends a run of bytes outside of strings.
constexpr auto kStops = [] {
  std::array<bool, 256> stops{};
  for (const char c : std::string_view("\"[]{},")) stops[static_cast<unsigned char>(c)] = true;
  return stops;
}();

// One past the string that begins at `quote`, or npos.
std::size_t end_of_string(std::string_view text, std::size_t quote) {
  for (std::size_t at = quote + 1;;) {
    at = text.find('"', at);
    if (at == std::string_view::npos) return at;
    std::size_t backslashes = 0;
    while (text[at - 1 - backslashes] == '\\') ++backslashes;  // the opening quote ends them
    ++at;
    if (backslashes % 2 == 0) return at;
  }
}

// The ',' or the closing bracket that ends the element at `at`, or npos.
std::size_t end_of_element(std::string_view json, std::size_t at) {
  for (std::size_t depth = 0; at < json.size();) {
    const char c = json[at];
    if (!kStops[static_cast<unsigned char>(c)]) {
      ++at;
    } else if (c == '"') {
      at = end_of_string(json, at);
    } else if (c == '[' || c == '{') {
      ++depth;
      ++at;
    } else if (depth == 0) {
      return at;
    } else {
      if (c != ',') --depth;
      ++at;
    }
  }
  return std::string_view::npos;
}

// A member of an object.
struct Member {
  std::string_view name;  // as it is written, without quotes
  std::string_view value;
  std::size_t begin = 0, end = 0;  // from its name to the ',' or '}' behind it
};

// Calls `visit` with each member, until it says false.
template <class Visit>
void each_member(std::string_view json, const Visit& visit) {
  const auto skip_space = [&json](std::size_t at) {
    return std::min(json.find_first_not_of(kSpace, at), json.size());
  };
  std::size_t at = skip_space(0);
  if (at == json.size() || json[at] != '{') return;
  do {
    Member member{.begin = skip_space(at + 1)};
    if (member.begin == json.size() || json[member.begin] != '"') return;
    const std::size_t name_end = end_of_string(json, member.begin);
    if (name_end == std::string_view::npos) return;
    member.name = json.substr(member.begin + 1, name_end - member.begin - 2);
    const std::size_t colon = skip_space(name_end);
    if (colon == json.size() || json[colon] != ':') return;
    member.end = end_of_element(json, colon + 1);
    if (member.end == std::string_view::npos) return;
    member.value = trim(json.substr(colon + 1, member.end - colon - 1));
    if (!visit(member)) return;
    at = member.end;
  } while (json[at] == ',');
}

// Whether the name, as it is written, is `wanted`.
bool is_named(const Member& member, std::string_view wanted) {
  if (member.name == wanted) return true;
  if (member.name.find('\\') == std::string_view::npos) return false;
  const std::string quoted = fmt::format("\"{}\"{:{}}", member.name, "", kPaddingBytes);
  return json_field(std::string_view(quoted).substr(0, member.name.size() + 2), {}) == wanted;
}

bool is_key_kind(Kind kind) {
  return kind <= Kind::kString || kind == Kind::kDecimal;
}

}  // namespace

Result<std::vector<std::string_view>> split_json(std::string_view json) {
  const std::string_view value = trim(json);
  if (!value.starts_with('[')) return std::vector{value};
  std::vector<std::string_view> elements;
  for (std::size_t at = 1;;) {
    const std::size_t end = end_of_element(value, at);
    if (end == std::string_view::npos)
      return fail(ErrorCode::kInvalidJson, "the array of records does not end");
    const std::string_view element = trim(value.substr(at, end - at));
    const bool is_last = value[end] != ',';
    if (!is_last || !elements.empty() || !element.empty()) elements.push_back(element);
    at = end + 1;
    if (!is_last) continue;
    if (value[end] == ']' && at == value.size()) return elements;
    return fail(ErrorCode::kInvalidJson,
                fmt::format("the array of records ends after {} bytes, but more follows", at));
  }
}

bool is_one_value(std::string_view json) {
  const std::string_view value = trim(json);
  if (value.empty() || (value[0] != '{' && value[0] != '[')) return false;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < value.size();) {
    const char c = value[at];
    if (c == '"') {
      at = end_of_string(value, at);
      continue;
    }
    ++at;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && --depth == 0) return at == value.size();
  }
  return false;
}

std::optional<std::string_view> find_member(std::string_view json, std::string_view path) {
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    std::optional<std::string_view> found;
    each_member(json, [&](const Member& member) {
      if (is_named(member, path.substr(0, dot))) found = member.value;
      return !found;
    });
    if (!found) return std::nullopt;
    json = *found;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return json;
}

std::vector<std::string_view> member_names(std::string_view json) {
  std::vector<std::string_view> names;
  each_member(json, [&](const Member& member) {
    names.push_back(member.name);
    return true;
  });
  return names;
}

std::optional<std::string_view> repeated_member(std::string_view json,
                                                std::span<const std::string_view> names) {
  std::vector<bool> seen(names.size());
  std::optional<std::string_view> repeated;
  each_member(json, [&](const Member& member) {
    for (std::size_t i = 0; i < names.size() && !repeated; ++i) {
      if (!is_named(member, names[i])) continue;
      if (seen[i]) repeated = names[i];
      seen[i] = true;
    }
    return !repeated;
  });
  return repeated;
}

void minify_without(std::string_view json, std::string_view name, std::string& out) {
  std::string without;
  each_member(json, [&](const Member& member) {
    if (!is_named(member, name)) return true;
    // With the ',' behind it, or of the last one that before it.
    std::size_t begin = member.begin, end = member.end;
    if (json[end] == ',') {
      ++end;
    } else if (const std::size_t last = json.find_last_not_of(kSpace, begin - 1);
               json[last] == ',') {
      begin = last;
    }
    without.append(json.substr(0, begin)).append(json.substr(end));
    return false;
  });
  minify_json(without.empty() ? json : std::string_view(without), out);
}

std::optional<std::string> json_field(std::string_view json, std::string_view path) {
  thread_local JsonReader reader;  // keeps its buffers
  if (!reader.open(json)) return std::nullopt;
  JsonMember member{.path = path, .json = {}};
  std::string_view found;
  bool is_copy = false;
  if (path.empty()) {
    if (!reader.any_value(reader.take(), 0, found, is_copy)) return std::nullopt;
  } else {
    if (!reader.find({&member, 1}) || !member.json) return std::nullopt;
    found = *member.json;
  }
  if (!reader.close() || std::string_view("{[n").find(found[0]) != std::string_view::npos)
    return std::nullopt;
  if (found[0] != '"') return std::string(found);
  const std::string_view raw = found.substr(1, found.size() - 2);
  if (!reader.has_escape(raw)) return std::string(raw);
  std::string text(raw.size() + kPaddingBytes, '\0');
  text.resize(static_cast<std::size_t>(reader.unescape(raw, text.data()) - text.data()));
  return text;
}

FieldPath::FieldPath(const Type& type, std::string_view path) {
  const Type* at = &type;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    const auto field = std::ranges::find(at->fields, path.substr(0, dot), &Field::read_name);
    if (field == at->fields.end()) return;
    steps_.push_back({field->offset, field->optional, field->flag_offset});
    at = field->type;
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  if (is_key_kind(at->kind)) type_ = at;
}

std::optional<std::string_view> FieldPath::read(const void* value, std::string& scratch) const {
  const auto* at = static_cast<const char*>(value);
  for (const Step& step : steps_) {
    if (step.optional && !load<bool>(at + step.flag_offset)) return std::nullopt;
    at += step.offset;
  }
  if (type_->kind == Kind::kString) return load<Text>(at).view();
  scratch.clear();
  encode_json(*type_, at, scratch);
  return scratch;
}

}  // namespace gameflow::record
