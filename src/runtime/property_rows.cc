#include "runtime/property_rows.h"

#include <algorithm>
#include <stdexcept>

#include <gameflow/batch.h>
#include <gameflow/each.h>
#include <gameflow/keyed.h>
#include <gameflow/merge.h>
#include <gameflow/operator.h>

template <>
struct gameflow::detail::TypeId<gameflow::runtime::property::Value> {
  static constexpr u32 value = 0;  // the first type of each case
};

namespace gameflow::runtime::property {
namespace {

thread_local const Window* window_at_hand = nullptr;
thread_local const View* view_at_hand = nullptr;

void update_lasts(LastsRow& row, const Value& value) {
  const bool is_new = row.deep == 0;
  row.deep = std::max(row.deep, value.depth + 1);
  switch (window_at_hand->lasts) {
    case Lasts::kByArrival:
      row.last = value.name;
      row.number = value.n;
      return;
    case Lasts::kGreatest:
      if (row.last < value.name) row.last = value.name;
      return;
    case Lasts::kByTime:
      row.last = value.name;
      if (is_new) row.number = value.n;
      return;
  }
}

void add_to(SketchRow& row, const Value& value) {
  row.names.add(value.name);
  row.sizes.add(static_cast<f64>(value.n));
}

constexpr auto kUpdateWindow = [](const Value& value) {
  const Window& window = *window_at_hand;
  const Event event = event_of(value);
  check_update(window, event);
  if (is_ignored(event)) return;
  auto& totals = detail::current_row<TotalsRow>(0);
  totals.low = totals.count == 0 ? value.n : std::min(totals.low, value.n);
  ++totals.count;
  const abi::Call& call = *detail::current_call;
  totals.sum += summand(window, event, call.window_start_ms, call.window_end_ms);
  totals.deep = std::max(totals.deep, value.depth);
  std::size_t state = 1;
  if (uses_lasts(window, event)) update_lasts(detail::current_row<LastsRow>(state), value);
  if (window.has_second_state) ++state;
  if (window.has_sketches) add_to(detail::current_row<SketchRow>(state), value);
  if (erases(window, event)) erase(totals);
};

Value said_of_row(i64 number, i64 deep, const Text& name) {
  check_each(*window_at_hand, number);
  return {name, detail::current_call->window_end_ms - 1, number % 1'000, deep};
}
constexpr auto kEachTotals = [](const TotalsRow& row) {
  const Text key = window_at_hand->has_integer_key ? Text("none") : *detail::current_call->row_key;
  return said_of_row(row.sum * 3 + row.count + row.low, row.deep + 1, key);
};
constexpr auto kEachLasts = [](const LastsRow& row) {
  return said_of_row(row.number, row.deep, row.last);
};

// Of a view, whose rows are KeptRow or NumberRow.
Kept kept_of(const KeptRow& row) {
  return {row.count, row.sum, row.deep, row.last.view()};
}
Kept kept_of(const NumberRow& row) {
  return {0, row.value, 0, {}};
}
void set(KeptRow& row, const Kept& kept) {
  row = {kept.count, kept.sum, kept.deep, Text::view(kept.last)};
}
void set(NumberRow& row, const Kept& kept) {
  row.value = kept.sum;
}

template <class Row>
Optional<Value> keep_in_row(const Value& value) {
  if (is_ignored(event_of(value))) return value;
  auto& row = detail::current_row<Row>(0);
  Kept kept = kept_of(row);
  KeepResult result;
  try {
    result = keep(*view_at_hand, event_of(value), kept);
  } catch (const std::runtime_error&) {
    set(row, kept);
    throw;
  }
  set(row, kept);
  if (result.row != KeepResult::Row::kStays) erase(row);
  if (result.row == KeepResult::Row::kBeginsAnew) set(detail::current_row<Row>(0), {1, value.n});
  if (!result.passed) return {};
  return value_of(*result.passed);
}

template <class Row>
constexpr auto kKeep = [](const Value& value) { return keep_in_row<Row>(value); };
template <class Row>
constexpr auto kUpdateView = [](const Value& value) {
  if (!view_at_hand->has_transform) keep_in_row<Row>(value);
  if (!view_at_hand->is_primitive) add_to(detail::current_row<SketchRow>(1), value);
};
template <class Row>
constexpr auto kExpire = [](const Row& row) -> Optional<Value> {
  const auto made = expired(*view_at_hand, kept_of(row));
  if (!made) return {};
  return value_of(*made);
};
constexpr auto kSame = [](const auto& row) -> const auto& {
  return row;
};

template <class Row, i64 Ttl, bool HasExpire, bool HasTransform>
struct ViewFunctions {
  using Expire = std::conditional_t<HasExpire, detail::Expire<kExpire<Row>, kSame>, void>;
  using First = detail::State<Row, Ttl, Expire>;
  using States = std::conditional_t<std::is_same_v<Row, NumberRow>, detail::TypeList<First>,
                                    detail::TypeList<First, detail::State<SketchRow>>>;
  using Steps = std::conditional_t<HasTransform, detail::TypeList<detail::FilterMap<kKeep<Row>>>,
                                   detail::TypeList<>>;
  // Records pass where nothing else would reach the sinks.
  static constexpr bool kEmits = HasTransform || !HasExpire;
  static constexpr abi::UpdateFn kUpdate =
      detail::Keyed<Value, kEmits, detail::UpdateState<kUpdateView<Row>>, States, Steps>::run;
};

template <class Row, i64 Ttl, bool HasExpire>
abi::UpdateFn update_with(const View& view) {
  return view.has_transform ? ViewFunctions<Row, Ttl, HasExpire, true>::kUpdate
                            : ViewFunctions<Row, Ttl, HasExpire, false>::kUpdate;
}
template <class Row, i64 Ttl>
abi::UpdateFn update_with(const View& view) {
  return view.has_on_expire ? update_with<Row, Ttl, true>(view)
                            : update_with<Row, Ttl, false>(view);
}
template <class Row>
abi::UpdateFn update_with(const View& view) {
  if (view.ttl == kTtls[0]) return update_with<Row, kTtls[0]>(view);
  if (view.ttl == kTtls[1]) return update_with<Row, kTtls[1]>(view);
  return update_with<Row, 0, false>(view);
}

template <class... States>
constexpr abi::UpdateFn kWindowUpdate =
    detail::Keyed<Value, false, detail::UpdateState<kUpdateWindow>,
                  detail::TypeList<detail::State<States>...>, detail::TypeList<>>::run;

template <auto Function, class... States>
constexpr abi::EachFn kEach = detail::each<Value, Function, detail::RowOf<States, kSame>...>;

using detail::Merge;
template <auto Member, Merge Way>
using Column = detail::MergedColumn<Member, Way>;
constexpr abi::MergeFn kMergeTotals =
    detail::merge<TotalsRow, Column<&TotalsRow::count, Merge::kSum>,
                  Column<&TotalsRow::sum, Merge::kSum>, Column<&TotalsRow::deep, Merge::kMax>,
                  Column<&TotalsRow::low, Merge::kMin>>;
template <Merge Name, Merge Number>
constexpr abi::MergeFn kMergeLasts =
    detail::merge<LastsRow, Column<&LastsRow::last, Name>, Column<&LastsRow::number, Number>,
                  Column<&LastsRow::deep, Merge::kMax>>;
constexpr abi::MergeFn kMergeSketches =
    detail::merge<SketchRow, Column<&SketchRow::names, Merge::kAny>,
                  Column<&SketchRow::sizes, Merge::kAny>>;

}  // namespace

Event event_of(const Value& value) {
  return {value.name.view(), value.at, value.n, value.depth};
}

Value value_of(const Event& event) {
  return {Text::view(event.name), event.at, event.n, event.depth};
}

Scope::Scope(const Window* window, const View* view) {
  window_at_hand = window;
  view_at_hand = view;
}

Scope::~Scope() {
  window_at_hand = nullptr;
  view_at_hand = nullptr;
}

abi::UpdateFn update_of(const Window& window) {
  if (window.has_second_state)
    return window.has_sketches ? kWindowUpdate<TotalsRow, LastsRow, SketchRow>
                               : kWindowUpdate<TotalsRow, LastsRow>;
  return window.has_sketches ? kWindowUpdate<TotalsRow, SketchRow> : kWindowUpdate<TotalsRow>;
}

abi::UpdateFn update_of(const View& view) {
  return view.is_primitive ? update_with<NumberRow>(view) : update_with<KeptRow>(view);
}

abi::ExpireFn expire_of(const View& view) {
  return view.is_primitive ? detail::expire<NumberRow, detail::Expire<kExpire<NumberRow>, kSame>>
                           : detail::expire<KeptRow, detail::Expire<kExpire<KeptRow>, kSame>>;
}

abi::EachFn each_of(const Window& window) {
  if (window.has_second_state)
    return window.has_sketches ? kEach<kEachLasts, TotalsRow, LastsRow, SketchRow>
                               : kEach<kEachLasts, TotalsRow, LastsRow>;
  return window.has_sketches ? kEach<kEachTotals, TotalsRow, SketchRow>
                             : kEach<kEachTotals, TotalsRow>;
}

abi::MergeFn merge_of(const Window& window, std::string_view state) {
  if (state == "totals") return kMergeTotals;
  if (state == "sketches") return kMergeSketches;
  return window.lasts == Lasts::kByTime ? kMergeLasts<Merge::kLast, Merge::kFirst>
                                        : kMergeLasts<Merge::kMax, Merge::kMax>;
}

}  // namespace gameflow::runtime::property
