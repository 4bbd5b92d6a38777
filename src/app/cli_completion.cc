// gameflow completion: the tree of commands as a script of bash, zsh or fish.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/cli_shell.h"
#include "app/cli_tree.h"

namespace gameflow::app {
namespace {

enum class Values : std::uint8_t { kNone, kAny, kFiles, kFolders, kWords };

struct Flag {
  std::vector<std::string> names;  // with their dashes
  std::string description;
  Values values = Values::kNone;
  std::vector<std::string> words;
};

struct Subcommand {
  std::string name, description;
};

struct CommandEntry {
  std::string path;  // " topic list"; empty: the program itself
  std::vector<Subcommand> commands;
  std::vector<Flag> flags;
  bool takes_files = false;
};

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// "text|json|dot": the words themselves; "N|max": those in lower case. "FILE|DIR": files.
void read_values(const CLI::Option& option, Flag& flag) {
  if (option.get_items_expected_max() == 0) return;
  flag.values = Values::kAny;
  const std::string type = option.get_type_name();
  if (type.starts_with("FILE")) flag.values = Values::kFiles;
  if (type == "DIR") flag.values = Values::kFolders;
  if (type.find('|') == std::string::npos) return;
  for (std::size_t begin = 0; begin <= type.size();) {
    const std::size_t end = std::min(type.find('|', begin), type.size());
    const std::string word = type.substr(begin, end - begin);
    if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos)
      flag.words.push_back(word);
    begin = end + 1;
  }
  if (!flag.words.empty()) flag.values = Values::kWords;
}

Flag to_flag(const CLI::Option& option) {
  Flag flag{.description = first_line(option.get_description())};
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  read_values(option, flag);
  return flag;
}

void append_commands(const CLI::App& app, const std::string& path, std::vector<CommandEntry>& out) {
  CommandEntry entry{.path = path};
  for (const CLI::Option* option : app.get_options()) {
    const Flag flag = to_flag(*option);
    if (!flag.names.empty())
      entry.flags.push_back(flag);
    else if (flag.values == Values::kFiles || flag.values == Values::kFolders)
      entry.takes_files = true;
    for (const std::string& word : flag.words) {
      if (flag.names.empty()) entry.commands.push_back({word, ""});
    }
  }
  const auto commands = app.get_subcommands(nullptr);
  for (const CLI::App* command : commands)
    entry.commands.push_back({command->get_name(), first_line(command->get_description())});
  out.push_back(std::move(entry));
  for (const CLI::App* command : commands)
    append_commands(*command, path + ' ' + command->get_name(), out);
}

// In single quotes, for each of the shells.
std::string in_quotes(std::string_view text, std::string_view quote_inside) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += quote_inside;
    else
      out += c;
  }
  return out + "'";
}

// --- bash ----------------------------------------------------------------------------------------

constexpr std::string_view kBash = R"(# bash completion for gameflow
_gameflow() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} at='' word
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=${{COMP_WORDS[COMP_CWORD - 2]}}; fi
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$at $word" in {paths}) at+=" $word" ;; esac
  done
  COMPREPLY=()
  case "$at $prev" in
{values}  esac
  local commands='' flags='' files=''
  case "$at" in
{commands}  esac
  if [[ $cur == -* || ! $commands$files ]]; then commands=$flags; fi
  COMPREPLY=($(compgen -W "$commands" -- "$cur"))
  if [[ $files && $cur != -* ]]; then
    compopt -o filenames
    COMPREPLY+=($(compgen -f -- "$cur"))
  fi
}}
complete -F _gameflow gameflow
)";

std::string bash_values(const CommandEntry& entry, const Flag& flag) {
  std::vector<std::string> patterns;
  for (const std::string& name : flag.names)
    patterns.push_back(fmt::format("'{} {}'", entry.path, name));
  std::string answer;
  if (flag.values == Values::kWords)
    answer =
        fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$cur\")); ", fmt::join(flag.words, " "));
  if (flag.values == Values::kFiles)
    answer = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); ";
  if (flag.values == Values::kFolders)
    answer = "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\")); ";
  return fmt::format("    {}) {}return ;;\n", fmt::join(patterns, "|"), answer);
}

std::string to_bash(const std::vector<CommandEntry>& entries) {
  std::vector<std::string> paths;
  std::string values, commands;
  for (const CommandEntry& entry : entries) {
    if (!entry.path.empty()) paths.push_back(fmt::format("'{}'", entry.path));
    std::vector<std::string> names, flags;
    for (const Subcommand& command : entry.commands) names.push_back(command.name);
    for (const Flag& flag : entry.flags) {
      flags.insert(flags.end(), flag.names.begin(), flag.names.end());
      if (flag.values != Values::kNone) values += bash_values(entry, flag);
    }
    commands +=
        fmt::format("    '{}') commands='{}' flags='{}'{} ;;\n", entry.path, fmt::join(names, " "),
                    fmt::join(flags, " "), entry.takes_files ? " files=yes" : "");
  }
  return fmt::format(kBash, fmt::arg("paths", fmt::join(paths, "|")), fmt::arg("values", values),
                     fmt::arg("commands", commands));
}

