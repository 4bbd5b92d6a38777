#include "auth/token_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/closest.h"
#include "base/file_handle.h"

namespace gameflow::auth {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = 1U << 20;
constexpr std::string_view kHead =
    "# Tokens for gameflow. Change this file with `gameflow token create | revoke`, or by hand.\n"
    "# NAME ROLE,… sha256:HASH topic=PATTERN… created=TIME\n";

Error file_error(const fs::path& file, std::string_view what) {
  return {ErrorCode::kFileUnreadable, fmt::format("the file of tokens {} cannot be {}: {}",
                                                  file.string(), what, std::strerror(errno))};
}

// Nothing where there is no file.
Result<std::optional<std::string>> read(const fs::path& file) {
  const FileHandle in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in && errno == ENOENT) return std::optional<std::string>();
  struct stat found = {};
  if (!in || ::fstat(in.get(), &found) != 0) return fail(file_error(file, "read"));
  if ((found.st_mode & S_IWOTH) != 0)
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("the file of tokens {} may be written by everybody, who could let "
                            "themselves in: chmod o-w {}",
                            file.string(), file.string()));
  std::string text;
  std::array<char, 16U << 10> buffer;
  for (;;) {
    const ssize_t size = ::read(in.get(), buffer.data(), buffer.size());
    if (size < 0) return fail(file_error(file, "read"));
    if (size == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
    if (text.size() > kFileBytesMax)
      return fail(ErrorCode::kFileUnreadable,
                  fmt::format("the file of tokens {} is larger than {} bytes: is it the right one?",
                              file.string(), kFileBytesMax));
  }
}

// Through a new file that takes the place of the old one, whose owner and mode it gets.
Status write(const fs::path& file, std::string_view text) {
  const fs::path fresh = file.string() + ".new";
  struct stat before = {};
  const bool was_there = ::stat(file.c_str(), &before) == 0;
  const FileHandle out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  bool is_fine = static_cast<bool>(out);
  if (is_fine && was_there) {
    is_fine = ::fchown(out.get(), before.st_uid, before.st_gid) == 0 &&
              ::fchmod(out.get(), before.st_mode & 07777) == 0;
  }
  while (is_fine && !text.empty()) {
    const ssize_t size = ::write(out.get(), text.data(), text.size());
    is_fine = size >= 0;
    if (is_fine) text.remove_prefix(static_cast<std::size_t>(size));
  }
  if (is_fine && ::fsync(out.get()) == 0 && ::rename(fresh.c_str(), file.c_str()) == 0) return {};
  const Error error = file_error(file, "written");
  ::unlink(fresh.c_str());
  return fail(error);
}

// A link stays one: what it leads to is changed.
fs::path target_of(const fs::path& file) {
  std::error_code error;
  const fs::path whole = fs::absolute(file);
  const fs::path target = fs::weakly_canonical(whole, error);
  return error ? whole : target;
}

// Has `change` make another text of the file's, while nobody else changes it. A null text: there is
// no file.
template <class Change>
Status change_file(const fs::path& file, const Change& change) {
  const fs::path target = target_of(file);
  const FileHandle folder(::open(target.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::flock(folder.get(), LOCK_EX) != 0) return fail(file_error(target, "written"));
  GF_ASSIGN(std::optional<std::string> text, read(target));
  GF_ASSIGN(const Tokens tokens, Tokens::parse(text.value_or(""), target.string()));
  GF_TRY(change(text, tokens));
  GF_TRY(write(target, *text));
  ::fsync(folder.get());
  return {};
}

// The bytes of the line that is the token `name`, its end included.
std::pair<std::size_t, std::size_t> place_of(std::string_view text, std::string_view name) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::size_t word = std::min(text.find_first_not_of(" \t\r\xef\xbb\xbf", begin), end);
    const std::size_t word_end = std::min(text.find_first_of(" \t\r\n", word), end);
    if (text.substr(word, word_end - word) == name) return {begin, end - begin};
    begin = end;
  }
  return {0, 0};
}

}  // namespace

Result<Tokens> read_tokens(const fs::path& file) {
  GF_ASSIGN(const auto text, read(file));
  if (!text)
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("there is no file of tokens {}: make one with `gameflow token create "
                            "NAME --role admin --auth {}`",
                            file.string(), file.string()));
  return Tokens::parse(*text, file.string());
}

Result<std::string> create_token(const fs::path& file, Token token) {
  GF_ASSIGN(std::string secret, make_token_text());
  token.hash = hash_of(secret);
  for (const std::string& fault : {fault_of_name(token.name), fault_of_topics(token)})
    if (!fault.empty()) return fail(ErrorCode::kInvalidArgument, fault);
  GF_TRY(change_file(file, [&](std::optional<std::string>& text, const Tokens& tokens) -> Status {
    const bool is_taken = std::ranges::any_of(
        tokens.all(), [&](const auto& other) { return other->name == token.name; });
    if (is_taken)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("there is a token '{}' in {}: revoke it first, or take another name",
                              token.name, file.string()));
    if (tokens.all().size() == kTokensMax)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} has {} tokens, which is the most", file.string(), kTokensMax));
    if (!text) text = kHead;
    if (!text->empty() && !text->ends_with('\n')) *text += '\n';
    *text += line_of(token) + '\n';
    return {};
  }));
  return secret;
}

Status revoke_token(const fs::path& file, std::string_view name) {
  return change_file(file, [&](std::optional<std::string>& text, const Tokens& tokens) -> Status {
    std::vector<std::string_view> names;
    for (const auto& token : tokens.all()) names.emplace_back(token->name);
    if (std::ranges::find(names, name) == names.end())
      return fail(ErrorCode::kInvalidArgument, fmt::format("there is no token '{}' in {}{}", name,
                                                           file.string(), or_closest(name, names)));
    const auto [begin, size] = place_of(*text, name);
    text->erase(begin, size);
    return {};
  });
}

}  // namespace gameflow::auth
