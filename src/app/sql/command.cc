// gameflow sql: queries over live state, as arguments, from stdin, or typed into a shell.

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/sql/line_editor.h"
#include "app/sql/output.h"
#include "app/sql/statements.h"
#include "app/table.h"
#include "app/terminal.h"
#include "base/closest.h"
#include "client/http_client.h"
#include "client/json_text.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;

SqlFormat automatic_format() {
  return is_terminal(STDOUT_FILENO) ? SqlFormat::kTable : SqlFormat::kCsv;
}

// From NAME=VALUE each.
Result<json::object> parameters_of(const std::vector<std::string>& texts) {
  json::object parameters;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--param {}: write NAME=VALUE, as level=level_03", text));
    const std::string value = text.substr(equals + 1);
    json::error_code error;
    const json::value number = json::parse(value, error);
    parameters[text.substr(0, equals)] = !error && number.is_number() ? number : json::value(value);
  }
  return parameters;
}

// How queries are asked and shown.
struct Asking {
  client::Http& http;
  SqlFormat format;
  json::object parameters;
};

Status run_query(const Asking& asking, const std::string& query) {
  const json::object body{{"sql", query}, {"params", asking.parameters}};
  auto reply = asking.http.request("POST", "/sql", "application/json", json::serialize(body));
  if (reply && reply->status / 100 == 2) reply->body = with_digits(reply->body);
  GF_ASSIGN(const json::object answer, client::object_of(std::move(reply)));
  print_answer(answer, asking.format);
  return {};
}

