// Names: which ones YAML things may have, and what they are called in C++.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gameflow::spec {

// "player-event" -> "PlayerEvent": the struct of a type.
std::string to_pascal_case(std::string_view yaml_name);
// "events-per-user", "eventsPerUser" -> "events_per_user": the accessor of a state, the namespace
// of a service, a member of a struct.
std::string to_snake_case(std::string_view yaml_name);
// The snake case, with '_' behind it where C++ has that name for something else: "private_".
std::string to_member_name(std::string_view yaml_name);

// Letters, digits, '-' and '_', a letter first.
bool is_type_name(std::string_view name);
// Small letters and digits, a letter first, single '-' or '_' between: dataflows, services and
// states. So "__" never stands in what they are called in C++ and SQL, and can join two of them.
bool is_lower_name(std::string_view name);
// As log::is_topic_name: letters, digits, '.', '_' and '-', at most 200, not "." or "..".
bool is_topic_name(std::string_view name);
// Letters, digits, '-' and '_', a letter or '_' first: fields and variants.
bool is_field_name(std::string_view name);
// 1 to 200 bytes without control characters: events.
bool is_event_name(std::string_view name);
// Letters, digits and '_', no digit first.
bool is_identifier(std::string_view name);

// Why C++ code cannot give this identifier to something of the user's: "a C++ keyword", "a name of
// the SDK", "a macro"; nothing if it can.
std::optional<std::string_view> reserved_as(std::string_view identifier);
// The same for what operators call by its name: states and tables.
std::optional<std::string_view> reserved_as_accessor(std::string_view identifier);

}  // namespace gameflow::spec
