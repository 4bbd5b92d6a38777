#include "opbuild/messages.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace gameflow::opbuild {
namespace {

using spec::Diagnostic;
using spec::Position;

// "FILE:LINE:COLUMN: error: TEXT", "FILE:LINE:COLUMN:   required from here". Clang and GCC agree.
struct Message {
  enum class Kind : std::uint8_t { kError, kNote, kContext };
  Kind kind = Kind::kContext;
  std::string_view file;
  Position position;
  std::string_view text;
};

std::optional<std::uint32_t> take_number(std::string_view& line) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  const auto size = static_cast<std::size_t>(end - line.data());
  if (error != std::errc() || size == line.size() || line[size] != ':') return std::nullopt;
  line.remove_prefix(size + 1);
  return value;
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

// Nothing for source excerpts, carets and headings. The file name must not contain a colon before
// a digit.
std::optional<Message> parse_message(std::string_view line) {
  if (line.empty() || line.front() == ' ') return std::nullopt;
  Message message;
  std::size_t colon = line.find(':');
  while (colon != std::string_view::npos) {
    std::string_view rest = line.substr(colon + 1);
    if (const auto number = take_number(rest)) {
      message.file = line.substr(0, colon);
      message.position = {*number, 1};
      if (const auto column = take_number(rest)) message.position.column = *column;
      message.text = trimmed(rest);
      break;
    }
    colon = line.find(':', colon + 1);
  }
  if (message.file.empty()) return std::nullopt;
  for (const std::string_view prefix : {"error: ", "fatal error: "}) {
    if (!message.text.starts_with(prefix)) continue;
    message.kind = Message::Kind::kError;
    message.text.remove_prefix(prefix.size());
  }
  if (message.text.starts_with("note: ")) {
    message.kind = Message::Kind::kNote;
    message.text.remove_prefix(6);
  }
  if (message.text.starts_with("warning: ")) return std::nullopt;
  return message;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

// Without the names of generated code that nobody wrote.
std::string readable(std::string_view text) {
  std::string result(text);
  for (const std::string_view prefix :
       {"static assertion failed: ", "static assertion failed due to requirement "}) {
    if (result.starts_with(prefix)) result.erase(0, prefix.size());
  }
  for (std::size_t at = result.find("dataflow::"); at != std::string::npos;
       at = result.find("dataflow::", at)) {
    // dataflow::player_analytics::assign_key_block::f -> f
    std::size_t end = at + 10;
    for (std::size_t next = result.find("::", end); next != std::string::npos;
         next = result.find("::", end)) {
      const std::string_view name = std::string_view(result).substr(end, next - end);
      const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      });
      if (!plain) break;
      end = next + 2;
    }
    result.erase(at, end - at);
  }
  replace_all(result, "gameflow::", "");
  // Flags are not the user's to choose: "… [-Wnarrowing]", "… (use '-ftemplate-depth=' to …)".
  for (const std::string_view flag : {" [-W", " [-f", " (use '-"}) {
    if (const std::size_t option = result.rfind(flag); option != std::string::npos)
      result.erase(option);
  }
  return result;
}

}  // namespace

std::vector<Diagnostic> read_compiler_output(std::string_view output, std::string_view yaml_name) {
  std::vector<Diagnostic> found;
  std::optional<Position> context;  // where the user's code led into a header
  // The error that notes and contexts belong to; null where it has been left out.
  Diagnostic* current = nullptr;
  found.reserve(kMessagesMax);
  for (std::size_t start = 0; start < output.size();) {
    const std::size_t end = std::min(output.find('\n', start), output.size());
    const auto message = parse_message(output.substr(start, end - start));
    start = end + 1;
    if (!message) continue;
    const bool in_yaml = message->file == yaml_name;
    if (message->kind == Message::Kind::kContext) {
      if (in_yaml) context = message->position;
    } else if (message->kind == Message::Kind::kError) {
      const std::optional<Position> position = in_yaml ? message->position : context;
      context.reset();
      current = nullptr;
      if (!position || found.size() == kMessagesMax) continue;
      const std::string text = readable(message->text);
      const bool repeated = std::ranges::any_of(found, [&](const Diagnostic& earlier) {
        return earlier.position == *position && earlier.message == text;
      });
      if (repeated) continue;
      current = &found.emplace_back(Diagnostic{.position = *position, .message = text, .hint = ""});
    } else if (message->text == "constraints not satisfied" || message->text.ends_with(':')) {
      continue;  // of the static_asserts, which say it better; of lists that are not shown
    } else if (const bool advice = message->text.find("did you ") != std::string_view::npos;
               current != nullptr && (advice || in_yaml)) {
      if (!current->hint.empty()) current->hint += '\n';
      // Where advice stands means nothing: that on an #include, below whichever came last.
      if (!advice) current->hint += fmt::format("line {}: ", message->position.line);
      current->hint += readable(message->text);
    }
  }
  return found;
}

std::vector<const spec::Code*> blocks_of(const spec::Service& service) {
  return {&service.window.assign_timestamp, &service.assign_key, &service.update_state,
          &service.flush};
}

}  // namespace gameflow::opbuild
