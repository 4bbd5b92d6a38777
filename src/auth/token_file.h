// The file of tokens: read by a server, changed by `gameflow token`. What people have written into
// it stays as it is, but for the lines that come and go.
//
// Threads  any. Programs that change a file at the same time wait for each other.
// Errors   kFileUnreadable; kInvalidArgument: a mistake in the file, or in what is asked for.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "auth/tokens.h"
#include "base/error.h"

namespace gameflow::auth {

Result<Tokens> read_tokens(const std::filesystem::path& file);

// A line more, in a file that is made where there is none. Returns the token's text, which nobody
// can find out later; `token` has no hash yet. Either the whole file is written, or nothing is.
Result<std::string> create_token(const std::filesystem::path& file, Token token);
// A line less.
Status revoke_token(const std::filesystem::path& file, std::string_view name);

}  // namespace gameflow::auth
