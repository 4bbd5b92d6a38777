// What the operators of a service read beside the record and the rows of its key: other services'
// states and tables, by key and in SQL; in flush and sinks also the states of the service.
//
// All reads are of rows that nobody writes at that time: the services of an epoch run in ranks, and
// a rank reads what those before it have left (plan::Service::rank), or what the last epoch has.
//
// Threads  a RowReader belongs to one; many may read one RowSource.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "plan/graph.h"
#include "query/query.h"
#include "record/arena.h"
#include "runtime/source_tables.h"
#include "window/assigner.h"

namespace gameflow::runtime {

// Where rows without a window are, and tables.
class RowSource {
 public:
  virtual ~RowSource() = default;
  // Null: there is no such row.
  virtual const void* find(plan::ServiceId service, std::size_t state,
                           std::string_view key) const = 0;
  // All rows of a service, to be read until something changes them.
  virtual query::Shards rows(plan::ServiceId service) const = 0;
  virtual const TableRows& table(plan::TableId table) const = 0;
  // All tables as they are now, by number. They stay so.
  virtual SourceTables::Rows tables() const = 0;
};

class RowReader {
 public:
  // The rows of a window, as its flush sees them.
  struct OfWindow {
    window::Span span;
    bool is_closed;
    const query::Shards* rows;
    const SourceTables::Rows* tables;
  };

  // Both outlive the reader; `source` may be null where the service reads nothing of others.
  RowReader(const plan::Graph& graph, plan::ServiceId service, const RowSource* source);

  // The calls from now on: whether they see the service's own rows, and of which window.
  void begin(bool sees_own, std::optional<OfWindow> window = std::nullopt);
  // The call may read until the next begin().
  void set_up(abi::Call& call);
  void release_memory();

 private:
  const TableRows& table(plan::TableId table) const;
  static bool run_sql(void* context, const char* text, std::size_t size,
                      const abi::SqlArgument* arguments, u32 argument_count, u32 type_id,
                      void* list);
  static const void* find(void* context, u32 reference, const char* key, std::size_t size);

  bool is_own(const plan::Reference& reference) const;
  const void* find_own(std::size_t state, std::string_view key) const;
  const void* find_session(std::size_t state, std::string_view key) const;
  void show_tables();
  Status show(const plan::Reference& reference, query::Table& table);

  const plan::Graph& graph_;
  const plan::ServiceId service_;
  const RowSource* const source_;
  std::vector<query::Table> tables_;         // by reference
  std::optional<query::Database> database_;  // since the first query; behind the tables
  bool sees_own_ = false;
  bool is_shown_ = false;  // the tables have the rows of now
  std::optional<OfWindow> window_;
  abi::Call* call_ = nullptr;
};

}  // namespace gameflow::runtime
