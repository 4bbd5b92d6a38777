// What generated code would define around an operator.
#pragma once

#include <gameflow/batch.h>

using namespace gameflow;

struct Event {
  Text user_id{};
  i32 score{};
};

template <>
struct gameflow::detail::TypeId<Event> {
  static constexpr u32 value = 0;
};
