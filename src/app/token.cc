// gameflow token create | list | revoke: on the file of tokens that a server is started with.

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/commands.h"
#include "app/document.h"
#include "app/table.h"
#include "app/terminal.h"
#include "auth/token_file.h"
#include "base/time.h"
#include "client/json_text.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;

// What is known of a token, as the file of tokens has it; without its hash.
json::object document_of(const auth::Token& token) {
  json::array roles;
  for (const auth::Role role : token.roles) roles.emplace_back(to_string(role));
  return {{"name", token.name},
          {"roles", std::move(roles)},
          {"topics", json::value_from(token.topics)},
          {"quota_records", token.quota.records},
          {"quota_bytes", token.quota.bytes},
          {"created_at", token.created_at}};
}

std::vector<std::string> texts_at(const json::object& token, std::string_view name) {
  return json::value_to<std::vector<std::string>>(token.at(name));
}

std::string topics_of(const json::object& token) {
  const auto topics = texts_at(token, "topics");
  if (!topics.empty()) return fmt::format("{}", fmt::join(topics, ", "));
  return std::ranges::count(texts_at(token, "roles"), "ingest") > 0 ? "all" : "-";
}

std::string quota_of(const json::object& token) {
  std::vector<std::string> parts;
  if (const auto records = client::number_at(token, "quota_records"); records > 0)
    parts.push_back(with_commas(records) + " records");
  if (const auto bytes = client::number_at(token, "quota_bytes"); bytes > 0)
    parts.push_back(with_unit(bytes));
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, ", "));
}

void print_tokens(const json::object& answer) {
  TextTable table({"TOKEN", "ROLES", "MAY WRITE TO", "A SECOND", "CREATED"});
  for (const json::value& value : client::array_at(answer, "tokens")) {
    const json::object& token = value.as_object();
    const std::string created = client::text_at(token, "created_at");
    table.add({client::text_at(token, "name"),
               fmt::format("{}", fmt::join(texts_at(token, "roles"), ", ")), topics_of(token),
               quota_of(token), created.empty() ? "-" : created});
  }
  table.print();
}

}  // namespace

int token_create_command(const TokenCreateOptions& options) {
  auth::Token token{.name = options.name,
                    .roles = options.roles,
                    .topics = options.topics,
                    .quota = options.quota,
                    .hash = {},
                    .created_at = format_timestamp(SystemClock{}.now())};
  json::object document = document_of(token);
  const auto text = auth::create_token(options.auth_file, std::move(token));
  if (!text) return print_error(text.error());
  document["token"] = *text;
  print_document(document, options.json, [&](const auto&) { fmt::print("{}\n", *text); });
  print_note(fmt::format("this is token '{}': keep it now, {} has only its hash", options.name,
                         options.auth_file.string()));
  return kExitFine;
}

int token_list_command(const TokenListOptions& options) {
  const auto tokens = auth::read_tokens(options.auth_file);
  if (!tokens) return print_error(tokens.error());
  json::array listed;
  for (const auto& token : tokens->all()) listed.push_back(document_of(*token));
  print_document(json::object{{"tokens", std::move(listed)}}, options.json, print_tokens);
  return kExitFine;
}

int token_revoke_command(const TokenRevokeOptions& options) {
  const Status status = auth::revoke_token(options.auth_file, options.name);
  if (!status) return print_error(status.error());
  print_document(json::object{{"name", options.name}, {"revoked", true}}, options.json,
                 [](const auto&) {});
  return kExitFine;
}

}  // namespace gameflow::app
