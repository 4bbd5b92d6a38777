#include "opbuild/service_source.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "opbuild/block.h"
#include "opbuild/row_source.h"
#include "opbuild/signature_source.h"
#include "opbuild/step_words.h"
#include "opbuild/type_source.h"
#include "record/type.h"
#include "spec/cpp_lexer.h"
#include "spec/function.h"
#include "spec/names.h"

namespace gameflow::opbuild {
namespace {

// A type of the generated code.
struct Value {
  std::string cpp;          // "PlayerEvent", "filter_map_1::Out"
  bool is_written = false;  // as its author spells it; else only the compiler knows what it is
  friend bool operator==(const Value&, const Value&) = default;
};

// Of checks.h.
constexpr std::string_view kUnknown = "gameflow::detail::Unknown";

class ServiceWriter {
 public:
  ServiceWriter(SourceWriter& out, const plan::Graph& graph, const plan::Service& service,
                LibraryTable& table)
      : out_(out), graph_(graph), service_(service), table_(table) {}

  void run() {
    out_.line("\nnamespace dataflow::{} {{\n", service_.scope);
    for (const plan::NodeId id : service_.nodes) {
      const auto* const exchange = std::get_if<plan::Exchange>(&graph_.nodes[id].kind);
      if (exchange != nullptr) key_ = exchange->key ? key_type(*exchange->key) : "";
    }
    for (std::uint32_t number = 0; number < service_.reads.size(); ++number) {
      if (!plan::is_own(service_.reads[number], id())) write_reference(number);
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
  void write(const plan::Node& node, const plan::Join& join, Value& value);
  void write(const plan::Node& node, const plan::Write& sink, Value& value);

  // A step as NAME::kFunction. `value` becomes the type of what comes out. Where the function
  // stands is the result.
  spec::Position write_step(const plan::Step& step, const std::string& name, Value& value);
  // What reads rows by key.
  void write_reference(std::uint32_t number);
  void write_row_accessors(const plan::Keyed& keyed);
  // Of all states that have one; what the first gives, if nothing else leaves the node.
  void write_expires(const plan::Keyed& keyed, Value& value);
  void write_merges(const plan::Keyed& keyed);
  void write_update(const plan::Keyed& keyed, Value& value);
  void write_flush(const plan::Node& node, const plan::Keyed& keyed, Value& value);
  void write_each(const plan::Node& node, const plan::Keyed& keyed, Value& value);
  Block write_block(const plan::Step& step);
  void write_assertion(const plan::Step& step, spec::Position position, const Value& in,
                       std::string_view output = {});
  // `check` of checks.h names both types where it fails.
  void write_check(spec::Position position, const std::string& check);
  // Every source has to give what the first one gives.
  void merge(Value& value, spec::Position position);
  // `asks`: a mask of abi::Asks, and for a join, behind it, the kind of its keys.
  void add_function(std::string_view kind, std::string_view name, std::string_view pointer,
                    std::string_view output, std::string_view asks);
  std::string said_by(const plan::Chain& chain, std::string_view in) const;
  bool reads_more(const plan::Step& step) const;
  plan::ServiceId id() const {
    return static_cast<plan::ServiceId>(&service_ - graph_.services.data());
  }

  std::string qualified(std::string_view name) const {
    return fmt::format("{}::{}", service_.scope, name);
  }
  std::string type_ref(std::string_view type) const {
    return fmt::format("gameflow::detail::TypeRefOf<dataflow::{}>::value", qualified(type));
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
  LibraryTable& table_;
  std::string key_ = "Text";         // empty: of a join, whose sides say what it is
  std::string key_of_left_;          // of a join: where the left side says it
  std::vector<Value> values_;        // of the nodes: what leaves them
  std::optional<Value> merged_;      // what leaves the own steps of each source
  std::vector<std::string> common_;  // names of the steps that the sources share, once written
  Value behind_common_;              // what leaves these
};

Block ServiceWriter::write_block(const plan::Step& step) {
  Block block = parse_block(step.code, step.name);
  const bool lambda = block.form == Block::Form::kLambda;
  if (lambda) block.function = "lambda";
  // No name from the YAML ends with `_`, so no state can be called as anything that is made here.
  // Unnamed inside, so that a function that is called in one place is inlined there, however large.
  out_.line("namespace block_ {{\nnamespace {{");
  if (lambda) out_.line("constexpr auto lambda =");
  out_.at(step.code.position, {block.text});
  out_.line("{}}}\n}}  // namespace block_", lambda ? ";" : "");
  for (const std::string& macro : block.macros) out_.line("#undef {}", macro);
  const std::string call = fmt::format("block_::{}(in...)", block.function);
  out_.line("constexpr auto kFunction = [](auto&&... in) -> decltype({}) {{", call);
  out_.line("  return {};", call);
  out_.line("}};");
  if (step.signature != nullptr) {
    write_signature_check(out_, graph_, step);
    // What is wrong with what comes to it is wrong where it is used.
    block.operator_position = step.position;
  }
  return block;
}

void ServiceWriter::write_assertion(const plan::Step& step, spec::Position position,
                                    const Value& in, std::string_view output) {
  const bool is_flush = step.kind == spec::FunctionKind::kFlush;
  const bool is_key = step.kind == spec::FunctionKind::kAssignKey;
  const bool is_any_key = is_key && key_.empty();
  std::string check =
      fmt::format("{}<decltype(kFunction), {}",
                  is_any_key ? "AssignsJoinKey" : spec::info_of(step.kind).concept_name,
                  is_flush ? output : in.cpp);
  check += is_key && !is_any_key ? ", " + key_ + ">" : ">";
  std::string words = spec::signature_of(step.kind, in.is_written ? in.cpp : "T", output, key_);
  if (is_any_key)
    words =
        fmt::format("KEY(const {}&), KEY Text, bool or an integer", in.is_written ? in.cpp : "T");
  if (step.kind == spec::FunctionKind::kOnExpire) words.replace(words.find("ROW"), 3, in.cpp);
  if (is_flush && output == kUnknown) words = "U(), U a type of the dataflow";
  check += ",\n";
  // GCC places a message at the expression, Clang at the static_assert: both are the user's line.
  if (is_flush || in.is_written) {
    out_.at(position, {"static_assert(gameflow::detail::\n", check});
  } else {
    const std::string taken = fmt::format(
        "sizeof(gameflow::detail::CheckTaken<decltype(kFunction), {}, types::All>) && "
        "gameflow::detail::\n",
        in.cpp);
    out_.at(position, {"static_assert(\n", taken, check});
  }
  out_.line("    {});", cpp_literal(fmt::format("{} must be callable as {}", step.name, words)));
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
  if (step.kind == spec::FunctionKind::kAssignKey && key_.empty())
    out_.line("using Key = gameflow::detail::JoinKey<decltype(kFunction), {}>;", value.cpp);
  out_.line("}}  // namespace {}\n", name);
  return position;
}

void ServiceWriter::write_check(spec::Position position, const std::string& check) {
  out_.at(position, {"static_assert(\n", fmt::format("sizeof({}));\n", check)});
  out_.line("");
}

void ServiceWriter::merge(Value& value, spec::Position position) {
  if (!merged_) {
    merged_ = value;
  } else if (value != *merged_) {
    write_check(position,
                fmt::format("gameflow::detail::CheckMerged<{}, {}>", value.cpp, merged_->cpp));
    value = *merged_;
  }
}

bool ServiceWriter::reads_more(const plan::Step& step) const {
  for (const spec::Token& token : spec::tokenize(step.code.text)) {
    if (token.text == "sql" && !service_.reads.empty()) return true;
    if (std::ranges::count(service_.reads, token.text, &plan::Reference::accessor) != 0)
      return true;
  }
  return false;
}

// Chains of which this is equal do the same: a block sees the types of the dataflow, and keeps
// nothing.
std::string ServiceWriter::said_by(const plan::Chain& chain, std::string_view in) const {
  std::string said = fmt::format("{} by {}", in, key_);
  // What it reads beside the record is the service's.
  if (std::ranges::any_of(chain.steps, [this](const plan::Step& step) { return reads_more(step); }))
    said += " of " + service_.scope;
  for (const plan::Step& step : chain.steps)
    said += fmt::format("\n{}: {}", step.name, words_of(step));
  return said;
}

void ServiceWriter::add_function(std::string_view kind, std::string_view name,
                                 std::string_view pointer, std::string_view output,
                                 std::string_view asks) {
  table_.rows.push_back(
      fmt::format("{{gameflow::abi::FunctionKind::{}, {},\n     reinterpret_cast<void "
                  "(*)()>(dataflow::{}), {},\n     {}}}",
                  kind, cpp_literal(name), pointer, output, asks));
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
  local += '_';
  std::vector<std::string> names;
  spec::Position position;
  for (std::size_t i = 0; i < chain.own_steps; ++i) {
    const plan::Step& step = chain.steps[i];
    names.push_back(fmt::format("{}{}_{}_", local, snake(step), i));
    position = write_step(step, names.back(), value);
  }
  const bool is_of_join = is_of_source(chain) && key_.empty();
  if (is_of_join && key_of_left_.empty()) {
    key_of_left_ = names.back() + "::Key";
  } else if (is_of_join) {
    write_check(position, fmt::format("gameflow::detail::CheckKeys<{}::Key, {}>", names.back(),
                                      key_of_left_));
  } else if (is_of_source(chain)) {
    const auto* const read = std::get_if<plan::Read>(&graph_.nodes[node.inputs.front()].kind);
    merge(value, chain.own_steps == 0 ? read->position : position);
    for (std::size_t i = chain.own_steps; i < chain.steps.size(); ++i) {
      const std::size_t number = i - chain.own_steps;
      if (number < common_.size()) continue;
      const plan::Step& step = chain.steps[i];
      const bool is_transform = spec::info_of(step.kind).is_transform;
      common_.push_back(is_transform ? fmt::format("{}_{}_", snake(step), number)
                                     : snake(step) + "_");
      write_step(step, common_.back(), value);
      behind_common_ = value;
    }
    if (!common_.empty()) value = behind_common_;
    names.insert(names.end(), common_.begin(), common_.end());
  }
  std::string steps;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool has_key = chain.steps[i].kind == spec::FunctionKind::kAssignKey;
    const std::string key = key_.empty() ? names[i] + "::Key::type" : key_;
    steps += fmt::format(",\n    gameflow::detail::{}<{}{}::kFunction>", pascal(chain.steps[i]),
                         has_key ? key + ", " : "", names[i]);
  }
  out_.line("using {} = gameflow::detail::Chain<{}{}>;\n", local, in, steps);
  std::string pointer = qualified(local + "::run");
  if (is_of_source(chain))
    pointer = table_.chains.try_emplace(said_by(chain, in), pointer).first->second;
  add_function("kChain", chain.function, pointer, type_ref(local + "::Output"),
               asks_of("dataflow::" + qualified(local), chain.steps));
}

void ServiceWriter::write_reference(std::uint32_t number) {
  const plan::Reference& reference = service_.reads[number];
  std::string row, key;
  bool is_primitive = false;
  if (const auto* const of = std::get_if<plan::Reference::OfTable>(&reference.to)) {
    const plan::TableSource& table = graph_.tables[of->table];
    row = friendly_type(graph_, *table.row);
    key = key_type(table.key);
  } else {
    const auto& to = std::get<plan::Reference::OfState>(reference.to);
    const plan::State& state = graph_.keyed_of(to.service)->states[to.state];
    row = fmt::format("{}::{}", graph_.services[to.service].scope, row_struct(state));
    key = key_type(state.key);
    is_primitive = state.is_primitive;
    const std::string name = spec::to_pascal_case(reference.name) + "Row";
    if (to.service != id()) out_.line("using {} = dataflow::{};", name, row);
    row = name;
  }
  if (is_primitive) {
    out_.line("inline const auto* {}({} key) {{", reference.accessor, key);
    out_.line("  const auto* const row = gameflow::detail::find_row<{}>({}, key);", row, number);
    out_.line("  return row == nullptr ? nullptr : &row->value;");
  } else {
    out_.line("inline const {}* {}({} key) {{", row, reference.accessor, key);
    out_.line("  return gameflow::detail::find_row<{}>({}, key);", row, number);
  }
  out_.line("}}\n");
}

void ServiceWriter::write_row_accessors(const plan::Keyed& keyed) {
  for (std::size_t i = 0; i < keyed.states.size(); ++i) {
    const plan::State& state = keyed.states[i];
    out_.line("inline auto& {}() {{", state.table);
    out_.line("  return gameflow::detail::current_row<{}>({}){};", row_struct(state), i,
              state.is_primitive ? ".value" : "");
    out_.line("}}\n");
  }
}

void ServiceWriter::write_expires(const plan::Keyed& keyed, Value& value) {
  for (const plan::State& state : keyed.states) {
    if (!state.on_expire) continue;
    const std::string row = row_struct(state), name = fmt::format("expire_{}_", state.table);
    out_.line("namespace {} {{", name);
    out_.line("constexpr auto kValue = [](const {}& row) -> const auto& {{ return row{}; }};", row,
              state.is_primitive ? ".value" : "");
    out_.line("using Seen = std::remove_cvref_t<decltype(kValue(std::declval<{}>()))>;", row);
    const spec::Position position = write_block(*state.on_expire).operator_position;
    const Value seen{state.is_primitive ? spec::cpp_type(*state.row->fields.front().type) : row,
                     true};
    write_assertion(*state.on_expire, position, seen);
    out_.line("using Out = gameflow::detail::ExpireResult<decltype(kFunction), Seen>::type;");
    if (!value.cpp.empty())
      write_check(position, fmt::format("gameflow::detail::CheckExpired<Out, {}>", value.cpp));
    out_.line("using Expire = gameflow::detail::Expire<kFunction, kValue>;");
    out_.line("}}  // namespace {}\n", name);
    out_.line("constexpr auto run_{0} = gameflow::detail::expire<{1}, {0}::Expire>;\n", name, row);
    if (value.cpp.empty()) value = {name + "::Out", false};
    add_function("kExpire", state.expire_function, qualified("run_" + name),
                 type_ref(name + "::Out"), "0");
  }
}

void ServiceWriter::write_merges(const plan::Keyed& keyed) {
  for (const MergeSource& merge : opbuild::write_merges(out_, keyed))
    add_function("kMerge", merge.function, qualified(merge.pointer), "{0, 0}", "0");
}

void ServiceWriter::write_update(const plan::Keyed& keyed, Value& value) {
  const std::string in = value.cpp;
  std::string steps, update = "NoUpdate", states;
  out_.line("namespace partition_ {{\n");
  write_row_accessors(keyed);
  for (std::size_t i = 0; i < keyed.steps.size(); ++i) {
    const plan::Step& step = keyed.steps[i];
    const bool is_transform = spec::info_of(step.kind).is_transform;
    const std::string name =
        is_transform ? fmt::format("{}_{}_", snake(step), i) : snake(step) + "_";
    write_step(step, name, value);
    if (!is_transform) {
      update = fmt::format("UpdateState<partition_::{}::kFunction>", name);
      continue;
    }
    if (plan::changes_type(step.kind)) value.cpp = "partition_::" + value.cpp;
    steps += fmt::format("{}gameflow::detail::{}<partition_::{}::kFunction>",
                         steps.empty() ? "" : ", ", pascal(step), name);
  }
  out_.line("}}  // namespace partition_\n");
  for (const plan::State& state : keyed.states) {
    states +=
        fmt::format("{}gameflow::detail::State<{}", states.empty() ? "" : ", ", row_struct(state));
    if (state.ttl) states += fmt::format(", {}", state.ttl->ms);
    if (state.on_expire) states += fmt::format(", expire_{}_::Expire", state.table);
    states += '>';
  }
  out_.line("using update_ = gameflow::detail::Keyed<{}, {},\n    gameflow::detail::{},", in,
            keyed.emits, update);
  out_.line("    gameflow::detail::TypeList<{}>,\n    gameflow::detail::TypeList<{}>>;\n", states,
            steps);
  std::string asks = asks_of("dataflow::" + qualified("update_"), keyed.steps);
  if (std::ranges::any_of(keyed.steps,
                          [](const auto& step) { return may_read_parameter(step.code); }))
    asks += " | gameflow::abi::kRecords";
  add_function("kUpdate", keyed.update_function, qualified("update_::run"),
               type_ref("update_::Output"), asks);
}

void ServiceWriter::write_flush(const plan::Node& node, const plan::Keyed& keyed, Value& value) {
  const Value output = node.output == nullptr ? Value{std::string(kUnknown), false}
                                              : Value{friendly_type(graph_, *node.output), true};
  out_.line("namespace flush_ {{");
  write_assertion(*keyed.flush, write_block(*keyed.flush).operator_position, {}, output.cpp);
  out_.line("using Out = gameflow::detail::FlushResult<decltype(kFunction), {}>::type;",
            output.cpp);
  out_.line("}}  // namespace flush_\n");
  out_.line(
      "constexpr auto run_flush_ =\n    gameflow::detail::flush<flush_::Out, "
      "flush_::kFunction>;\n");
  add_function("kFlush", keyed.flush_function, qualified("run_flush_"), type_ref("flush_::Out"),
               "0");
  value = output.is_written ? output : Value{"flush_::Out", false};
}

void ServiceWriter::write_each(const plan::Node& node, const plan::Keyed& keyed, Value& value) {
  const Value output = node.output == nullptr ? Value{std::string(kUnknown), false}
                                              : Value{friendly_type(graph_, *node.output), true};
  out_.line("namespace flush_ {{");
  const SeenRows seen = write_seen_rows(out_, keyed);
  const spec::Position position = write_block(*keyed.flush).operator_position;
  const std::string of = fmt::format("<decltype(kFunction), {}{}>", output.cpp, seen.types);
  out_.at(position, {"static_assert(gameflow::detail::\n", fmt::format("FlushesEach{},\n", of)});
  std::string words =
      spec::signature_of(keyed.flush->kind, {}, output.is_written ? output.cpp : "U");
  if (keyed.states.size() == 1) words.replace(words.find("ROW"), 3, seen.words);
  if (keyed.states.size() > 1) words += ", ROW one of " + seen.words;
  out_.line("    {});", cpp_literal(fmt::format("each must be callable as {}", words)));
  out_.line("using Out = gameflow::detail::EachResult{}::type;", of);
  out_.line("constexpr auto run_ = gameflow::detail::each<Out, kFunction{}>;", seen.types);
  out_.line("}}  // namespace flush_\n");
  add_function("kEach", keyed.flush_function, qualified("flush_::run_"), type_ref("flush_::Out"),
               "0");
  value = output.is_written ? output : Value{"flush_::Out", false};
}

void ServiceWriter::write(const plan::Node& node, const plan::Keyed& keyed, Value& value) {
  if (!keyed.window || keyed.flushes_each() || std::ranges::any_of(keyed.steps, asks_for_key))
    out_.line("inline auto key() {{ return gameflow::detail::current_row_key<{}>(); }}\n", key_);
  Value expired, leaves = value;
  write_expires(keyed, expired);
  write_merges(keyed);
  write_update(keyed, leaves);
  for (std::uint32_t number = 0; number < service_.reads.size(); ++number) {
    if (plan::is_own(service_.reads[number], id())) write_reference(number);
  }
  if (keyed.flushes_each()) return write_each(node, keyed, value);
  if (keyed.flush) return write_flush(node, keyed, value);
  if (keyed.emits && !expired.cpp.empty())
    write_check(expired_at(keyed),
                fmt::format("gameflow::detail::CheckExpired<{}, {}>", expired.cpp, leaves.cpp));
  value = keyed.emits || expired.cpp.empty() ? leaves : expired;
}

void ServiceWriter::write(const plan::Node& node, const plan::Join& join, Value& value) {
  const plan::Node& exchange = graph_.nodes[node.inputs.front()];
  const Value left = values_[exchange.inputs[0]], right = values_[exchange.inputs[1]];
  out_.line("inline auto key() {{");
  out_.line("  return gameflow::detail::current_row_key<{}::type>();\n}}\n", key_of_left_);
  out_.line("namespace join_ {{");
  const spec::Position position = write_block(join.steps.front()).operator_position;
  const std::string of = fmt::format("<decltype(kFunction), {}, {}>", left.cpp, right.cpp);
  write_check(position, fmt::format("gameflow::detail::CheckJoin{}", of));
  out_.at(position, {"static_assert(gameflow::detail::\n", fmt::format("Joins{},\n", of)});
  out_.line("    {});", cpp_literal(fmt::format(
                            "join must be callable as U(const {}&, const {}*), U a type of the "
                            "dataflow or an Optional of one",
                            left.is_written ? left.cpp : "L", right.is_written ? right.cpp : "R")));
  out_.line("using Out = gameflow::detail::JoinResult{}::type;", of);
  out_.line("}}  // namespace join_\n");
  value = {"join_::Out", false};
  std::string steps;
  for (std::size_t i = 1; i < join.steps.size(); ++i) {
    const std::string name = fmt::format("joined_{}_{}_", snake(join.steps[i]), i);
    write_step(join.steps[i], name, value);
    steps += fmt::format(",\n    gameflow::detail::{}<{}::kFunction>", pascal(join.steps[i]), name);
  }
  out_.line("using joining_ = gameflow::detail::Join<{}, {}, join_::kFunction{}>;\n", left.cpp,
            right.cpp, steps);
  const std::string key = fmt::format("gameflow::detail::TypeRefOf<dataflow::{}::type>::value.base",
                                      qualified(key_of_left_));
  add_function("kJoin", join.function, qualified("joining_::run"), type_ref("joining_::Output"),
               "0, " + key);
}

void ServiceWriter::write(const plan::Node&, const plan::Write& sink, Value& value) {
  const Value wanted = of_topic(sink.topic);
  if (wanted.is_written && wanted != value)
    write_check(sink.position,
                fmt::format("gameflow::detail::CheckWritten<{}, {}>", value.cpp, wanted.cpp));
}

}  // namespace

void write_service(SourceWriter& out, const plan::Graph& graph, const plan::Service& service,
                   LibraryTable& table) {
  ServiceWriter(out, graph, service, table).run();
}

}  // namespace gameflow::opbuild
