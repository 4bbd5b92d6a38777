#include "opbuild/messages.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

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

// What a failed static_assert says: GCC "static assertion failed: TEXT"; Clang, depending on its
// version, "static_assert failed [due to requirement '…'] "TEXT"" or
// "static assertion failed [due to requirement '…']: TEXT".
std::string assertion_text(std::string message) {
  const auto quote = message.find('"');
  if (message.starts_with("static_assert failed") && quote != std::string::npos &&
      message.ends_with('"'))
    return message.substr(quote + 1, message.size() - quote - 2);
  if (!message.starts_with("static assertion failed")) return message;
  const std::string_view before =
      message.find("due to requirement '") != std::string::npos ? "': " : ": ";
  const auto colon = message.find(before);
  return colon == std::string::npos ? message : message.substr(colon + before.size());
}

// The end of the template argument that starts at `at`.
std::size_t argument_end(std::string_view text, std::size_t at) {
  int depth = 0;
  for (; at < text.size(); ++at) {
    if (depth == 0 && (text[at] == ',' || text[at] == '>')) break;
    if (text[at] == '<') ++depth;
    if (text[at] == '>') --depth;
  }
  return at;
}

// A type as operators spell it.
std::string type_name(std::string_view compilers) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {{"signed char", "i8"},
                                                                      {"short int", "i16"},
                                                                      {"short", "i16"},
                                                                      {"int", "i32"},
                                                                      {"long int", "i64"},
                                                                      {"long", "i64"},
                                                                      {"unsigned char", "u8"},
                                                                      {"short unsigned int", "u16"},
                                                                      {"unsigned short", "u16"},
                                                                      {"unsigned int", "u32"},
                                                                      {"long unsigned int", "u64"},
                                                                      {"unsigned long", "u64"},
                                                                      {"float", "f32"},
                                                                      {"double", "f64"}};
  const std::string_view type = trimmed(compilers);
  for (const auto& [theirs, ours] : kNames) {
    if (type == theirs) return std::string(ours);
  }
  if (!type.starts_with("List<")) return std::string(type);
  return "List<" + type_name(type.substr(5, argument_end(type, 5) - 5)) + ">";
}

// Where the name of one of the undefined templates of checks.h is in the message, what it says.
std::optional<std::string> type_mismatch(std::string_view message) {
  // {0}: what comes or is given; {1}: what is taken.
  constexpr std::pair<std::string_view, std::string_view> kSentences[] = {
      {"NotTakenByFunction<", "this takes {1}, but what comes is {0}"},
      {"NotTakenByTopic<", "this topic takes {1}, but what comes is {0}"},
      {"NotAsOtherSources<",
       "this gives {0}, but the first source gives {1}; the sources of a service give one type"},
      {"NotAsKeyOfLeft<",
       "this gives {0}, but the key of 'left' is {1}; the keys of a join are of one kind"},
      {"NotTakenByJoin<",
       "this has to take (const {0}&, const {1}*), what comes of left and right"},
      {"NotAsTransforms<",
       "on-expire gives {0}, but what else goes to the sinks is {1}; they take one type"}};
  for (const auto& [name, sentence] : kSentences) {
    const std::size_t at = message.rfind(name);
    if (at == std::string_view::npos) continue;
    const std::size_t first = at + name.size();
    const std::size_t comma = argument_end(message, first);
    if (comma == message.size()) return std::nullopt;
    const std::size_t end = argument_end(message, comma + 1);
    const std::string comes = type_name(message.substr(first, comma - first));
    const std::string taken = type_name(message.substr(comma + 1, end - comma - 1));
    if (taken == "void") return fmt::format("this does not take {}, which is what comes", comes);
    return fmt::format(fmt::runtime(sentence), comes, taken);
  }
  return std::nullopt;
}

// Without the names of generated code that nobody wrote.
std::string readable(std::string_view text) {
  std::string result(text);
  for (const std::string_view unnamed : {"{anonymous}::", "(anonymous namespace)::"})
    replace_all(result, unnamed, "");
  result = assertion_text(std::move(result));
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
  if (auto mismatch = type_mismatch(result)) return *mismatch;
  // Flags are not the user's to choose: "… [-Wnarrowing]", "… (use '-ftemplate-depth=' to …)".
  for (const std::string_view flag : {" [-W", " [-f", " (use '-"}) {
    if (const std::size_t option = result.rfind(flag); option != std::string::npos)
      result.erase(option);
  }
  return result;
}

