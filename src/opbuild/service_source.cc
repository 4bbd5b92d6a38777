#include "opbuild/service_source.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "opbuild/block.h"
#include "opbuild/type_source.h"
#include "spec/cpp_lexer.h"
#include "spec/function.h"
#include "spec/names.h"

namespace gameflow::opbuild {
namespace {

using fmt::format;

// A type of the generated code.
struct Value {
  std::string cpp;          // "PlayerEvent", "filter_map_1::Out"
  bool is_written = false;  // as its author spells it; else only the compiler knows what it is
  friend bool operator==(const Value&, const Value&) = default;
};

// "filter-map" -> "filter_map", "FilterMap".
std::string snake(const plan::Step& step) {
  return spec::to_snake_case(step.name);
}
std::string pascal(const plan::Step& step) {
  return spec::to_pascal_case(step.name);
}

std::string friendly_type(const plan::Graph& graph, const record::Type& type) {
  const bool is_unnamed = type.kind == record::Kind::kList || type.kind == record::Kind::kMap;
  const auto named = std::ranges::find(graph.named_types, &type, &plan::NamedType::type);
  return !is_unnamed || named == graph.named_types.end() ? spec::cpp_type(type)
                                                         : spec::to_pascal_case(named->name);
}

std::string row_struct(const plan::State& state) {
  return spec::to_pascal_case(state.name) + "Row";
}

// A block without its comments, and with the least white space that keeps its meaning.
std::string words_of(const plan::Step& step) {
  std::string words;
  std::size_t end = 0;
  for (const spec::Token& token : spec::tokenize(step.code.text)) {
    if (token.offset != end) words += ' ';
    words += token.text;
    if (token.kind == spec::TokenKind::kDirective) words += '\n';
    end = token.offset + token.text.size();
  }
  return words;
}

// Of checks.h.
constexpr std::string_view kUnknown = "gameflow::detail::Unknown";

class ServiceWriter {
 public:
  ServiceWriter(SourceWriter& out, const plan::Graph& graph, const plan::Service& service,
                const SharedTypes& shared, LibraryTable& table)
      : out_(out), graph_(graph), service_(service), shared_(shared), table_(table) {}

  void run() {
    out_.line("\nnamespace dataflow::{} {{\n", service_.scope);
    for (const plan::NodeId id : service_.nodes) {
      const auto* const exchange = std::get_if<plan::Exchange>(&graph_.nodes[id].kind);
      if (exchange != nullptr && exchange->key != record::Kind::kString)
        key_ = record::to_string(exchange->key);
    }
    values_.resize(graph_.nodes.size());
    for (const plan::NodeId id : service_.nodes) {
      const plan::Node& node = graph_.nodes[id];
      Value& value = values_[id];
      if (!node.inputs.empty()) value = values_[node.inputs.front()];
      std::visit([&](const auto& kind) { write(node, kind, value); }, node.kind);
    }
    out_.line("}}  // namespace dataflow::{}", service_.scope);
  }

 private:
  // What a node needs; `value` is what comes in, and becomes what leaves it.
  void write(const plan::Node& node, const plan::Read& read, Value& value);
  void write(const plan::Node& node, const plan::Chain& chain, Value& value);
  void write(const plan::Node&, const plan::Exchange&, Value&) {}
  void write(const plan::Node& node, const plan::Keyed& keyed, Value& value);
  void write(const plan::Node& node, const plan::Write& sink, Value& value);

  // A step as NAME::kFunction. `value` becomes the type of what comes out. Where the function
  // stands is the result.
  spec::Position write_step(const plan::Step& step, const std::string& name, Value& value);
  void write_rows(const plan::Keyed& keyed);
  void write_detach(const record::Type& row, const std::string& name);
  Block write_block(const plan::Step& step);
  void write_assertion(const plan::Step& step, spec::Position position, const Value& in,
                       std::string_view output = {});
  // `check` of checks.h names both types where it fails.
  void write_check(spec::Position position, const std::string& check);
  // Every source has to give what the first one gives.
  void merge(Value& value, spec::Position position);
  void add_function(std::string_view kind, std::string_view name, std::string_view pointer,
                    std::string_view output);
  std::string said_by(const plan::Chain& chain, std::string_view in) const;

  std::string qualified(std::string_view name) const {
    return format("{}::{}", service_.scope, name);
  }
  std::string type_ref(std::string_view type) const {
    return format("gameflow::detail::TypeRefOf<dataflow::{}>::value", qualified(type));
  }
  bool is_of_source(const plan::Chain& chain) const {
    return chain.function.starts_with(service_.name + "/source/");
  }
  Value of_topic(plan::TopicId topic) const {
    const record::Type* const type = graph_.topics[topic].type;
    return type == nullptr ? Value{} : Value{friendly_type(graph_, *type), true};
  }

