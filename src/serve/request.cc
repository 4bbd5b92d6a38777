#include "serve/request.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/number.h"
#include "record/codec.h"

namespace gameflow::serve {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus : std::uint8_t { kPlus, kSpace };

Result<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return fail(ErrorCode::kInvalidArgument,
                    "the request target has a '%' that two hex digits do not follow");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus == Plus::kSpace) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return fail(ErrorCode::kInvalidArgument, "the request target has a control character");
    decoded += c;
  }
  if (!record::is_valid_utf8(decoded))
    return fail(ErrorCode::kInvalidArgument, "the request target is not UTF-8");
  return decoded;
}

// Calls `each` with the parts of `text` between separators, until it fails.
template <class Each>
Status split(std::string_view text, char separator, Each each) {
  for (;;) {
    const std::size_t end = text.find(separator);
    GF_TRY(each(text.substr(0, end)));
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

Status parse_target(std::string_view target, Request& request) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (lower_case(target.substr(0, scheme.size())) != scheme) continue;
    const std::size_t end = std::min(target.find_first_of("/?", scheme.size()), target.size());
    request.host = target.substr(scheme.size(), end - scheme.size());
    target = end == target.size() ? "/" : target.substr(end);
  }
  if (!target.starts_with('/'))
    return fail(ErrorCode::kInvalidArgument, "the request target does not start with '/'");
  const std::size_t question = target.find('?');
  GF_TRY(split(target.substr(1, question == std::string_view::npos ? question : question - 1), '/',
               [&](std::string_view part) -> Status {
                 GF_ASSIGN(std::string segment, percent_decode(part, Plus::kPlus));
                 request.path.push_back(std::move(segment));
                 return {};
               }));
  if (question == std::string_view::npos) return {};
  return split(target.substr(question + 1), '&', [&](std::string_view part) -> Status {
    if (part.empty()) return {};
    const std::size_t equals = part.find('=');
    GF_ASSIGN(std::string name, percent_decode(part.substr(0, equals), Plus::kSpace));
    GF_ASSIGN(std::string value,
              percent_decode(equals == std::string_view::npos ? "" : part.substr(equals + 1),
                             Plus::kSpace));
    request.query.emplace_back(std::move(name), std::move(value));
    return {};
  });
}

Result<std::uint64_t> parse_number(std::string_view text, std::string_view what, std::uint64_t low,
                                   std::uint64_t high) {
  const auto number = to_number<std::uint64_t>(text);
  if (!number || *number < low || *number > high)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is \"{}\"; it must be a whole number from {} to {}", what,
                            text.substr(0, 100), low, high));
  return *number;
}

Result<std::uint64_t> number_parameter(const Request& request, std::string_view name,
                                       std::uint64_t otherwise, std::uint64_t low,
                                       std::uint64_t high) {
  const auto text = request.parameter(name);
  if (!text) return otherwise;
  return parse_number(*text, name, low, high);
}

bool list_has(std::string_view header, std::string_view token) {
  bool found = false;
  (void)split(header, ',', [&](std::string_view part) -> Status {
    const std::size_t semicolon = part.find(';');
    if (lower_case(trimmed(part.substr(0, semicolon))) != token) return {};
    std::string quality =
        semicolon == std::string_view::npos ? "" : lower_case(part.substr(semicolon + 1));
    std::erase(quality, ' ');
    const bool refused =
        quality.starts_with("q=0") && quality.find_first_not_of("0.", 2) == std::string::npos;
    found = found || !refused;
    return {};
  });
  return found;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string_view to_string(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
    case Method::kOther:
      return "";
  }
  return "";
}

}  // namespace gameflow::serve
