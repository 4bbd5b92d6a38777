#include "runtime/property_functions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <gameflow/abi.h>
#include <gameflow/key.h>

namespace gameflow::runtime::property {
namespace {

// The event as operators have it.
struct Value {
  Text name;
  i64 at, n, depth;
};
struct Totals {
  i64 count, sum, deep;
};
struct Lasts {
  Text last;
  i64 number;
};

// What a trampoline's function does. A chain of a source with a window also assigns time and key.
struct Bound {
  std::vector<Step> steps;
  const Window* window = nullptr;
  std::string query;

  // As chains.
  bool does_the_same(const Bound& other) const {
    if (steps != other.steps || (window == nullptr) != (other.window == nullptr)) return false;
    return window == nullptr || (window->has_integer_key == other.window->has_integer_key &&
                                 window->throws == other.window->throws);
  }
};
std::array<Bound, kFunctionsMax> bound;

// The arena of a call is that of what operators make.
class InCall {
 public:
  explicit InCall(abi::Call* call) { detail::current_arena = call->arena; }
  ~InCall() { detail::current_arena = nullptr; }
  InCall(const InCall&) = delete;
  InCall& operator=(const InCall&) = delete;
};

Event event_of(const Value& value) {
  return {value.name.view(), value.at, value.n, value.depth};
}

// One record on its way through a chain.
class Passing {
 public:
  Passing(const Bound& chain, i64 time, u32 origin, List<abi::Emitted>& out)
      : chain_(chain), time_(time), origin_(origin), out_(out) {}

  void run(const void* value) {
    if (chain_.steps.empty() || chain_.steps.front().op != Step::Op::kExplode)
      return pass(0, *static_cast<const Value*>(value), static_cast<const Value*>(value));
    for (const Value& item : *static_cast<const List<Value>*>(value)) pass(1, item, &item);
  }
  u32 step() const { return step_; }

 private:
  // `as_it_came`: the value itself, where nothing has changed it.
  void pass(std::size_t step, const Value& value, const Value* as_it_came) {
    step_ = static_cast<u32>(step);
    if (step == chain_.steps.size()) return emit(value, as_it_came);
    std::vector<Event> made;
    apply(chain_.steps[step], event_of(value), made);
    const bool is_filter = kind_of(chain_.steps[step].op) == "filter";
    for (const Event& event : made) {
      const Value next{Text::view(event.name), event.at, event.n, event.depth};
      pass(step + 1, next, is_filter ? as_it_came : nullptr);
    }
  }

  void emit(const Value& value, const Value* as_it_came) {
    abi::Emitted emitted{as_it_came, time_, {}, origin_, nullptr};
    if (as_it_came == nullptr)
      emitted.value = new (arena().allocate(sizeof(Value), alignof(Value))) Value(value);
    if (const Window* const window = chain_.window) {
      const Event event = event_of(value);
      emitted.time = time_of(*window, event);
      ++step_;
      emitted.key = window->has_integer_key ? encode_key(i64{key_number_of(*window, event)})
                                            : Text(key_text_of(*window, event));
    }
    out_.push_back(emitted);
  }

