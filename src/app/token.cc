// gameflow token create | list | revoke: on the file of tokens that a server is started with.

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/commands.h"
#include "app/table.h"
#include "app/terminal.h"
#include "auth/token_file.h"
#include "base/time.h"

namespace gameflow::app {
namespace {

std::string roles_of(const auth::Token& token) {
  std::vector<std::string_view> roles;
  for (const auth::Role role : token.roles) roles.push_back(to_string(role));
  return fmt::format("{}", fmt::join(roles, ", "));
}

std::string topics_of(const auth::Token& token) {
  if (!token.topics.empty()) return fmt::format("{}", fmt::join(token.topics, ", "));
  return token.has(auth::Role::kIngest) ? "all" : "-";
}

std::string quota_of(const auth::Token& token) {
  std::vector<std::string> parts;
  if (token.quota.records > 0) parts.push_back(with_commas(token.quota.records) + " records");
  if (token.quota.bytes > 0) parts.push_back(with_unit(token.quota.bytes));
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

int token_create_command(const TokenCreateOptions& options) {
  auth::Token token{.name = options.name,
                    .roles = options.roles,
                    .topics = options.topics,
                    .quota = options.quota,
                    .hash = {},
                    .created_at = format_timestamp(SystemClock{}.now())};
  const auto text = auth::create_token(options.auth_file, std::move(token));
  if (!text) return print_error(text.error());
  fmt::print("{}\n", *text);
  print_note(fmt::format("this is token '{}': keep it now, {} has only its hash", options.name,
                         options.auth_file.string()));
  return kExitFine;
}

int token_list_command(const TokenListOptions& options) {
  const auto tokens = auth::read_tokens(options.auth_file);
  if (!tokens) return print_error(tokens.error());
  TextTable table({"TOKEN", "ROLES", "MAY WRITE TO", "A SECOND", "CREATED"});
  for (const auto& token : tokens->all())
    table.add({token->name, roles_of(*token), topics_of(*token), quota_of(*token),
               token->created_at.empty() ? "-" : token->created_at});
  table.print();
  return kExitFine;
}

int token_revoke_command(const TokenRevokeOptions& options) {
  const Status status = auth::revoke_token(options.auth_file, options.name);
  return status ? kExitFine : print_error(status.error());
}

}  // namespace gameflow::app
