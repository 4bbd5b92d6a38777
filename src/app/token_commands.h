// The commands that change a file of tokens: their options, and the functions that run them.
//
// Each function prints results on stdout and messages on stderr, and returns the exit code.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "auth/access.h"

namespace gameflow::app {

struct TokenCreateOptions {
  std::filesystem::path auth_file;
  std::string name;
  std::vector<auth::Role> roles;
  std::vector<std::string> topics;  // patterns; empty: all
  auth::Quota quota;
  bool json = false;
};
int token_create_command(const TokenCreateOptions& options);

struct TokenListOptions {
  std::filesystem::path auth_file;
  bool json = false;
};
int token_list_command(const TokenListOptions& options);

struct TokenRevokeOptions {
  std::filesystem::path auth_file;
  std::string name;
  bool json = false;
};
int token_revoke_command(const TokenRevokeOptions& options);

}  // namespace gameflow::app