  const Bound& chain_;
  const i64 time_;
  const u32 origin_;
  List<abi::Emitted>& out_;
  u32 step_ = 0;
};

u32 run_chain(const Bound& chain, abi::Call* call, const abi::Records* records,
              List<abi::Emitted>* out, abi::RecordError* errors) {
  const InCall in_call(call);
  u32 failed = 0;
  for (u32 i = 0; i < records->count; ++i) {
    const std::size_t before = out->size();
    Passing passing(chain, records->times[i], i, *out);
    try {
      passing.run(records->values[i]);
    } catch (const std::runtime_error& error) {
      out->resize_down(before);
      errors[failed++] = {i, passing.step(), std::string_view(error.what())};
    }
  }
  return failed;
}

u32 run_update(const Window& window, const void* const* values, void* const* rows, u32 count,
               abi::RowUse* uses, abi::RecordError* errors) {
  const std::size_t states = window.has_second_state ? 2 : 1;
  u32 failed = 0;
  for (u32 i = 0; i < count; ++i) {
    const auto& value = *static_cast<const Value*>(values[i]);
    uses[i] = {};
    try {
      check_update(window, event_of(value));
    } catch (const std::runtime_error&) {
      errors[failed++] = {i, 0, "no"};
      continue;
    }
    if (is_ignored(event_of(value))) continue;
    auto& totals = *static_cast<Totals*>(rows[i * states]);
    ++totals.count;
    totals.sum += value.n;
    totals.deep = std::max(totals.deep, value.depth);
    uses[i] = {1, 1, 0};
    if (!window.has_second_state || value.n % 2 != 0) continue;
    auto& lasts = *static_cast<Lasts*>(rows[i * states + 1]);
    const bool changes = window.is_last_ordered || lasts.last < value.name;
    if (changes) lasts = {value.name, window.is_last_ordered ? value.n : 0};
    uses[i] = {3, changes ? 3U : 1U, 0};
  }
  return failed;
}

u32 merge_totals(abi::Call*, void* const* into, const void* const* from, const u32*, u32 count,
                 abi::RecordError*) {
  for (u32 i = 0; i < count; ++i) {
    auto& row = *static_cast<Totals*>(into[i]);
    const auto& other = *static_cast<const Totals*>(from[i]);
    row.count += other.count;
    row.sum += other.sum;
    row.deep = std::max(row.deep, other.deep);
  }
  return 0;
}
u32 merge_lasts(abi::Call*, void* const* into, const void* const* from, const u32*, u32 count,
                abi::RecordError*) {
  for (u32 i = 0; i < count; ++i) {
    auto& row = *static_cast<Lasts*>(into[i]);
    const auto& other = *static_cast<const Lasts*>(from[i]);
    if (row.last < other.last) row = other;
  }
  return 0;
}

const void* run_flush(const Bound& flush, abi::Call* call, abi::RecordError* error) {
  const InCall in_call(call);
  try {
    check_flush(*flush.window, call->window_start_ms);
  } catch (const std::runtime_error&) {
    error->message = "no";
    return nullptr;
  }
  const std::string query =
      fmt::format(fmt::runtime(flush.query), fmt::arg("at", call->window_end_ms - 1),
                  fmt::arg("limit", flush.window->limit));
  auto* list = new (arena().allocate(sizeof(List<Value>), 16)) List<Value>();
  if (call->sql(call->context, query.data(), query.size(), nullptr, 0, 0, list)) return list;
  error->message = call->sql_error;
  return nullptr;
}

std::string query_of(const Window& window) {
  if (!window.has_second_state) {
    return fmt::format(
        "select {} as name, {{at}} as at, (sum * 3 + count) % 1000 as n, deep + 1 as depth "
        "from totals order by count desc, _key limit {{limit}}",
        window.has_integer_key ? "'none'" : "_key");
  }
  return "select coalesce(l.last, 'none') as name, {at} as at, "
         "(t.sum * 3 + t.count + coalesce(l.number, 0)) % 1000 as n, t.deep + 1 as depth "
         "from totals t left join lasts l on l._key = t._key "
         "order by t.count desc, t._key limit {limit}";
}

template <std::size_t N>
struct Trampoline {
  static u32 chain(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out,
                   abi::RecordError* errors) {
    return run_chain(bound[N], call, records, out, errors);
  }
  static u32 update(abi::Call*, const abi::KeyedRecords* records, abi::RowUse* uses,
                    List<abi::Emitted>*, abi::RecordError* errors) {
    return run_update(*bound[N].window, records->values, records->rows, records->count, uses,
                      errors);
  }
  static const void* flush(abi::Call* call, abi::RecordError* error) {
    return run_flush(bound[N], call, error);
  }
};

using Pointer = void (*)();
struct Pointers {
  Pointer chain, update, flush;
};
template <std::size_t... N>
std::array<Pointers, sizeof...(N)> all_pointers(std::index_sequence<N...>) {
  return {{{reinterpret_cast<Pointer>(Trampoline<N>::chain),
            reinterpret_cast<Pointer>(Trampoline<N>::update),
            reinterpret_cast<Pointer>(Trampoline<N>::flush)}...}};
}

// "s1/sink/0": service 1, sink 0; nothing behind it with a window's functions.
struct Name {
  std::size_t service;
  std::string_view part;
  std::size_t number;
};
Name parse(std::string_view name) {
  const auto slash = name.find('/');
  const auto last = name.rfind('/');
  Name parsed{0, name.substr(slash + 1, last == slash ? std::string_view::npos : last - slash - 1),
              0};
  std::from_chars(name.data() + 1, name.data() + slash, parsed.service);
  if (last != slash)
    std::from_chars(name.data() + last + 1, name.data() + name.size(), parsed.number);
  return parsed;
}

Bound bound_of(const Case& made, const Name& name) {
  const Service& service = made.services[name.service];
  const Window* const window = service.window ? &*service.window : nullptr;
  if (name.part == "sink") return {service.sinks[name.number].steps, nullptr, {}};
  if (name.part != "source") return {{}, window, query_of(*window)};
  Bound chain{service.sources[name.number].steps, window, {}};
  chain.steps.insert(chain.steps.end(), service.steps.begin(), service.steps.end());
  return chain;
}

spec::FunctionKind function_kind(std::string_view key) {
  for (const spec::FunctionInfo& info : spec::all_functions()) {
    if (info.key == key) return info.kind;
  }
  throw std::logic_error("no such kind of function");
}

std::vector<spec::Function> functions_of(const std::vector<Step>& steps) {
  std::vector<spec::Function> functions;
  for (const Step& step : steps) functions.push_back({function_kind(kind_of(step.op)), {}, {}});
  return functions;
}

// The types of all cases.
struct Types {
  const record::Type *event, *list, *totals, *lasts;

