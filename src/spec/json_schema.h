// The JSON schemas (draft 2020-12) of what people write, for editors: keys, words, forms and what
// they mean, from the rows by which it is read. What needs the whole file (names that refer to each
// other, types that agree) only its reader knows.
#pragma once

#include <span>
#include <string>

#include <gameflow/connect/connector.h>

namespace gameflow::spec {

std::string json_schema();
std::string package_json_schema();
// Of the settings of the simulated game.
std::string game_json_schema();
std::string dashboard_json_schema();
// Of the files of connectors of these kinds.
std::string connector_json_schema(std::span<const connect::Kind> kinds);

}  // namespace gameflow::spec
