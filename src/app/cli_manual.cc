// gameflow manual: the tree of commands as a page for man(1).
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/cli_shell.h"
#include "app/cli_tree.h"

namespace gameflow::app {
namespace {

// As text of a line: man takes lines that begin with a dot or a quote as its own, and hyphens as
// such that may be replaced.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string examples_of(const CLI::App& app) {
  constexpr std::string_view kHead = "Examples:\n";
  const std::string footer = app.get_footer();
  if (!footer.starts_with(kHead)) return "";
  const std::string text = footer.substr(kHead.size());
  return fmt::format(".PP\nExamples:\n.PP\n.EX\n{}\n.EE\n",
                     escaped(text.substr(0, text.find("\n\n"))));
}

std::string option_entry(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  const std::string name =
      names.empty() ? option.get_single_name() : fmt::format("{}", fmt::join(names, ", "));
  std::string text = fmt::format(".TP\n.B {}", escaped(name));
  if (!names.empty() && option.get_items_expected_max() > 0)
    text += fmt::format(" \\fI{}\\fR", escaped(option.get_type_name()));
  text += fmt::format("\n{}", escaped(option.get_description()));
  if (!option.get_default_str().empty())
    text += fmt::format(" [{}]", escaped(option.get_default_str()));
  return text + '\n';
}

void append_command(const CLI::App& app, const std::string& path, std::string& out,
                    std::map<std::string, std::string>& variables) {
  std::string usage = path;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_envname().empty())
      variables.emplace(option->get_envname(), "--" + option->get_lnames().front());
    if (option->get_positional())
      usage += option->get_required() ? fmt::format(" {}", option->get_type_name())
                                      : fmt::format(" [{}]", option->get_type_name());
  }
  const auto commands = app.get_subcommands(nullptr);
  if (commands.empty() || app.get_require_subcommand_min() == 0) {
    out += fmt::format(".SS {}\n{}.\n", escaped(usage), escaped(app.get_description()));
    for (const CLI::Option* option : app.get_options()) {
      if (option != app.get_help_ptr()) out += option_entry(*option);
    }
    out += examples_of(app);
  }
  for (const CLI::App* command : commands)
    append_command(*command, path + ' ' + command->get_name(), out, variables);
}

}  // namespace

std::string manual(const CLI::App& root) {
  std::string commands;
  std::map<std::string, std::string> variables;
  for (const CLI::App* command : root.get_subcommands(nullptr))
    append_command(*command, "gameflow " + command->get_name(), commands, variables);

  std::string out = ".TH GAMEFLOW 1 \"\" \"gameflow " GAMEFLOW_VERSION
                    "\" \"User Commands\"\n"
                    ".SH NAME\ngameflow \\- real\\-time analytics for games\n"
                    ".SH SYNOPSIS\n.B gameflow\n.I COMMAND\n[\\fIFLAGS\\fR] [\\fIARGUMENTS\\fR]\n"
                    ".SH DESCRIPTION\n";
  out += escaped(root.get_description()) + "\n.PP\nFlags beat environment variables.\n";
  out += examples_of(root) + ".SH COMMANDS\n" + commands + ".SH ENVIRONMENT\n";
  for (const auto& [name, flag] : variables)
    out += fmt::format(".TP\n.B {}\nas {}\n", name, escaped(flag));
  out +=
      ".SH EXIT STATUS\n.TP\n.B 0\nfine\n.TP\n.B 1\nit failed; the message says why\n"
      ".TP\n.B 2\nwrong usage\n";
  return out;
}

int manual_command(const ManualOptions&) {
  CommandTree tree;
  fmt::print("{}", manual(tree.root()));
  return kExitFine;
}

}  // namespace gameflow::app
