// Keys that several sections have.
#pragma once

#include "spec/sections.h"

namespace gameflow::spec {

inline constexpr Field kTransforms = {.key = "transforms",
                                      .kind = ValueKind::kList,
                                      .doc = "what is done to each record, in this order",
                                      .section = &kTransform};
inline constexpr Field kDependencies = {.key = "dependencies",
                                        .kind = ValueKind::kList,
                                        .doc = "system libraries that the code needs",
                                        .min = 1,
                                        .section = &kDependency};

// Of types.
inline constexpr Field kDecimalFields[] = {{.key = "scale",
                                            .kind = ValueKind::kCount,
                                            .is_required = true,
                                            .doc = "of a `decimal`: digits after the point",
                                            .hint = "for example 'scale: 2'",
                                            .max = 18}};
inline constexpr Field kTimestampFields[] = {
    {.key = "unit",
     .kind = ValueKind::kWord,
     .doc = "of a `timestamp`: its JSON may be a number of this unit since 1970",
     .what = "unit",
     .words = kTimeUnits}};

}  // namespace gameflow::spec
