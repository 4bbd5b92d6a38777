// gameflow test function: one operator of a dataflow, run on values. It runs in the real engine, in
// a graph with nothing else in it.

#include "spec/function.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/dataflow_file.h"
#include "app/flow_test/operators.h"
#include "app/flow_test/text.h"
#include "app/flow_test/world.h"
#include "app/logging.h"
#include "app/terminal.h"
#include "opbuild/opbuild.h"
#include "plan/functions.h"
#include "plan/graph.h"
#include "query/query.h"
#include "record/codec.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;
using flow_test::Operator;
using flow_test::World;
using spec::FunctionKind;

std::string in_quotes(const std::string& text) {
  return json::serialize(json::string(text));
}

// A cell of a state's row as JSON; SQL has no bools.
std::string json_of(const query::Value& value, record::Kind kind) {
  const bool is_bool = kind == record::Kind::kBool;
  if (const auto* const number = std::get_if<std::int64_t>(&value))
    return is_bool ? (*number != 0 ? "true" : "false") : std::to_string(*number);
  if (const auto* const number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* const number = std::get_if<query::Digits>(&value)) return number->text;
  const auto* const text = std::get_if<std::string>(&value);
  const bool is_json = kind == record::Kind::kList || kind == record::Kind::kQuantiles;
  if (text != nullptr) return is_json ? *text : in_quotes(*text);
  return "null";
}

class FunctionTest {
 public:
  explicit FunctionTest(const TestFunctionOptions& options) : options_(options) {}