// Statement by statement; the first that fails ends it.
Status run_script(const Asking& asking, std::string text) {
  std::vector<std::string> statements = take_statements(text);
  // The last one needs no ';'. Where there is no other, the server says what is wrong with nothing.
  if (!is_blank_sql(text) || statements.empty()) statements.push_back(text);
  bool is_first = true;
  for (const std::string& statement : statements) {
    if (!is_first && asking.format == SqlFormat::kTable) fmt::print("\n");
    is_first = false;
    GF_TRY(run_query(asking, statement));
  }
  return {};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

constexpr const char* kHelp =
    "SELECT …;          runs a query; it may take several lines, up to the ';'\n"
    ".tables            what can be queried\n"
    ".schema [TABLE]    its columns\n"
    ".mode [MODE]       how answers are shown: table, json or csv\n"
    ".help              this\n"
    ".quit              leaves, as Ctrl-D does\n"
    "Tab completes tables, columns and keywords; Ctrl-C forgets what was typed.\n";

class Shell {
 public:
  explicit Shell(Asking asking)
      : asking_(std::move(asking)), editor_(history_file(), [this](std::string_view line) {
          return completions(typed_ + std::string(line), tables_);
        }) {}

  Status run() {
    GF_TRY(load_tables());
    fmt::print("{} table{}; .help says what can be done here\n", tables_.size(),
               tables_.size() == 1 ? "" : "s");
    while (!is_over_) {
      std::fflush(stdout);
      const auto line = editor_.read(is_blank_sql(typed_) ? "gameflow> " : "     ...> ");
      if (!line) break;
      if (line->interrupted) {
        typed_.clear();
      } else {
        take(line->text);
      }
    }
    return {};
  }

 private:
  void take(const std::string& line) {
    if (is_blank_sql(typed_) && trimmed(line).starts_with('.')) {
      typed_.clear();
      editor_.remember(line);
      run_command(std::string(trimmed(line)));
      return;
    }
    typed_ += line;
    for (std::string statement : take_statements(typed_)) {
      statement = std::string(trimmed(statement));
      editor_.remember(statement + ";");
      tell(run_query(asking_, statement));
    }
    if (is_blank_sql(typed_))
      typed_.clear();
    else
      typed_ += '\n';
  }

  void tell(const Status& status) {
    std::fflush(stdout);
    if (!status) print_error(status.error());
  }

  void run_command(const std::string& line) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string command = line.substr(0, space);
    const std::string argument(trimmed(std::string_view(line).substr(space)));
    if (command == ".quit" || command == ".exit") {
      is_over_ = true;
    } else if (command == ".help") {
      std::fputs(kHelp, stdout);
    } else if (command == ".tables") {
      tell(print_tables());
    } else if (command == ".schema") {
      tell(print_schema(argument));
    } else if (command == ".mode") {
      set_mode(argument);
    } else {
      const std::string meant = or_closest(command, kShellCommands);
      tell(fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no command '{}'{}", command,
                            meant.empty() ? "; .help lists them" : meant)));
    }
  }

  void set_mode(const std::string& mode) {
    constexpr std::string_view kNames[] = {"table", "json", "csv"};
    const auto* const found = std::ranges::find(kNames, mode);
    if (found != std::end(kNames)) {
      asking_.format = static_cast<SqlFormat>(found - std::begin(kNames));
    } else if (mode.empty()) {
      fmt::print("{}\n", kNames[static_cast<std::size_t>(asking_.format)]);
    } else {
      tell(fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no mode '{}': table, json or csv", mode)));
    }
  }

  // Again each time somebody looks: a dataflow may have changed.
  Status load_tables() {
    GF_ASSIGN(const json::object answer, client::object_of(asking_.http.get("/states")));
    tables_.clear();
    rows_.clear();
    for (const json::value& value : client::array_at(answer, "states")) {
      const json::object& state = value.as_object();
      SqlTable& table = tables_.emplace_back(SqlTable{client::text_at(state, "table"), {}});
      rows_.push_back(client::number_at(state, "rows"));
      for (const json::value& column : client::array_at(state, "columns")) {
        const json::object& described = column.as_object();
        table.columns.push_back(
            {client::text_at(described, "name"), client::text_at(described, "type")});
      }
    }
    return {};
  }

  Status print_tables() {
    GF_TRY(load_tables());
    TextTable table({"TABLE", "COLUMNS", "ROWS"});
    table.align_right({1, 2});
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      table.add(
          {tables_[i].name, std::to_string(tables_[i].columns.size()), with_commas(rows_[i])});
    }
    table.print();
    return {};
  }

  Status print_schema(const std::string& name) {
    GF_TRY(load_tables());
    bool has_printed = false;
    for (const SqlTable& table : tables_) {
      if (!name.empty() && table.name != name) continue;
      if (has_printed) fmt::print("\n");
      has_printed = true;
      TextTable columns({table.name, "TYPE"});
      for (const SqlTable::Column& column : table.columns) columns.add({column.name, column.type});
      columns.print();
    }
    if (has_printed || name.empty()) return {};
    std::vector<std::string_view> names;
    for (const SqlTable& table : tables_) names.emplace_back(table.name);
    const std::string meant = or_closest(name, names);
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no table '{}'{}", name,
                            meant.empty() ? "; .tables lists them" : meant));
  }

  Asking asking_;
  std::string typed_;  // of a statement that goes on
  std::vector<SqlTable> tables_;
  std::vector<std::uint64_t> rows_;  // of each
  bool is_over_ = false;
  LineEditor editor_;
};

}  // namespace

int sql_command(const SqlOptions& options) {
  auto parameters = parameters_of(options.parameters);
  if (!parameters) return print_error(parameters.error());
  const auto http = client::HttpClient::open(options.server);
  if (!http) return print_error(http.error());
  Asking asking{**http, options.format.value_or(automatic_format()), *std::move(parameters)};
  if (!options.query && is_terminal(STDIN_FILENO)) {
    const Status status = Shell(std::move(asking)).run();
    return status ? kExitFine : print_error(status.error());
  }
  std::string query = options.query.value_or("-");
  if (query == "-") query.assign(std::istreambuf_iterator<char>(std::cin), {});
  const Status status = run_script(asking, std::move(query));
  return status ? kExitFine : print_error(status.error());
}

}  // namespace gameflow::app
