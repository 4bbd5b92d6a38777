#include "spec/kind_section.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace gameflow::spec {
namespace {

ValueKind kind_of(connect::SettingKind kind) {
  switch (kind) {
    case connect::SettingKind::kText:
      return ValueKind::kText;
    case connect::SettingKind::kWord:
      return ValueKind::kWord;
    case connect::SettingKind::kBool:
      return ValueKind::kBool;
    case connect::SettingKind::kNumber:
      return ValueKind::kCount;
    case connect::SettingKind::kDuration:
      return ValueKind::kDuration;
    case connect::SettingKind::kBytes:
      return ValueKind::kBytes;
    case connect::SettingKind::kTexts:
      return ValueKind::kTexts;
    case connect::SettingKind::kMap:
      return ValueKind::kValue;
  }
  return ValueKind::kValue;
}

Field field_of(const connect::Setting& setting) {
  Field field;
  field.key = setting.key;
  field.kind = kind_of(setting.kind);
  field.is_required = setting.is_required;
  field.fallback = setting.fallback;
  field.doc = setting.doc;
  field.min = static_cast<std::uint64_t>(std::max<std::int64_t>(setting.min, 0));
  field.max = setting.max > 0 ? static_cast<std::uint64_t>(setting.max)
                              : std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  field.words = setting.words;
  return field;
}

}  // namespace

KindSection::KindSection(const connect::Kind& kind)
    : name_(fmt::format("'{}'", kind.section)),
      hint_(fmt::format("the settings of a '{}' stand below '{}:'", kind.type, kind.section)) {
  for (const connect::Setting& setting : kind.settings) {
    fields_.push_back(field_of(setting));
    if (setting.example.empty()) continue;
    examples_.push_back(fmt::format("for example '{}: {}'", setting.key, setting.example));
    fields_.back().hint = examples_.back();
  }
  const auto is_required = [](const Field& field) { return field.is_required; };
  section_ = {.id = kind.section, .name = name_, .fields = fields_};
  key_ = {.key = kind.section,
          .kind = ValueKind::kMap,
          .is_required = std::ranges::any_of(fields_, is_required),
          .doc = kind.doc,
          .hint = hint_,
          .section = &section_};
}

}  // namespace gameflow::spec
