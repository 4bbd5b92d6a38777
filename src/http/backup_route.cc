#include "http/backup_route.h"

#include <string>

#include <boost/json.hpp>

#include "http/reply.h"

namespace gameflow::http {
namespace {

namespace json = boost::json;

Result<serve::Reply> back_up(log::Backups& backups, const serve::Request& request) {
  const auto folder = request.parameter("folder");
  if (!folder || folder->empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "say where the backup shall be, on the server's machine: ?folder=/path/to/new");
  }
  GF_ASSIGN(const log::Backup backup, backups.back_up(std::string(*folder)));
  return json_reply(201, json::object{{"folder", *folder},
                                      {"files", backup.files},
                                      {"files_linked", backup.files_linked},
                                      {"bytes", backup.bytes}});
}

}  // namespace

serve::Route backup_route(log::Backups& backups) {
  return {serve::Method::kPost, "/backup", serve::Access::kAdmin, "folder",
          serve::Blocking{[&backups](const serve::Call& call) {
            const auto reply = back_up(backups, call.request);
            return reply ? *reply : error_reply(reply.error());
          }}};
}

}  // namespace gameflow::http
