#include "app/run/token_watch.h"

#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "auth/token_file.h"

namespace gameflow::app {

Result<TokenWatch> TokenWatch::open(const std::filesystem::path& file) {
  TokenWatch watch(file);
  GF_ASSIGN(watch.own_text_, auth::make_token_text());
  // No name of the file's: those have no blanks.
  watch.own_ = {.name = "connectors of this server",
                .roles = {auth::Role::kIngest, auth::Role::kRead},
                .topics = {},
                .quota = {},
                .hash = auth::hash_of(watch.own_text_),
                .created_at = {}};
  GF_TRY(watch.read());
  return watch;
}

Status TokenWatch::read() {
  GF_ASSIGN(auth::Tokens fresh, auth::read_tokens(file_));
  if (fresh.all().empty())
    spdlog::warn("{} has no tokens: nobody is let in", file_.string());
  else
    spdlog::info("{} tokens from {}", fresh.all().size(), file_.string());
  fresh.add(own_);
  tokens_ = std::move(fresh);
  return {};
}

void TokenWatch::look(serve::Server& server) {
  std::error_code ignored;
  const bool is_missing = !std::filesystem::exists(file_, ignored);
  if (std::exchange(is_missing_, is_missing) != is_missing && is_missing)
    spdlog::error("{} is not there any more; the tokens that it had are still good",
                  file_.string());
  if (!watch_.has_changed()) return;
  if (const Status status = read(); !status) {
    spdlog::error("{}; the tokens as they were before this change are still good",
                  status.error().message);
    return;
  }
  server.replace_tokens(tokens_);
}

}  // namespace gameflow::app
