// The rows of the services and tables as they are: for those who read them while nobody writes.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "plan/graph.h"
#include "query/query.h"
#include "runtime/row_reader.h"
#include "runtime/source_tables.h"
#include "runtime/task.h"

namespace gameflow::runtime {

class LiveRows final : public RowSource {
 public:
  using Tasks = std::vector<std::unique_ptr<ServiceTask>>;

  // `tasks`, those of the graph's services, may come later.
  LiveRows(const plan::Graph& graph, const Tasks& tasks) : tasks_(tasks), sources_(graph) {}

  const void* find(plan::ServiceId service, std::size_t state, std::string_view key) const override;
  query::Shards rows(plan::ServiceId service) const override;
  const TableRows& table(plan::TableId table) const override { return sources_.rows(table); }
  SourceTables::Rows tables() const override { return sources_.rows(); }

  SourceTables& sources() { return sources_; }
  const SourceTables& sources() const { return sources_; }

 private:
  const Tasks& tasks_;
  SourceTables sources_;
};

}  // namespace gameflow::runtime
