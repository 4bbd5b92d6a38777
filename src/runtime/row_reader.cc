#include "runtime/row_reader.h"

#include <memory>
#include <string>
#include <utility>

#include "runtime/tables.h"
#include "state/layout.h"
#include "state/sessions.h"

namespace gameflow::runtime {
namespace {

query::Table table_of(const plan::Graph& graph, const plan::Reference& reference) {
  if (const auto* const of = std::get_if<plan::Reference::OfTable>(&reference.to))
    return make_table(graph.tables[of->table]);
  const auto& to = std::get<plan::Reference::OfState>(reference.to);
  return make_table(*graph.keyed_of(to.service), static_cast<std::uint32_t>(to.state),
                    reference.accessor);
}

}  // namespace

RowReader::RowReader(const plan::Graph& graph, plan::ServiceId service, const RowSource* source)
    : graph_(graph), service_(service), source_(source) {}

void RowReader::begin(bool sees_own, std::optional<OfWindow> window) {
  sees_own_ = sees_own;
  window_ = window;
  is_shown_ = false;
}

void RowReader::set_up(abi::Call& call) {
  call.sql = &run_sql;
  call.find = &find;
  call.context = this;
  call_ = &call;
}

void RowReader::release_memory() {
  database_.reset();
  tables_.clear();
  window_.reset();
  is_shown_ = false;
}

bool RowReader::is_own(const plan::Reference& reference) const {
  return plan::is_own(reference, service_);
}

const void* RowReader::find_own(std::size_t state, std::string_view key) const {
  if (!sees_own_) return nullptr;
  if (!window_) return source_ == nullptr ? nullptr : source_->find(service_, state, key);
  if (graph_.keyed_of(service_)->window->session() != nullptr) return find_session(state, key);
  const std::uint64_t hash = state::hash_key(key);
  const auto& shard = (*window_->rows)[state::shard_of(hash)];
  const state::Entry* const entry = shard == nullptr ? nullptr : shard->find(key, hash);
  if (entry == nullptr || (entry->live >> state & 1U) == 0) return nullptr;
  return shard->layout().row(entry, state);
}

// The session at hand, where the key is its own; else, of those of the key that have ended
// together, the last one that has the row.
const void* RowReader::find_session(std::size_t state, std::string_view key) const {
  const void* row = nullptr;
  const bool is_at_hand = call_->row_key != nullptr && call_->row_key->view() == key;
  for (std::uint16_t slot = 0;; ++slot) {
    std::string full(key);
    state::Sessions::append_slot(full, slot);
    const auto& shard = (*window_->rows)[state::shard_of(state::Sessions::shard_hash(full))];
    const state::Entry* const entry =
        shard == nullptr ? nullptr : shard->find(full, state::hash_key(full));
    if (entry == nullptr) return row;
    if (is_at_hand && shard->layout().session_end(entry).ms != call_->row_time) continue;
    if ((entry->live >> state & 1U) != 0) row = shard->layout().row(entry, state);
  }
}

const TableRows& RowReader::table(plan::TableId table) const {
  return window_ ? *(*window_->tables)[table] : source_->table(table);
}

const void* RowReader::find(void* context, u32 reference, const char* key, std::size_t size) {
  const auto& self = *static_cast<const RowReader*>(context);
  const plan::Reference& to = self.graph_.services[self.service_].reads[reference];
  if (const auto* const of = std::get_if<plan::Reference::OfTable>(&to.to))
    return self.table(of->table).find({key, size});
  const auto& state = std::get<plan::Reference::OfState>(to.to);
  if (self.is_own(to)) return self.find_own(state.state, {key, size});
  return self.source_->find(state.service, state.state, {key, size});
}

Status RowReader::show(const plan::Reference& reference, query::Table& table) {
  table.segments.clear();
  if (const auto* const of = std::get_if<plan::Reference::OfTable>(&reference.to)) {
    table.segments.push_back({{}, this->table(of->table).shards()});
  } else if (is_own(reference) && window_ && table.session_gap) {
    table.segments.push_back(make_session_segment(
        window_->is_closed, std::make_shared<const query::Shards>(*window_->rows)));
  } else if (is_own(reference) && window_) {
    table.segments.push_back(make_segment(window_->span, window_->is_closed, *window_->rows));
  } else if (source_ != nullptr) {
    const auto& state = std::get<plan::Reference::OfState>(reference.to);
    table.segments.push_back(make_segment(window::kAlways, false, source_->rows(state.service)));
  }
  return database_->set_table(&table);
}

// Own rows that change while the operator runs are no table.
void RowReader::show_tables() {
  const std::vector<plan::Reference>& reads = graph_.services[service_].reads;
  if (tables_.empty()) {
    for (const plan::Reference& reference : reads) tables_.push_back(table_of(graph_, reference));
  }
  if (!database_) database_.emplace();
  is_shown_ = true;
}

bool RowReader::run_sql(void* context, const char* text, std::size_t size,
                        const abi::SqlArgument* arguments, u32 argument_count, u32 type_id,
                        void* list) {
  auto& self = *static_cast<RowReader*>(context);
  Status status;
  if (!self.is_shown_) {
    self.show_tables();
    const std::vector<plan::Reference>& reads = self.graph_.services[self.service_].reads;
    for (std::size_t i = 0; i < reads.size() && status; ++i) {
      if (self.sees_own_ || !self.is_own(reads[i])) status = self.show(reads[i], self.tables_[i]);
    }
  }
  const record::Type& item = *self.graph_.types->declared()[type_id];
  Arena& arena = *self.call_->arena;
  if (status)
    status =
        self.database_->select_into({text, size}, {arguments, argument_count}, item, arena, list);
  if (status) return true;
  self.is_shown_ = self.is_shown_ && status.has_value();
  const std::string& message = status.error().message;
  self.call_->sql_error = Text::view({arena.copy(message.data(), message.size()), message.size()});
  return false;
}

}  // namespace gameflow::runtime
