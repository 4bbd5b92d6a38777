// The secrets of a connector: found once, and kept out of all that is shown.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "spec/connector.h"

namespace gameflow::connect {

class Secrets {
 public:
  // `file`: lines NAME=VALUE, for `${{ secrets.NAME }}`; empty: there is none, and these come from
  // the environment. `folder`: what `${file:PATH}` is relative to. kFileUnreadable,
  // kInvalidArgument for a line of another form.
  static Result<Secrets> open(const std::filesystem::path& file, std::filesystem::path folder);

  // Its message names the reference, never a value.
  Result<std::string> find(const spec::SecretReference& reference);

  // `text` with *** in place of every secret that was found.
  std::string redact(std::string text) const;

 private:
  Result<std::string> look_up(const spec::SecretReference& reference) const;

  std::filesystem::path folder_;
  std::string file_;  // as it is called in messages; empty: none
  std::map<std::string, std::string, std::less<>> named_;
  std::vector<std::string> shown_as_stars_;  // the longest first
};

}  // namespace gameflow::connect