// Whether what has been found already says it, or it only follows from that.
bool is_told(const std::vector<Diagnostic>& found, Position position, std::string_view raw,
             std::string_view text) {
  const auto any = [&found](auto is) { return std::ranges::any_of(found, is); };
  const bool repeated = any([&](const Diagnostic& earlier) {
    return earlier.position == position && earlier.message == text;
  });
  if (repeated || text.find("<expression error>") != std::string_view::npos) return true;
  // What comes is the same for each operator that follows.
  if (text.find("what comes") != std::string_view::npos)
    return !found.empty() && found.back().message == text;
  // What names something unknown cannot be called as it has to be.
  if (text.find(" must be callable as ") != std::string_view::npos) {
    return !found.empty() && found.back().position.file == position.file &&
           found.back().position.line >= position.line &&
           (found.back().message.ends_with("does not name a type") ||
            found.back().message.ends_with("was not declared in this scope") ||
            found.back().message.starts_with("inconsistent types"));
  }
  // What a lambda gives is not known, so it does not become anything else either.
  if (text.starts_with("conversion from ")) {
    return any([&](const Diagnostic& earlier) {
      return earlier.position == position && earlier.message.starts_with("inconsistent types");
    });
  }
  // About templates of ours, where the user's mistake stands already.
  if (raw.find("detail::") != std::string_view::npos && raw.find("NotTakenBy") == raw.npos)
    return any([&](const Diagnostic& earlier) { return earlier.position == position; });
  // GCC takes a type that it does not know for int.
  return text.ends_with("of non-class type 'const int'") ||
                 text.ends_with("of non-class type 'int'")
             ? any([&](const Diagnostic& earlier) {
                 return earlier.message.ends_with("does not name a type") &&
                        earlier.position.file == position.file;
               })
             : false;
}

// A parameter of another type than has to be taken is used as what it should be: that is no mistake
// of its own.
void forget_uses(std::vector<Diagnostic>& found, Position taken_at) {
  const auto is_use = [&](const Diagnostic& last) {
    return last.position.file == taken_at.file && last.position.line >= taken_at.line &&
           (last.message.find("which is of pointer type") != std::string::npos ||
            last.message.starts_with("base operand of '->' has non-pointer type"));
  };
  while (!found.empty() && is_use(found.back())) found.pop_back();
}

// What to write instead, as GCC says it; the second since GCC 13.
bool is_advice(std::string_view note) {
  return note.find("did you ") != std::string_view::npos ||
         note.find("this is probably fixable by ") != std::string_view::npos;
}

}  // namespace

std::vector<Diagnostic> read_compiler_output(std::string_view output,
                                             std::span<const spec::SourceFile> files,
                                             std::span<const plan::Graph::Header> headers) {
  std::vector<Diagnostic> found;
  std::optional<Position> context;  // where the user's code led into a header
  // The error that notes and contexts belong to; null where it has been left out.
  Diagnostic* current = nullptr;
  found.reserve(kMessagesMax);
  for (std::size_t start = 0; start < output.size();) {
    const std::size_t end = std::min(output.find('\n', start), output.size());
    auto message = parse_message(output.substr(start, end - start));
    start = end + 1;
    if (!message) continue;
    const auto file = std::ranges::find(files, message->file, &spec::SourceFile::label);
    const bool in_yaml = file != files.end();
    if (in_yaml) message->position.file = static_cast<std::uint32_t>(file - files.begin());
    if (message->kind == Message::Kind::kContext) {
      if (in_yaml) context = message->position;
    } else if (message->kind == Message::Kind::kError) {
      std::optional<Position> position = in_yaml ? message->position : context;
      context.reset();
      current = nullptr;
      const auto header = std::ranges::find(headers, message->file, &plan::Graph::Header::file);
      if (header != headers.end()) position = header->position;
      if (!position || found.size() == kMessagesMax) continue;
      std::string text = readable(message->text);
      if (header != headers.end())
        text = fmt::format("{}:{}: {}", header->file, message->position.line, text);
      if (is_told(found, *position, message->text, text)) continue;
      if (text.starts_with("this has to take ")) forget_uses(found, *position);
      current = &found.emplace_back(Diagnostic{.position = *position, .message = text, .hint = ""});
    } else if (message->text == "constraints not satisfied" || message->text.ends_with(':')) {
      continue;  // of the static_asserts, which say it better; of lists that are not shown
    } else if (const bool advice = is_advice(message->text);
               current != nullptr && (advice || in_yaml)) {
      if (!current->hint.empty()) current->hint += '\n';
      // Where advice stands means nothing: that on an #include, below whichever came last.
      if (!advice) current->hint += fmt::format("line {}: ", message->position.line);
      current->hint += readable(message->text);
    }
  }
  return found;
}

}  // namespace gameflow::opbuild
