#include "app/cli_values.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include <gameflow/time.h>

#include "app/text_file.h"
#include "base/ascii.h"
#include "base/number.h"
#include "record/moment.h"
#include "serve/public_url.h"
#include "serve/request.h"
#include "spec/packages.h"

namespace gameflow::app {
namespace {

constexpr std::string_view kDataflowFile = "dataflow.yaml";

}  // namespace

CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
  const auto check = [low, high](std::string& text) -> std::string {
    const auto number = to_number<std::uint64_t>(text);
    if (number && *number >= low && *number <= high) return {};
    return high == UINT64_MAX
               ? fmt::format("'{}' is not a whole number from {} on", text, low)
               : fmt::format("'{}' is not a whole number from {} to {}", text, low, high);
  };
  return {check, ""};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string unit = lower_case({at, end});
  if (unit.empty() || unit == "b") return number;
  constexpr std::string_view kPrefixes = "kmgtpe";
  const std::size_t prefix = kPrefixes.find(unit[0]);
  const std::string_view rest = std::string_view(unit).substr(1);
  if (prefix == std::string_view::npos || (rest != "" && rest != "b" && rest != "ib")) {
    return std::nullopt;
  }
  const std::size_t shift = 10 * (prefix + 1);
  if (number > UINT64_MAX >> shift) return std::nullopt;
  return number << shift;
}

CLI::Validator size() {
  const auto transform = [](std::string& text) -> std::string {
    const auto bytes = parse_size(text);
    if (!bytes) return fmt::format("'{}' is not a size such as 512MiB or 4GiB", text);
    text = std::to_string(*bytes);
    return {};
  };
  return {transform, ""};
}

CLI::Validator public_url() {
  return {[](const std::string& text) {
            return serve::parse_public_url(text)
                       ? std::string()
                       : fmt::format("'{}' is not a URL such as https://stats.example.com/gameflow",
                                     text);
          },
          ""};
}

std::string dataflow_in(const std::filesystem::path& folder) {
  std::error_code error;
  const bool is_package = std::filesystem::exists(folder / spec::kPackageFile, error) &&
                          !std::filesystem::exists(folder / kDataflowFile, error);
  return (folder / (is_package ? spec::kPackageFile : kDataflowFile)).string();
}

CLI::Validator dataflow_file() {
  const auto transform = [](std::string& text) -> std::string {
    std::error_code error;
    if (std::filesystem::is_directory(text, error)) text = dataflow_in(text);
    return {};
  };
  return {transform, ""};
}

CLI::Validator origin() {
  const auto transform = [](std::string& text) -> std::string {
    const std::string lower = lower_case(text);
    const std::size_t scheme = lower.starts_with("http://")    ? 7
                               : lower.starts_with("https://") ? 8
                                                               : 0;
    const bool is_origin = scheme > 0 && lower.size() > scheme &&
                           lower.find_first_of("/?# ,", scheme) == std::string::npos;
    if (!is_origin && text != "*")
      return fmt::format("'{}' is not an origin such as https://game.example.com, or *", text);
    text = lower;
    return {};
  };
  return {transform, ""};
}

CLI::Validator token() {
  const auto transform = [](std::string& text) -> std::string {
    if (text.starts_with('@')) {
      auto file = read_text_file(text.substr(1));
      if (!file) return file.error().message;
      text = serve::trimmed(*file);
    }
    const bool is_one =
        !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
    return is_one ? std::string()
                  : "a token is letters and digits without blanks, or @FILE with one in it";
  };
  return {transform, ""};
}

std::optional<std::uint64_t> parse_rate(const std::string& text) {
  if (text == "max") return std::nullopt;
  const auto rate = to_number<std::uint64_t>(text);
  if (!rate || *rate == 0 || *rate > 100'000'000) {
    throw CLI::ValidationError(fmt::format(
        "'{}' is neither a number of events per second (1 to 100000000) nor max", text));
  }
  return rate;
}

Timestamp parse_time_flag(const std::string& text) {
  i64 ms = 0;
  if (!parse_time(text, &ms)) {
    throw CLI::ValidationError(
        fmt::format("'{}' is not a time; write it like 2024-11-12T10:15:30Z", text));
  }
  return {ms};
}

runtime::StartsFrom starts_from(const std::string& text) {
  if (text == "end") return runtime::EndOfRead{};
  if (text == "beginning") return runtime::Beginning{};
  const Timestamp now = SystemClock().now();
  const std::optional<Timestamp> time = record::parse_moment(text, now);
  if (!time) {
    throw CLI::ValidationError(
        fmt::format("'{}' is neither beginning, end nor a time; write it like "
                    "2024-11-12T10:15:30Z, or -5m for 5 minutes ago",
                    text));
  }
  if (*time > now) {
    throw CLI::ValidationError(
        fmt::format("'{}' is {}, which lies ahead: nothing was appended then; it is {} "
                    "now",
                    text, format_timestamp(*time), format_timestamp(now)));
  }
  return *time;
}

}  // namespace gameflow::app
