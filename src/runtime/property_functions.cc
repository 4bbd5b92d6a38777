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
#include <gameflow/pairs.h>

#include "runtime/property_rows.h"

namespace gameflow::runtime::property {
namespace {

// What a trampoline's function does. A chain of a source whose service keeps rows also assigns time
// and key.
struct Bound {
  std::vector<Step> steps;
  const Case* of = nullptr;
  const Service* service = nullptr;
  bool assigns = false;
  std::string query;
  abi::UpdateFn update = nullptr;
  abi::EachFn each = nullptr;
  abi::ExpireFn expire = nullptr;

  // As chains.
  bool does_the_same(const Bound& other) const {
    const auto reads = [](const Step& step) { return step.op == Step::Op::kLookUp; };
    if (steps != other.steps || assigns != other.assigns || std::ranges::any_of(steps, reads))
      return false;
    return !assigns || assigning_of(*service) == assigning_of(*other.service);
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

// What the look-ups of a service's functions find.
class Finding {
 public:
  Finding(const Bound& function, abi::Call* call) : function_(function), call_(call) {}

  std::optional<Found> operator()(std::int64_t reference, const Event& by) const {
    const std::size_t tables = function_.of->tables.size();
    const Service& service = *function_.service;
    if (reference == kOwn) {
      const std::size_t number = tables + service.references.size();
      if (service.view) return find_in_view(number, *service.view, by);
      const auto* row = find<TotalsRow>(number, service.window->has_integer_key, by);
      if (row == nullptr) return std::nullopt;
      return Found{row->sum * 3 + row->count};
    }
    const auto number = static_cast<std::size_t>(reference);
    if (number < tables) {
      const auto* row = find<Value>(number, false, by);
      return row == nullptr ? std::nullopt : std::optional(found_in(event_of(*row)));
    }
    const std::size_t owner = service.references[number - tables];
    return find_in_view(number, *function_.of->services[owner].view, by);
  }

 private:
  std::optional<Found> find_in_view(std::size_t number, const View& view, const Event& by) const {
    if (view.is_primitive) {
      const auto* row = find<NumberRow>(number, view.has_integer_key, by);
      return row == nullptr ? std::nullopt : std::optional(found_in(Kept{.sum = row->value}));
    }
    const auto* row = find<KeptRow>(number, view.has_integer_key, by);
    if (row == nullptr) return std::nullopt;
    return found_in(Kept{row->count, row->sum, row->deep, row->last.view()});
  }
  template <class Row>
  const Row* find(std::size_t number, bool has_integer_key, const Event& by) const {
    const Text key =
        has_integer_key ? encode_key(i64{key_number_of(false, by)}) : Text::view(by.name);
    return static_cast<const Row*>(
        call_->find(call_->context, static_cast<u32>(number), key.data(), key.size()));
  }

  const Bound& function_;
  abi::Call* const call_;
};

// One record, or pair, on its way through a chain.
class Passing {
 public:
  Passing(const Bound& chain, const LookUp& look_up, i64 time, u32 origin, List<abi::Emitted>& out)
      : chain_(chain), look_up_(look_up), time_(time), origin_(origin), out_(out) {}

  // The join is the first step.
  void run(const Value& left, const Value* right, const Optional<Text>& record_key) {
    record_key_ = &record_key;
    std::optional<Event> event;
    if (right != nullptr) event = event_of(*right);
    step_ = 0;
    first_ = 1;
    pass(0, value_of(joined(*chain_.service->join, event_of(left), event ? &*event : nullptr)),
         nullptr);
  }

  void run(const void* value) {
    if (chain_.steps.empty() || chain_.steps.front().op != Step::Op::kExplode)
      return pass(0, *static_cast<const Value*>(value), static_cast<const Value*>(value));
    for (const Value& item : *static_cast<const List<Value>*>(value)) pass(1, item, &item);
  }
  u32 step() const { return step_; }

 private:
  // `as_it_came`: the value itself, where nothing has changed it.
  void pass(std::size_t step, const Value& value, const Value* as_it_came) {
    step_ = first_ + static_cast<u32>(step);
    if (step == chain_.steps.size()) return emit(value, as_it_came);
    std::vector<Event> made;
    apply(chain_.steps[step], event_of(value), look_up_, made);
    const bool is_filter = kind_of(chain_.steps[step].op) == "filter";
    for (const Event& event : made) {
      const Value next = value_of(event);
      pass(step + 1, next, is_filter ? as_it_came : nullptr);
    }
  }

  void emit(const Value& value, const Value* as_it_came) {
    abi::Emitted emitted{as_it_came, time_, {}, origin_, record_key_};
    if (as_it_came == nullptr)
      emitted.value = new (arena().allocate(sizeof(Value), alignof(Value))) Value(value);
    if (chain_.assigns) assign(event_of(value), emitted);
    out_.push_back(emitted);
  }

  void assign(const Event& event, abi::Emitted& emitted) {
    const Assigning assigning = assigning_of(*chain_.service);
    if (assigning.has_time) {
      emitted.time = time_of(assigning.throws, event);
      ++step_;
    }
    emitted.key = assigning.has_integer_key
                      ? encode_key(i64{key_number_of(assigning.throws, event)})
                      : Text(key_text_of(assigning.throws, event));
  }

  const Bound& chain_;
  const LookUp& look_up_;
  const i64 time_;
  const u32 origin_;
  List<abi::Emitted>& out_;
  const Optional<Text>* record_key_ = nullptr;
  u32 step_ = 0, first_ = 0;
};

// Of each record what becomes of it, in turn: run(passing, its number). One that throws leaves
// nothing but an error.
template <class Run>
u32 run_each(const Bound& of, abi::Call* call, u32 count, const i64* times, List<abi::Emitted>* out,
             abi::RecordError* errors, Run&& run) {
  const InCall in_call(call);
  const LookUp look_up = Finding(of, call);
  u32 failed = 0;
  for (u32 i = 0; i < count; ++i) {
    const std::size_t before = out->size();
    Passing passing(of, look_up, times[i], i, *out);
    try {
      run(passing, i);
    } catch (const std::runtime_error& error) {
      out->resize_down(before);
      errors[failed++] = {i, passing.step(), std::string_view(error.what())};
    }
  }
  return failed;
}

u32 run_chain(const Bound& chain, abi::Call* call, const abi::Records* records,
              List<abi::Emitted>* out, abi::RecordError* errors) {
  return run_each(chain, call, records->count, records->times, out, errors,
                  [records](Passing& passing, u32 i) { passing.run(records->values[i]); });
}

u32 run_join(const Bound& join, abi::Call* call, const abi::Pairs* pairs, List<abi::Emitted>* out,
             abi::RecordError* errors) {
  return run_each(join, call, pairs->count, pairs->times, out, errors,
                  [pairs](Passing& passing, u32 i) {
                    passing.run(*static_cast<const Value*>(pairs->left[i]),
                                static_cast<const Value*>(pairs->right[i]), pairs->record_keys[i]);
                  });
}

const void* run_flush(const Bound& flush, abi::Call* call, abi::RecordError* error) {
  const InCall in_call(call);
  const Window& window = *flush.service->window;
  try {
    check_flush(window, call->window_start_ms);
  } catch (const std::runtime_error&) {
    error->message = "no";
    return nullptr;
  }
  const std::string query =
      fmt::format(fmt::runtime(flush.query), fmt::arg("at", call->window_end_ms - 1),
                  fmt::arg("limit", window.limit));
  auto* list = new (arena().allocate(sizeof(List<Value>), 16)) List<Value>();
  if (call->sql(call->context, query.data(), query.size(), nullptr, 0, 0, list)) return list;
  error->message = call->sql_error;
  return nullptr;
}

std::string query_of(const Window& window) {
  std::string name = window.has_integer_key ? "'none'" : "t._key";
  std::string n = "t.sum * 3 + t.count + t.low", joins;
  const auto on = [&window](std::string_view table) {
    std::string text = fmt::format(" on {}._key = t._key", table);
    if (window.has_sessions())
      text += fmt::format(" and {}._window_start = t._window_start", table);
    return text;
  };
  if (window.has_second_state) {
    name = "coalesce(l.last, 'none')";
    n += " + coalesce(l.number, 0)";
    joins += " left join lasts l" + on("l");
  }
  if (window.has_sketches) {
    n += " + estimate(s.names) * 7 + cast(quantile(s.sizes, 0.5) as integer)";
    joins += " join sketches s" + on("s");
  }
  return fmt::format(
      "select {} as name, {} as at, ({}) % 1000 as n, t.deep + 1 as depth "
      "from totals t{} order by t.count desc, t._key{} limit {{limit}}",
      name, window.has_sessions() ? "t._window_end - 1" : "{at}", n, joins,
      window.has_sessions() ? ", t._window_start" : "");
}

template <std::size_t N>
struct Trampoline {
  static u32 chain(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out,
                   abi::RecordError* errors) {
    return run_chain(bound[N], call, records, out, errors);
  }
  static u32 update(abi::Call* call, const abi::KeyedRecords* records, abi::RowUse* uses,
                    List<abi::Emitted>* out, abi::RecordError* errors) {
    const Scope scope(window(), view());
    return bound[N].update(call, records, uses, out, errors);
  }
  static u32 expire(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out,
                    abi::RecordError* errors) {
    const Scope scope(window(), view());
    return bound[N].expire(call, records, out, errors);
  }
  static u32 each(abi::Call* call, const abi::WindowRows* rows, List<abi::Emitted>* out,
                  abi::RecordError* errors) {
    const Scope scope(window(), view());
    return bound[N].each(call, rows, out, errors);
  }
  static u32 join(abi::Call* call, const abi::Pairs* pairs, List<abi::Emitted>* out,
                  abi::RecordError* errors) {
    return run_join(bound[N], call, pairs, out, errors);
  }
  static const void* flush(abi::Call* call, abi::RecordError* error) {
    return run_flush(bound[N], call, error);
  }

 private:
  static const Window* window() {
    const auto& window = bound[N].service->window;
    return window ? &*window : nullptr;
  }
  static const View* view() {
    const auto& view = bound[N].service->view;
    return view ? &*view : nullptr;
  }
};

using Pointer = void (*)();
struct Pointers {
  Pointer chain, update, flush, expire, each, join;
};
template <std::size_t... N>
std::array<Pointers, sizeof...(N)> all_pointers(std::index_sequence<N...>) {
  return {{{reinterpret_cast<Pointer>(Trampoline<N>::chain),
            reinterpret_cast<Pointer>(Trampoline<N>::update),
            reinterpret_cast<Pointer>(Trampoline<N>::flush),
            reinterpret_cast<Pointer>(Trampoline<N>::expire),
            reinterpret_cast<Pointer>(Trampoline<N>::each),
            reinterpret_cast<Pointer>(Trampoline<N>::join)}...}};
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
  Bound chain{.steps = {}, .of = &made, .service = &service, .query = {}};
  if (name.part == "sink") {
    chain.steps = service.sinks[name.number].steps;
  } else if (name.part == "source") {
    chain.steps = service.sources[name.number].steps;
    if (!service.join)
      chain.steps.insert(chain.steps.end(), service.steps.begin(), service.steps.end());
    chain.assigns = !service.is_pipe();
  } else if (name.part == "join") {
    chain.steps = service.steps;
  } else if (service.window) {
    chain.each = each_of(*service.window);
    chain.query = query_of(*service.window);
    chain.update = update_of(*service.window);
  } else {
    chain.update = update_of(*service.view);
    chain.expire = expire_of(*service.view);
  }
  return chain;
}

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
    const auto add = [&](Pointer pointer, u32 wraps, u32 asks = 0) {
      functions.push_back({name.kind, text, pointer, {abi::kFirstDeclared, wraps}, asks});
    };
    switch (name.kind) {
      case abi::FunctionKind::kChain:
        add(chain_like(number, functions, kPointers), abi::kNotWrapped);
        break;
      case abi::FunctionKind::kUpdate:
        add(pointers.update, abi::kNotWrapped, abi::kRecords);
        break;
      case abi::FunctionKind::kFlush:
        add(pointers.flush, abi::kNotWrapped << 1);
        break;
      case abi::FunctionKind::kExpire:
        add(pointers.expire, abi::kNotWrapped);
        break;
      case abi::FunctionKind::kMerge: {
        const std::string_view state = name.name.substr(name.name.rfind('/') + 1);
        add(reinterpret_cast<Pointer>(merge_of(*bound[number].service->window, state)), 0);
        break;
      }
      case abi::FunctionKind::kEach:
        add(pointers.each, abi::kNotWrapped);
        break;
      case abi::FunctionKind::kJoin:
        add(pointers.join, abi::kNotWrapped);
        break;
    }
  }
  const abi::Library library{abi::kVersion, static_cast<u32>(functions.size()), functions.data()};
  return *plan::Functions::bind(library, graph);
}

}  // namespace gameflow::runtime::property
