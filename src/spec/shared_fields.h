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

}  // namespace gameflow::spec
