#include "runtime/forgotten_rows.h"

#include "plan/keyed.h"
#include "state/layout.h"

namespace gameflow::runtime {

ForgottenRows::ForgottenRows(Forgetting& forgetting, const Service& service)
    : forgetting_(forgetting),
      service_(service),
      key_kind_(service.keyed->plan->states.front().key) {
  const std::vector<plan::State>& states = service.keyed->plan->states;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (forgetting.player().has_field(*states[i].row)) named_.push_back(i);
  }
}

bool ForgottenRows::is_key(std::string_view entry_key) const {
  if (service_.has_sessions()) {
    if (entry_key.size() < state::Layout::kSlotBytes) return false;
    entry_key.remove_suffix(state::Layout::kSlotBytes);
  }
  return forgetting_.is_key(service_.name, key_kind_, entry_key);
}

state::Table& ForgottenRows::rows(Timestamp window) {
  std::unique_ptr<state::Table>& table = gone_[window];
  if (table == nullptr) table = std::make_unique<state::Table>(service_.keyed->layout);
  return *table;
}

void ForgottenRows::empty_fields(Timestamp window, std::string_view entry_key,
                                 state::Table& table) {
  if (named_.empty()) return;
  state::Entry* const entry = table.find_or_insert(entry_key, state::hash_key(entry_key));
  for (const std::size_t i : named_) {
    if ((entry->live >> i & 1U) == 0) continue;
    if (forgetting_.player().empty_fields(*service_.keyed->plan->states[i].row,
                                          service_.keyed->layout.row(entry, i)))
      emptied_.emplace(window, entry_key);
  }
}

bool ForgottenRows::finish() {
  if (gone_.empty() && emptied_.empty()) return false;
  Forgetting::Erased& erased = forgetting_.of(service_.name);
  for (const auto& [window, table] : gone_) erased.rows += table->live_keys();
  erased.emptied += emptied_.size();
  return true;
}

}  // namespace gameflow::runtime