  SourceWriter& out_;
  const plan::Graph& graph_;
  const plan::Service& service_;
  const SharedTypes& shared_;
  LibraryTable& table_;
  std::string key_ = "Text";
  std::vector<Value> values_;        // of the nodes: what leaves them
  std::optional<Value> merged_;      // what leaves the own steps of each source
  std::vector<std::string> common_;  // names of the steps that the sources share, once written
  Value behind_common_;              // what leaves these
};

Block ServiceWriter::write_block(const plan::Step& step) {
  Block block = parse_block(step.code, step.name);
  const bool lambda = block.form == Block::Form::kLambda;
  if (lambda) block.function = "lambda";
  // No name from the YAML ends with `_`, so no state can be called block_.
  // Unnamed inside, so that a function that is called in one place is inlined there, however large.
  out_.line("namespace block_ {{\nnamespace {{");
  if (lambda) out_.line("constexpr auto lambda =");
  out_.at(step.code.position, {block.text});
  out_.line("{}}}\n}}  // namespace block_", lambda ? ";" : "");
  for (const std::string& macro : block.macros) out_.line("#undef {}", macro);
  const std::string call = format("block_::{}(in...)", block.function);
  out_.line("constexpr auto kFunction = [](auto&&... in) -> decltype({}) {{", call);
  out_.line("  return {};", call);
  out_.line("}};");
  return block;
}

void ServiceWriter::write_assertion(const plan::Step& step, spec::Position position,
                                    const Value& in, std::string_view output) {
  const bool is_flush = step.kind == spec::FunctionKind::kFlush;
  std::string check = format("{}<decltype(kFunction), {}", spec::info_of(step.kind).concept_name,
                             is_flush ? output : in.cpp);
  check += step.kind == spec::FunctionKind::kAssignKey ? ", " + key_ + ">" : ">";
  std::string words = spec::signature_of(step.kind, in.is_written ? in.cpp : "T", output, key_);
  if (is_flush && output == kUnknown) words = "U(), U a type of the dataflow";
  check += ",\n";
  // GCC places a message at the expression, Clang at the static_assert: both are the user's line.
  if (is_flush || in.is_written) {
    out_.at(position, {"static_assert(gameflow::detail::\n", check});
  } else {
    const std::string taken = format(
        "sizeof(gameflow::detail::CheckTaken<decltype(kFunction), {}, types::All>) && "
        "gameflow::detail::\n",
        in.cpp);
    out_.at(position, {"static_assert(\n", taken, check});
  }
  out_.line("    {});", cpp_literal(format("{} must be callable as {}", step.name, words)));
}

spec::Position ServiceWriter::write_step(const plan::Step& step, const std::string& name,
                                         Value& value) {
  out_.line("namespace {} {{", name);
  const spec::Position position = write_block(step).operator_position;
  write_assertion(step, position, value);
  if (plan::changes_type(step.kind)) {
    out_.line("using Out = gameflow::detail::{}Result<decltype(kFunction), {}>::type;",
              pascal(step), value.cpp);
    value = {name + "::Out", false};
  }
  out_.line("}}  // namespace {}\n", name);
  return position;
}

void ServiceWriter::write_check(spec::Position position, const std::string& check) {
  out_.at(position, {"static_assert(\n", format("sizeof({}));\n", check)});
  out_.line("");
}

void ServiceWriter::merge(Value& value, spec::Position position) {
  if (!merged_) {
    merged_ = value;
  } else if (value != *merged_) {
    write_check(position, format("gameflow::detail::CheckMerged<{}, {}>", value.cpp, merged_->cpp));
    value = *merged_;
  }
}

// Chains of which this is equal do the same: a block sees the types of the dataflow, and keeps
// nothing.
std::string ServiceWriter::said_by(const plan::Chain& chain, std::string_view in) const {
  std::string said = format("{} by {}", in, key_);
  for (const plan::Step& step : chain.steps) said += format("\n{}: {}", step.name, words_of(step));
  return said;
}

void ServiceWriter::add_function(std::string_view kind, std::string_view name,
                                 std::string_view pointer, std::string_view output) {
  table_.rows.push_back(
      format("{{gameflow::abi::FunctionKind::{}, {},\n     reinterpret_cast<void "
             "(*)()>(dataflow::{}), {}}}",
             kind, cpp_literal(name), pointer, output));
}

void ServiceWriter::write(const plan::Node& node, const plan::Read& read, Value& value) {
  value = of_topic(read.topic);
  const bool has_chain = std::ranges::any_of(node.outputs, [&](plan::NodeId id) {
    const auto* const chain = std::get_if<plan::Chain>(&graph_.nodes[id].kind);
    return chain != nullptr && is_of_source(*chain);
  });
  if (!has_chain) merge(value, read.position);
}

void ServiceWriter::write(const plan::Node& node, const plan::Chain& chain, Value& value) {
  const std::string in = value.cpp;
  std::string local = chain.function.substr(service_.name.size() + 1);  // "source/0"
  std::ranges::replace(local, '/', '_');
  std::vector<std::string> names;
  spec::Position position;
  for (std::size_t i = 0; i < chain.own_steps; ++i) {
    const plan::Step& step = chain.steps[i];
    names.push_back(format("{}_{}_{}", local, snake(step), i));
    position = write_step(step, names.back(), value);
  }
  if (is_of_source(chain)) {
    const auto* const read = std::get_if<plan::Read>(&graph_.nodes[node.inputs.front()].kind);
    merge(value, chain.own_steps == 0 ? read->position : position);
    for (std::size_t i = chain.own_steps; i < chain.steps.size(); ++i) {
      const std::size_t number = i - chain.own_steps;
      if (number < common_.size()) continue;
      const plan::Step& step = chain.steps[i];
      const bool is_transform = spec::info_of(step.kind).is_transform;
      common_.push_back(is_transform ? format("{}_{}", snake(step), number) : snake(step));
      write_step(step, common_.back(), value);
      behind_common_ = value;
    }
    if (!common_.empty()) value = behind_common_;
    names.insert(names.end(), common_.begin(), common_.end());
  }
  std::string steps;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool has_key = chain.steps[i].kind == spec::FunctionKind::kAssignKey;
    steps += format(",\n    gameflow::detail::{}<{}{}::kFunction>", pascal(chain.steps[i]),
                    has_key ? key_ + ", " : "", names[i]);
  }
  out_.line("using {} = gameflow::detail::Chain<{}{}>;\n", local, in, steps);
  std::string pointer = qualified(local + "::run");
  if (is_of_source(chain))
    pointer = table_.chains.try_emplace(said_by(chain, in), pointer).first->second;
  add_function("kChain", chain.function, pointer, type_ref(local + "::Output"));
}

void ServiceWriter::write_detach(const record::Type& row, const std::string& name) {
  std::string lists;
  for (const record::Field& field : row.fields) {
    if (field.type->kind == record::Kind::kList)
      lists += format("  gameflow::detail::detach(row.{});\n", field.cpp_name);
  }
  if (lists.empty()) return;
  out_.line("inline void detach_lists({}& row) {{", name);
  out_.raw(lists);
  out_.line("}}");
}

void ServiceWriter::write_rows(const plan::Keyed& keyed) {
  for (std::size_t i = 0; i < keyed.states.size(); ++i) {
    const plan::State& state = keyed.states[i];
    const std::string row = row_struct(state);
    if (shared_.contains(state.row)) {
      out_.line("using {} = {};", row, spec::cpp_type(*state.row));
    } else {
      write_type(out_, *state.row, row);
    }
    write_detach(*state.row, row);
    out_.line("inline {}& {}() {{", row, state.table);
    out_.line("  return gameflow::detail::current_row<{}>({});", row, i);
    out_.line("}}\n");
  }
}

void ServiceWriter::write(const plan::Node& node, const plan::Keyed& keyed, Value& value) {
  const std::string name = snake(keyed.update);
  out_.line("namespace {} {{", name);
  write_rows(keyed);
  const spec::Position of_update = write_block(keyed.update).operator_position;
  write_assertion(keyed.update, of_update, value);
  std::string arguments = format("{}, {}::kFunction", value.cpp, name);
  for (const plan::State& state : keyed.states)
    arguments += format(", {}::{}", name, row_struct(state));
  out_.line("}}  // namespace {}\n", name);
  out_.line("constexpr auto run_update = gameflow::detail::update<{}>;\n", arguments);
  add_function("kUpdate", keyed.update_function, qualified("run_update"), "{}");

  const Value output = node.output == nullptr ? Value{std::string(kUnknown), false}
                                              : Value{friendly_type(graph_, *node.output), true};
  out_.line("namespace flush {{");
  write_assertion(keyed.flush, write_block(keyed.flush).operator_position, {}, output.cpp);
  out_.line("using Out = gameflow::detail::FlushResult<decltype(kFunction), {}>::type;",
            output.cpp);
  out_.line("}}  // namespace flush\n");
  out_.line("constexpr auto run_flush = gameflow::detail::flush<flush::Out, flush::kFunction>;\n");
  add_function("kFlush", keyed.flush_function, qualified("run_flush"), type_ref("flush::Out"));
  value = output.is_written ? output : Value{"flush::Out", false};
}

void ServiceWriter::write(const plan::Node&, const plan::Write& sink, Value& value) {
  const Value wanted = of_topic(sink.topic);
  if (wanted.is_written && wanted != value)
    write_check(sink.position,
                format("gameflow::detail::CheckWritten<{}, {}>", value.cpp, wanted.cpp));
}

}  // namespace

void write_service(SourceWriter& out, const plan::Graph& graph, const plan::Service& service,
                   const SharedTypes& shared, LibraryTable& table) {
  ServiceWriter(out, graph, service, shared, table).run();
}

}  // namespace gameflow::opbuild
