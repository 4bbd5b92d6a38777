#include "opbuild/type_source.h"

#include <charconv>
#include <limits>

#include <fmt/format.h>

#include <gameflow/types.h>

#include "record/visit.h"
#include "spec/function.h"

namespace gameflow::opbuild {
namespace {

using record::Kind;
using record::load;
using record::Type;

// Any bytes as a string literal.
std::string literal_of(std::string_view text) {
  std::string literal;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = byte >= 0x20 && byte < 0x7F && c != '?';
    literal += is_plain ? std::string(c == '"' || c == '\\' ? 1 : 0, '\\') + c
                        : fmt::format("\\{:03o}", byte);
  }
  return '"' + literal + '"';
}

template <class Number>
std::string number_literal(Number number) {
  if constexpr (std::is_floating_point_v<Number>) {
    char digits[64];
    return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
  } else if constexpr (std::is_signed_v<Number>) {
    // The lowest one has no literal of its own.
    return number == std::numeric_limits<i64>::min() ? fmt::format("{}LL - 1", number + 1)
                                                     : fmt::format("{}LL", number);
  } else {
    return fmt::format("{}ULL", number);
  }
}

// What stands between the braces of a field's initializer.
std::string initializer_of(const record::Field& field) {
  if (field.type->kind == Kind::kQuantiles) return std::to_string(field.type->accuracy);
  if (field.fallback.empty()) return {};
  const char* const bytes = field.fallback.data();
  const std::string cpp = spec::cpp_type(*field.type);
  return record::visit(field.type->kind, [&]<class T>(std::type_identity<T>) -> std::string {
    if constexpr (std::same_as<T, bool>) return load<bool>(bytes) ? "true" : "false";
    if constexpr (record::NumberSlot<T>) return number_literal(load<T>(bytes));
    if constexpr (std::same_as<T, Text>) return literal_of(load<Text>(bytes).view());
    if constexpr (std::same_as<T, record::TimestampSlot>) return number_literal(load<T>(bytes).ms);
    if constexpr (std::same_as<T, record::DecimalSlot>)
      return fmt::format("{}::from_units({})", cpp, number_literal(load<T>(bytes).units));
    if constexpr (std::same_as<T, record::EnumSlot>)
      return fmt::format("{}::{}", cpp, field.type->variants[load<T>(bytes).number].cpp_name);
    if constexpr (std::same_as<T, Bytes>) {
      const auto value = load<Bytes>(bytes);
      const std::string_view text(reinterpret_cast<const char*>(value.data), value.size);
      return fmt::format("reinterpret_cast<const u8*>({}), {}", literal_of(text), value.size);
    }
    if constexpr (std::same_as<T, record::UnionSlot>) {
      const auto number = load<u16>(bytes + field.type->tag_offset);
      return fmt::format("{}::{}()", cpp, field.type->variants[number].cpp_name);
    }
    return {};  // empty lists and maps; objects, whose fields have defaults of their own
  });
}

void write_struct(SourceWriter& out, const Type& type, const std::string& name) {
  out.line("struct {} {{", name);
  for (const record::Field& field : type.fields) {
    const std::string value = spec::cpp_type(*field.type);
    out.line("  {} {}{{{}}};", field.optional ? "Optional<" + value + ">" : value, field.cpp_name,
             initializer_of(field));
  }
  out.line("}};");
}

std::string names_of(const Type& type) {
  std::string names;
  for (const record::Variant& variant : type.variants)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", variant.name);
  return names;
}

void write_enum(SourceWriter& out, const Type& type, const std::string& name) {
  std::string variants;
  for (const record::Variant& variant : type.variants)
    variants += fmt::format("{}{}", variants.empty() ? "" : ", ", variant.cpp_name);
  out.line("enum class {} : u16 {{ {} }};", name, variants);
  out.line("inline Text to_text({} value) {{", name);
  out.line("  static constexpr Text kNames[] = {{{}}};", names_of(type));
  out.line("  return gameflow::detail::variant_name(kNames, static_cast<std::size_t>(value));");
  out.line("}}");
}

void write_union(SourceWriter& out, const Type& type, const std::string& name) {
  std::uint32_t size = 1, align = 1;  // of the values
  for (const record::Variant& variant : type.variants) {
    if (variant.type == nullptr) continue;
    size = std::max(size, variant.type->size);
    align = std::max(align, variant.type->align);
  }
  out.line("class {} : public gameflow::detail::Union<{}, {}> {{", name, size, align);
  out.line(" public:");
  for (std::size_t i = 0; i < type.variants.size(); ++i) {
    const record::Variant& variant = type.variants[i];
    const std::string& own = variant.cpp_name;
    if (variant.type == nullptr) {
      out.line("  static {0} {1}() {{ return make_<{0}>({2}); }}", name, own, i);
    } else {
      const std::string value = spec::cpp_type(*variant.type);
      out.line("  static {0} {1}(const {2}& value) {{ return make_<{0}>({3}, value); }}", name, own,
               value, i);
      out.line("  const {1}* {0}() const {{ return get_<{1}>({2}); }}", own, value, i);
    }
    out.line("  bool is_{}() const {{ return this->is_({}); }}", own, i);
  }
  out.line("  Text name() const {{");
  out.line("    static constexpr Text kNames[] = {{{}}};", names_of(type));
  out.line("    return name_(kNames);");
  out.line("  }}");
  out.line("}};");
}

}  // namespace

void write_type(SourceWriter& out, const Type& type, const std::string& name) {
  switch (type.kind) {
    case Kind::kEnum:
      write_enum(out, type, name);
      break;
    case Kind::kUnion:
      write_union(out, type, name);
      break;
    default:
      write_struct(out, type, name);
  }
  out.line("static_assert(sizeof({}) == {});", name, type.size);
  for (const record::Field& field : type.fields)
    out.line("static_assert(offsetof({}, {}) == {});", name, field.cpp_name, field.offset);
  out.line("");
}

}  // namespace gameflow::opbuild
