// The kinds of events that a game makes, each for a topic of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gameflow::generate {

enum class EventKind : std::uint8_t { kPlayer, kPurchase, kServer, kPosition };
inline constexpr std::size_t kEventKinds = 4;

// Where events of a kind go, and the field that becomes their key.
std::string_view topic_of(EventKind kind);
std::string_view key_field_of(EventKind kind);

}  // namespace gameflow::generate
