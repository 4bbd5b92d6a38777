#include "spec/default_value.h"

#include <charconv>
#include <optional>
#include <system_error>

#include "record/codec.h"
#include "record/padded.h"

namespace gameflow::spec {
namespace {

using record::Kind;
using record::Type;

std::string in_quotes(std::string_view text) {
  std::string json;
  record::encode_json_string(text, json);
  return json;
}

bool is_number(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error != std::errc::invalid_argument && rest == end &&
         text.find_first_of("0123456789") != text.npos;
}

// The value as JSON; nothing where there is none of such a type.
std::optional<std::string> json_of(const Node& node, const Type& type) {
  if (type.kind == Kind::kList || type.kind == Kind::kMap) {
    const NodeKind kind = type.kind == Kind::kList ? NodeKind::kList : NodeKind::kMap;
    const bool is_empty = node.kind == kind && node.items.empty();
    return is_empty ? std::optional<std::string>(type.kind == Kind::kList ? "[]" : "{}")
                    : std::nullopt;
  }
  if (type.kind == Kind::kObject) {
    const bool is_empty = node.kind == NodeKind::kMap && node.items.empty();
    return is_empty ? std::optional<std::string>("{}") : std::nullopt;
  }
  if (node.kind != NodeKind::kScalar || type.kind > Kind::kUnion || type.kind == Kind::kJson)
    return std::nullopt;
  if (type.kind == Kind::kEnum || type.kind == Kind::kUnion) {
    const record::Variant* const variant = type.find_variant(node.text);
    return in_quotes(variant == nullptr ? node.text : variant->read_name);
  }
  const bool is_word = type.kind == Kind::kString || type.kind == Kind::kBytes ||
                       (type.kind == Kind::kTimestamp && !is_number(node.text)) ||
                       (node.text != "true" && node.text != "false" && !is_number(node.text));
  return is_word ? in_quotes(node.text) : node.text;
}

}  // namespace

DefaultValue read_default_value(const Node& node, const Type& type, record::TypeTable& types) {
  if (node.kind == NodeKind::kNull)
    return {{}, "it cannot be null", "leave it out, and write 'optional: true' instead"};
  const auto json = json_of(node, type);
  if (!json) {
    return {
        {},
        "a value of this type cannot be a default",
        "numbers, bools, strings, bytes as base64, timestamps, variants without value, [] and {} "
        "can"};
  }
  const std::string_view text = record::copy_padded(types.arena(), *json);
  DefaultValue value;
  value.bytes.resize(type.size);
  record::Decoder decoder;
  if (!decoder.decode(type, text, types.arena(), value.bytes.data())) {
    value.bytes.clear();
    value.mistake = decoder.error().message;
  }
  return value;
}

}  // namespace gameflow::spec
