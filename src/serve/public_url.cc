#include "serve/public_url.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/ascii.h"
#include "serve/request.h"

namespace gameflow::serve {

std::optional<PublicUrl> parse_public_url(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const std::string scheme = lower_case(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  PublicUrl url;
  url.host = lower_case(rest.substr(0, slash));
  if (url.host.empty() || url.host.find_first_of("@?# ") != std::string::npos) return std::nullopt;
  // As browsers have it in `Origin`.
  const std::string_view usual_port = scheme == "http" ? ":80" : ":443";
  if (url.host.ends_with(usual_port)) url.host.resize(url.host.size() - usual_port.size());
  if (url.host.empty()) return std::nullopt;
  url.origin = scheme + "://" + url.host;
  rest.remove_prefix(slash);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty()) return url;
  Request parsed;
  if (!parse_target(rest, parsed) || !parsed.query.empty()) return std::nullopt;
  const bool has_empty_part =
      std::ranges::any_of(parsed.path, [](const std::string& part) { return part.empty(); });
  if (has_empty_part || rest.find_first_of("?#") != std::string_view::npos) return std::nullopt;
  url.prefix = std::move(parsed.path);
  return url;
}

std::vector<PublicUrl> longest_first(std::vector<PublicUrl> urls) {
  std::ranges::stable_sort(urls, std::greater<>(),
                           [](const PublicUrl& url) { return url.prefix.size(); });
  return urls;
}

}  // namespace gameflow::serve