  explicit Types(record::TypeTable& table) {
    const auto* text = table.scalar(record::Kind::kString);
    const auto* number = table.scalar(record::Kind::kI64);
    event = table.object("event", {{.name = "name", .type = text},
                                   {.name = "at", .type = number},
                                   {.name = "n", .type = number},
                                   {.name = "depth", .type = number}});
    list = table.list_of(event);
    totals = table.object("totals", {{.name = "count", .type = number},
                                     {.name = "sum", .type = number},
                                     {.name = "deep", .type = number}});
    lasts =
        table.object("lasts", {{.name = "last", .type = text}, {.name = "number", .type = number}});
  }
  const record::Type* of(Content content) const {
    if (content == Content::kAny) return nullptr;
    return content == Content::kLists ? list : event;
  }
};

spec::Service service_of(const Case& made, const Service& service, std::string name,
                         const Types& types) {
  spec::Service out{.name = std::move(name),
                    .position = {},
                    .sources = {},
                    .transforms = functions_of(service.steps),
                    .states = {},
                    .references = {},
                    .window = {},
                    .partition = {},
                    .sinks = {}};
  for (const Source& source : service.sources) {
    const Topic& topic = made.topics[source.topic];
    out.sources.push_back({.topic = topic.name,
                           .position = {},
                           .type = types.of(topic.content),
                           .transforms = functions_of(source.steps)});
  }
  for (const Sink& sink : service.sinks) {
    const Topic& topic = made.topics[sink.topic];
    out.sinks.push_back({.topic = topic.name,
                         .position = {},
                         .type = types.of(topic.content),
                         .transforms = functions_of(sink.steps)});
  }
  if (!service.window) return out;
  const Window& window = *service.window;
  const auto key = window.has_integer_key ? record::Kind::kI64 : record::Kind::kString;
  out.states.push_back({.name = "totals", .position = {}, .key = key, .type = types.totals});
  if (window.has_second_state)
    out.states.push_back({.name = "lasts", .position = {}, .key = key, .type = types.lasts});
  out.partition.emplace().update_state.emplace(
      spec::Function{spec::FunctionKind::kUpdateState, {}, {}});
  spec::Window& to = out.window.emplace();
  to.shape = spec::Tumbling{{window.size}, {window.offset}};
  if (window.slide != 0) {
    to.shape = spec::Sliding{{window.size}, {window.slide}, {window.offset}, window.in_panes};
    using enum spec::Merge;
    out.states[0].merges = {kSum, kSum, kMax};
    if (window.has_second_state) out.states[1].merges = {kMax, kMax};
  }
  to.reopen_for = {window.reopen};
  if (window.emit != 0) to.emit_every = {window.emit};
  to.grace = {window.grace};
  to.idle_timeout = {window.idle};
  if (window.late_topic) {
    to.late = spec::LatePolicy::kToTopic;
    to.late_topic = made.topics[*window.late_topic].name;
  }
  return out;
}

}  // namespace

std::shared_ptr<const plan::Graph> make_graph(const Case& made) {
  spec::Dataflow dataflow;
  dataflow.types = std::make_shared<record::TypeTable>();
  const Types types(*dataflow.types);
  for (const Topic& topic : made.topics) {
    dataflow.topics.push_back({.name = topic.name,
                               .position = {},
                               .type = types.of(topic.content),
                               .partitions = topic.partitions,
                               .retention_age = {},
                               .retention_bytes = {}});
  }
  dataflow.future_max = {kFutureMax};
  for (std::size_t i = 0; i < made.services.size(); ++i)
    dataflow.services.push_back(service_of(made, made.services[i], fmt::format("s{}", i), types));
  return std::make_shared<const plan::Graph>(plan::lower(dataflow));
}

namespace {

// The first that does the same as function `number`, as opbuild has it.
Pointer chain_like(std::size_t number, const std::vector<abi::Function>& before,
                   std::span<const Pointers> pointers) {
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].kind == abi::FunctionKind::kChain && bound[i].does_the_same(bound[number]))
      return before[i].pointer;
  }
  return pointers[number].chain;
}

}  // namespace

