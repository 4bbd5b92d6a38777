#include "connect/secrets.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/url_encode.h"
#include "client/http_client.h"

namespace gameflow::connect {
namespace {

constexpr std::size_t kSecretBytesMax = 64U << 10;
// Shorter ones are parts of ordinary words: hiding them would hide the message.
constexpr std::size_t kHiddenBytesMin = 4;

std::optional<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || file.gcount() > static_cast<std::streamsize>(bytes_max)) return std::nullopt;
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// As `echo` and editors leave it.
void drop_line_end(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

}  // namespace

Result<Secrets> Secrets::open(const std::filesystem::path& file, std::filesystem::path folder) {
  Secrets secrets;
  secrets.folder_ = std::move(folder);
  if (file.empty()) return secrets;
  secrets.file_ = file.string();
  const auto text = read_file(file, std::size_t{1} << 20);
  if (!text) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("the file of secrets '{}' cannot be read", secrets.file_));
  }
  std::string_view rest = *text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{}:{}: a line of a file of secrets is NAME=VALUE", secrets.file_, number));
    }
    secrets.named_.insert_or_assign(std::string(line.substr(0, equals)),
                                    std::string(line.substr(equals + 1)));
  }
  return secrets;
}

Result<std::string> Secrets::look_up(const spec::SecretReference& reference) const {
  using enum spec::SecretReference::Kind;
  const std::string& name = reference.name;
  if (reference.kind == kFile) {
    auto text = read_file(folder_ / name, kSecretBytesMax);
    if (!text) {
      return fail(ErrorCode::kFileUnreadable,
                  fmt::format("the secret in file '{}' cannot be read",
                              (folder_ / name).lexically_normal().string()));
    }
    drop_line_end(*text);
    return std::move(*text);
  }
  if (reference.kind == kNamed && !file_.empty()) {
    const auto found = named_.find(name);
    if (found != named_.end()) return found->second;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("secret '{}' is not in '{}'", name, file_));
  }
  if (const char* const value = std::getenv(name.c_str())) return std::string(value);
  return fail(ErrorCode::kInvalidArgument,
              reference.kind == kNamed
                  ? fmt::format("secret '{}' is neither in a file given with --secrets nor in the "
                                "environment",
                                name)
                  : fmt::format("the environment has no variable '{}'", name));
}

Result<std::string> Secrets::find(const spec::SecretReference& reference) {
  GF_ASSIGN(std::string value, look_up(reference));
  if (value.size() >= kHiddenBytesMin) {
    for (const std::string& form : {value, url_encode(value)}) {
      if (std::ranges::count(shown_as_stars_, form) == 0) shown_as_stars_.push_back(form);
    }
    std::ranges::sort(shown_as_stars_, std::ranges::greater{}, &std::string::size);
  }
  return value;
}

std::string Secrets::redact(std::string text) const {
  for (const std::string& secret : shown_as_stars_) {
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3)
      text.replace(at, secret.size(), "***");
  }
  return text;
}

}  // namespace gameflow::connect
