// The tokens of a server: from its file, which is read again when it changes, and one of its own.
//
// Threads  one.
#pragma once

#include <filesystem>
#include <string>

#include "app/run/file_watch.h"
#include "auth/tokens.h"
#include "base/error.h"
#include "serve/server.h"

namespace gameflow::app {

class TokenWatch {
 public:
  // Errors as of auth::read_tokens(); kInternal.
  static Result<TokenWatch> open(const std::filesystem::path& file);

  // What the file says, and the server's own.
  const auth::Tokens& tokens() const { return tokens_; }
  // With which the connectors that the server starts may write and read everything. It is in no
  // file, and another one with each start.
  const std::string& own_token() const { return own_text_; }

  // Takes over what the file says, where it has changed. Where it has mistakes, or is not there any
  // more, that is logged, and what it said before goes on.
  void look(serve::Server& server);

 private:
  explicit TokenWatch(std::filesystem::path file)
      : file_(std::move(file)), watch_({file_.string()}) {}
  Status read();

  std::filesystem::path file_;
  FileWatch watch_;
  bool is_missing_ = false;
  std::string own_text_;
  auth::Token own_;
  auth::Tokens tokens_;
};

}  // namespace gameflow::app