plan::Functions bind(const Case& made, const plan::Graph& graph) {
  static const auto kPointers = all_pointers(std::make_index_sequence<kFunctionsMax>());
  static std::vector<abi::Function> functions;  // of the case that is bound
  functions.clear();
  for (const plan::FunctionName& name : plan::functions_of(graph)) {
    const std::size_t number = functions.size();
    bound.at(number) = bound_of(made, parse(name.name));
    const Pointers& pointers = kPointers[number];
    const char* const text = name.name.data();  // of the graph, which outlives its engine
    switch (name.kind) {
      case abi::FunctionKind::kChain:
        functions.push_back({name.kind,
                             text,
                             chain_like(number, functions, kPointers),
                             {abi::kFirstDeclared, abi::kNotWrapped},
                             0});
        break;
      case abi::FunctionKind::kUpdate:
        functions.push_back(
            {name.kind, text, pointers.update, {abi::kFirstDeclared, abi::kNotWrapped}, 0});
        break;
      case abi::FunctionKind::kFlush:
        functions.push_back(
            {name.kind, text, pointers.flush, {abi::kFirstDeclared, abi::kNotWrapped << 1}, 0});
        break;
      case abi::FunctionKind::kMerge:
        functions.push_back(
            {name.kind,
             text,
             reinterpret_cast<Pointer>(name.name.ends_with("/totals") ? merge_totals : merge_lasts),
             {},
             0});
        break;
      case abi::FunctionKind::kExpire:
      case abi::FunctionKind::kEach:
        break;
    }
  }
  const abi::Library library{abi::kVersion, static_cast<u32>(functions.size()), functions.data()};
  return *plan::Functions::bind(library, graph);
}

}  // namespace gameflow::runtime::property