  Status run() {
    GF_ASSIGN(file_, read_dataflow(options_.build.dataflow, options_.build.package_folders));
    GF_ASSIGN(const Operator found, flow_test::find_operator(*file_.graph, options_.name));
    // The whole dataflow first: it says what is wrong with it, and what the types are.
    GF_ASSIGN(const opbuild::Library whole, build_operators(file_, options_.build, false));
    if (found.step->kind == FunctionKind::kFlush || found.step->kind == FunctionKind::kFlushEach)
      return run_flush(found);
    if (options_.values.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} takes a value: --value or --value-file", found.id));
    }
    if (std::holds_alternative<plan::Join>(file_.graph->nodes[found.node].kind)) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{} is for pairs of records: test it with a case that sends both", found.id));
    }
    GF_ASSIGN(const record::Type* const in, input_type(found, whole.functions));
    if (found.step->kind == FunctionKind::kOnExpire) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is for rows that run out: test it with a case whose records "
                              "advance the time",
                              found.id));
    }
    const bool is_at_rows =
        std::holds_alternative<plan::Keyed>(file_.graph->nodes[found.node].kind);
    return is_at_rows ? run_at_rows(found, in) : run_transform(found, in);
  }

  bool has_failed() const { return has_failed_; }

 private:
  // What comes to the operator: what its chain reads, or what the steps before it make of that.
  Result<const record::Type*> input_type(const Operator& found,
                                         const plan::Functions& functions) const {
    const plan::Graph& graph = *file_.graph;
    const plan::Node& node = graph.nodes[found.node];
    const record::Type* const in = functions.output_of(graph, node.inputs.front());
    const auto* const chain = std::get_if<plan::Chain>(&node.kind);
    if (chain == nullptr) return in;
    const std::vector<plan::Step> before(
        chain->steps.begin(), chain->steps.begin() + static_cast<std::ptrdiff_t>(found.index));
    if (std::ranges::none_of(before, plan::changes_type, &plan::Step::kind)) return in;
    const DataflowFile prefix = file_of(flow_test::pipe_around(graph, found, in, before));
    GF_ASSIGN(const opbuild::Library library, build_operators(prefix, options_.build, false));
    return library.functions.output_of(*prefix.graph, 1);
  }

  DataflowFile file_of(plan::Graph graph) const {
    return {file_.name, file_.files, std::make_shared<const plan::Graph>(std::move(graph))};
  }

  Status start(World& world, plan::Graph graph) const {
    DataflowFile file = file_of(std::move(graph));
    GF_ASSIGN(opbuild::Library library, build_operators(file, options_.build, false));
    return world.start(std::move(file), std::move(library.functions));
  }

  // Text needs no quotes.
  std::string value_for(const std::string& value, const record::Type* in) const {
    const bool is_text = in != nullptr && in->kind == record::Kind::kString;
    return is_text && !value.starts_with('"') ? in_quotes(value) : value;
  }

  Status run_transform(const Operator& found, const record::Type* in) {
    World world(now_, {});
    GF_TRY(start(world, flow_test::pipe_around(*file_.graph, found, in,
                                               {flow_test::as_transform(*file_.graph, found)})));
    for (const std::string& value : options_.values) {
      GF_TRY(world.append(flow_test::kProbeInput, 0, options_.key, {value_for(value, in)}));
      GF_TRY(world.run());
      GF_ASSIGN(const bool has_failed, tell_dead_letters(world));
      GF_ASSIGN(const std::size_t results, print_results(world));
      if (!has_failed && results == 0 && found.step->kind == FunctionKind::kFilterMap)
        fmt::print("null\n");
    }
    return {};
  }

  // What leaves the operator for the sinks, if anything does, then the rows behind the last value.
  Status run_at_rows(const Operator& found, const record::Type* in) {
    World world(now_, {});
    GF_ASSIGN(plan::Graph probe,
              flow_test::rows_around(*file_.graph, found, in, options_.state_key));
    GF_TRY(start(world, std::move(probe)));
    for (const std::string& value : options_.values) {
      GF_TRY(world.append(flow_test::kProbeInput, 0, options_.key, {value_for(value, in)}));
      GF_TRY(world.run());
      GF_TRY(tell_dead_letters(world));
      GF_TRY(print_results(world));
    }
    const auto& keyed = std::get<plan::Keyed>(file_.graph->nodes[found.node].kind);
    for (const plan::State& state : keyed.states) GF_TRY(print_rows(world, keyed, state));
    return {};
  }

  Status run_flush(const Operator& found) {
    World world(now_, {});
    const plan::Graph& graph = *file_.graph;
    GF_TRY(start(world, flow_test::service_without_sinks(graph, found)));
    const plan::Node& source = graph.nodes[graph.services[found.service].nodes.front()];
    const plan::Topic& topic = graph.topics[std::get<plan::Read>(source.kind).topic];
    for (const std::string& value : options_.values)
      GF_TRY(world.append(topic.name, 0, options_.key, {value_for(value, topic.type)}));
    world.end_input();
    GF_TRY(world.run());
    GF_TRY(tell_dead_letters(world));
    GF_TRY(print_results(world));
    return {};
  }

  Result<std::size_t> print_results(World& world) const {
    GF_ASSIGN(const auto records, world.new_keyed_records(flow_test::kProbeOutput));
    for (const auto& [key, value] : records) {
      if (options_.output_key)
        fmt::print("{{\"key\":{},\"value\":{}}}\n", key ? in_quotes(*key) : "null", value);
      else
        fmt::print("{}\n", value);
    }
    return records.size();
  }

  static Status print_rows(const World& world, const plan::Keyed& keyed, const plan::State& state) {
    const bool names_state = keyed.states.size() > 1;
    std::string columns = "_key";
    for (const record::Field& field : state.row->fields)
      columns += fmt::format(", \"{}\"", field.name);
    GF_ASSIGN(const query::Answer rows,
              world.answer(fmt::format("select {} from \"{}\" order by _key{}", columns,
                                       state.table, keyed.window ? ", _window_start" : "")));
    for (const auto& row : rows.rows) {
      std::string text = names_state ? fmt::format("\"_state\":{},", in_quotes(state.name)) : "";
      text += fmt::format("\"_key\":{}", json_of(row[0], state.key));
      for (std::size_t i = 1; i < row.size(); ++i) {
        const record::Field& field = state.row->fields[i - 1];
        text += fmt::format(",{}:{}", in_quotes(field.name), json_of(row[i], field.type->kind));
      }
      fmt::print("{{{}}}\n", text);
    }
    return {};
  }

  // What the operator threw, and values that are not of its type.
  Result<bool> tell_dead_letters(World& world) {
    GF_ASSIGN(const std::vector<std::string> letters, world.new_records("dead-letters"));
    for (const std::string& letter : letters) {
      const json::object object = json::parse(letter).as_object();
      const auto text = [&object](const char* name) {
        const json::value* const value = object.if_contains(name);
        return value != nullptr ? std::string(value->as_string()) : std::string();
      };
      const std::string what =
          text("operator") == "decode"
              ? fmt::format("--value {}", text("field")) + (text("field").empty() ? "" : ": ")
              : options_.name + ": ";
      print_error({ErrorCode::kOperatorFailed, what + text("reason")});
    }
    has_failed_ |= !letters.empty();
    return !letters.empty();
  }

  const TestFunctionOptions& options_;
  DataflowFile file_;
  const Timestamp now_ = SystemClock().now();
  bool has_failed_ = false;
};

}  // namespace

int test_function_command(const TestFunctionOptions& options) {
  set_up_logging("warn");
  TestFunctionOptions with_files = options;
  for (const std::string& name : options.value_files) {
    std::ifstream in(name, std::ios::binary);
    if (!in)
      return print_error({ErrorCode::kFileUnreadable, fmt::format("cannot read '{}'", name)});
    with_files.values.emplace_back(std::istreambuf_iterator<char>(in),
                                   std::istreambuf_iterator<char>());
  }
  FunctionTest test(with_files);
  const Status status = test.run();
  if (!status) return print_error(status.error());
  return test.has_failed() ? kExitFailed : kExitFine;
}

}  // namespace gameflow::app