// --- zsh -----------------------------------------------------------------------------------------

constexpr std::string_view kZsh = R"(#compdef gameflow
_gameflow() {{
  local at='' word
  local -a words_before commands flags
  integer depth=1
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$at $word" in ({paths}) at+=" $word"; (( ++depth )) ;; esac
  done
  # What follows the command are its own words.
  words=("${{words[1]}}" "${{(@)words[depth+1,-1]}}")
  (( CURRENT -= depth - 1 ))
  case "$at" in
{commands}  esac
  if (( $#commands )); then
    _arguments -s $flags '1: :->command' && return
    [[ $state == command ]] && _describe command commands
  else
    _arguments -s $flags
  fi
}}
if [[ $funcstack[1] == _gameflow ]]; then _gameflow "$@"; else compdef _gameflow gameflow; fi
)";

// Brackets and colons end a part of what _arguments reads.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const Flag& flag) {
  switch (flag.values) {
    case Values::kNone:
      return "";
    case Values::kAny:
      return ": :";
    case Values::kFiles:
      return ": :_files";
    case Values::kFolders:
      return ": :_files -/";
    case Values::kWords:
      return fmt::format(": :({})", fmt::join(flag.words, " "));
  }
  return "";
}

std::string to_zsh(const std::vector<CommandEntry>& entries) {
  std::vector<std::string> paths;
  std::string commands;
  for (const CommandEntry& entry : entries) {
    if (!entry.path.empty()) paths.push_back(fmt::format("'{}'", entry.path));
    std::string names, flags;
    for (const Subcommand& command : entry.commands) {
      names += "\n        " +
               in_quotes(zsh_text(command.name) + ":" + zsh_text(command.description), "'\\''");
    }
    for (const Flag& flag : entry.flags) {
      for (const std::string& name : flag.names) {
        const std::string text = fmt::format("*{}{}[{}]{}", name,
                                             flag.values == Values::kNone ? ""
                                             : name.starts_with("--")     ? "="
                                                                          : "+",
                                             zsh_text(flag.description), zsh_action(flag));
        flags += "\n        " + in_quotes(text, "'\\''");
      }
    }
    if (entry.takes_files) flags += "\n        '*: :_files'";
    commands += fmt::format("    ('{}')\n      commands=({})\n      flags=({}) ;;\n", entry.path,
                            names, flags);
  }
  return fmt::format(kZsh, fmt::arg("paths", fmt::join(paths, "|")),
                     fmt::arg("commands", commands));
}

// --- fish ----------------------------------------------------------------------------------------

constexpr std::string_view kFish = R"(# fish completion for gameflow
function __gameflow_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case {paths}
        set at "$at $word"
    end
  end
  test "$at" = "$argv[1]"
end
complete -c gameflow -f
)";

std::string fish_flag(const std::string& when, const Flag& flag) {
  std::string line = when;
  for (const std::string& name : flag.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  switch (flag.values) {
    case Values::kNone:
      break;
    case Values::kAny:
      line += " -x";
      break;
    case Values::kFiles:
      line += " -r -F";
      break;
    case Values::kFolders:
      line += " -x -a '(__fish_complete_directories)'";
      break;
    case Values::kWords:
      line += fmt::format(" -x -a '{}'", fmt::join(flag.words, " "));
      break;
  }
  return line + " -d " + in_quotes(flag.description, "\\'") + "\n";
}

std::string to_fish(const std::vector<CommandEntry>& entries) {
  std::vector<std::string> paths;
  std::string lines;
  for (const CommandEntry& entry : entries) {
    if (!entry.path.empty()) paths.push_back(fmt::format("'{}'", entry.path));
    const std::string when =
        fmt::format("complete -c gameflow -n \"__gameflow_at '{}'\"", entry.path);
    for (const Subcommand& command : entry.commands) {
      lines += fmt::format("{} -a {} -d {}\n", when, command.name,
                           in_quotes(command.description, "\\'"));
    }
    for (const Flag& flag : entry.flags) lines += fish_flag(when, flag);
    if (entry.takes_files) lines += when + " -F\n";
  }
  return fmt::format(kFish, fmt::arg("paths", fmt::join(paths, " "))) + lines;
}

}  // namespace

std::string completion_script(const CLI::App& root, ShellKind shell) {
  std::vector<CommandEntry> entries;
  append_commands(root, "", entries);
  switch (shell) {
    case ShellKind::kBash:
      return to_bash(entries);
    case ShellKind::kZsh:
      return to_zsh(entries);
    case ShellKind::kFish:
      return to_fish(entries);
  }
  return "";
}

int completion_command(const CompletionOptions& options) {
  CommandTree tree;
  fmt::print("{}", completion_script(tree.root(), options.shell));
  return kExitFine;
}

}  // namespace gameflow::app
