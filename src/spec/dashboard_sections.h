// The keys of a dashboard's file. Immutable; see field.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "spec/field.h"

namespace gameflow::spec {

extern const Section kDashboard, kDashboardTime, kDashboardVariable, kDashboardMetric,
    kDashboardRow, kPanel;
extern const Section kPanelAction, kPanelLink, kThreshold, kSparkline, kBand, kAnnotations,
    kTableColumn, kTableSort;

extern const NameRule kDashboardName, kDashboardAddress;

// What a panel can be, with the fields that it has beside those of all panels.
struct PanelKind {
  std::string_view type;
  std::string_view name;  // "a figure", for messages
  std::string_view doc;
  std::uint64_t height;  // by default, in units of 40 px
  std::span<const Field> fields;
};
std::span<const PanelKind> panel_kinds();

// Parameters that every query may have, beside the variables of its dashboard. The first two need
// `time`.
inline constexpr std::string_view kAmbientParameters[] = {"from", "to", "now", "zone"};

}  // namespace gameflow::spec
