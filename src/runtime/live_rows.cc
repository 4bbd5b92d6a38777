#include "runtime/live_rows.h"

#include "state/layout.h"
#include "state/shard.h"
#include "window/assigner.h"

namespace gameflow::runtime {
namespace {

const state::Table* table_of(state::Shard& shard) {
  const state::Shard::Window* const window = shard.find(window::kAlways.start);
  return window == nullptr ? nullptr : &window->table;
}

}  // namespace

const void* LiveRows::find(plan::ServiceId service, std::size_t state, std::string_view key) const {
  const std::uint64_t hash = state::hash_key(key);
  ServiceTask& task = *tasks_[service];
  const state::Table* const table =
      table_of(*task.windows().panes().shards()[state::shard_of(hash)]);
  const state::Entry* const entry = table == nullptr ? nullptr : table->find(key, hash);
  if (entry == nullptr || (entry->live >> state & 1U) == 0) return nullptr;
  return task.service().keyed->layout.row(entry, state);
}

query::Shards LiveRows::rows(plan::ServiceId service) const {
  query::Shards rows;
  for (const auto& shard : tasks_[service]->windows().panes().shards()) {
    const state::Table* const table = table_of(*shard);
    rows.push_back(table == nullptr ? nullptr : table->peek());
  }
  return rows;
}

}  // namespace gameflow::runtime
