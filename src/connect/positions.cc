#include "connect/positions.h"

namespace gameflow::connect {

Result<Positions> parse_positions(std::string_view json) {
  if (json.empty()) return Positions();
  if (auto positions = positions_from_json(json)) return *positions;
  return fail(ErrorCode::kDataCorrupt,
              "the stored position of this connector is not that of a sink: another connector "
              "has had its name. Choose another one, or remove it with 'gameflow connector "
              "delete'");
}

}  // namespace gameflow::connect
