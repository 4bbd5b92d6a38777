#include "api/metrics.h"

#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "api/process_stats.h"

namespace gameflow::api {
namespace {

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

double seconds(std::int64_t ms) {
  return static_cast<double>(ms) / 1000.0;
}

void add_store(Families& out, const log::StoreHealth& store) {
  const log::StoreHealth::Stats stats = store.stats();
  out.gauge("gameflow_store_up", store.health() ? 1 : 0, "1 while the store accepts commits.");
  out.counter("gameflow_store_commits_total", number(stats.commits), "Commits acknowledged.");
  out.counter("gameflow_store_commit_groups_total", number(stats.groups),
              "Groups of commits that were written together.");
  out.counter("gameflow_store_commit_seconds_total", stats.commit_seconds_total,
              "Time from the start of a group to its acknowledgement, summed over groups.");
  out.histogram("gameflow_store_commit_seconds", log::StoreHealth::kCommitSecondsMax,
                stats.commit_seconds, stats.commit_seconds_total,
                "Time from the start of a group to its acknowledgement.");
  out.gauge("gameflow_store_queue_bytes", number(stats.queue_bytes),
            "Memory of what is not acknowledged yet.");
  out.gauge("gameflow_store_queue_seconds", stats.queue_seconds,
            "How long the oldest of it has been waiting.");
  out.counter("gameflow_store_fsyncs_total", number(stats.fsyncs), "Calls of fsync.");
  out.counter("gameflow_store_records_total", number(stats.records), "Records appended to topics.");
  out.counter("gameflow_store_raw_bytes_total", number(stats.bytes_raw),
              "Bytes of records appended, before compression.");
  out.counter("gameflow_store_stored_bytes_total", number(stats.bytes_stored),
              "Bytes of records appended, as stored.");
  out.gauge("gameflow_store_disk_free_bytes", number(stats.disk_free_bytes),
            "Free space of the file system that holds the data folder.");
  out.gauge("gameflow_store_disk_used_bytes", number(stats.disk_used_bytes),
            "Space that the data folder takes.");
}

void add_topics(Families& out, const log::Topics& store) {
  const std::vector<log::TopicInfo> topics = store.topics();
  const auto for_each = [&](auto value_of) {
    for (const log::TopicInfo& topic : topics) {
      for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
        out.add(number(value_of(topic.partitions[p])),
                {{"topic", topic.config.name}, {"partition", std::to_string(p)}});
      }
    }
  };
  out.gauge("gameflow_topic_begin_offset", "Offset of the oldest record that is kept.");
  for_each([](const log::PartitionInfo& partition) { return partition.begin.value; });
  out.gauge("gameflow_topic_end_offset", "Offset that the next record will get.");
  for_each([](const log::PartitionInfo& partition) { return partition.end.value; });
  out.gauge("gameflow_topic_stored_bytes", "Bytes of the records that are kept, as stored.");
  for_each([](const log::PartitionInfo& partition) { return partition.bytes; });
}

void add_produce(Families& out, const ProduceStats& produce) {
  out.counter("gameflow_produce_requests_total", number(produce.requests), "Requests to produce.");
  out.counter("gameflow_produce_bytes_total", number(produce.bytes),
              "Bytes of the bodies of requests to produce.");
  out.counter("gameflow_produce_records_total",
              "Records that were sent, by outcome: accepted, duplicate or rejected.");
  out.add(number(produce.accepted), {{"outcome", "accepted"}});
  out.add(number(produce.duplicates), {{"outcome", "duplicate"}});
  out.add(number(produce.rejected), {{"outcome", "rejected"}});
  out.counter("gameflow_produce_rejected_total", "Records that were rejected, by error code.");
  for (const auto& [code, records] : produce.rejected_by)
    out.add(number(records), {{"code", std::string(to_string(code))}});
}

void add_clocks(Families& out, const ClocksByPlatform& clocks) {
  if (clocks.empty()) return;
  const auto each = [&](const auto& value) {
    for (const auto& [platform, stats] : clocks) out.add(value(stats), {{"platform", platform}});
  };
  out.counter("gameflow_events_dated_total", "Events that said when they were sent.");
  each([](const ClockStats& stats) { return number(stats.events); });
  out.counter("gameflow_events_corrected_total",
              "Of them, those whose times were shifted, as the clock was off.");
  each([](const ClockStats& stats) { return number(stats.corrected); });
  out.counter("gameflow_events_unreadable_times_total",
              "Times of sending, and of events to be corrected, that could not be read.");
  each([](const ClockStats& stats) { return number(stats.unreadable); });
  out.gauge("gameflow_events_clock_drift_seconds",
            "How far the last clock that was corrected was behind; ahead: negative.");
  each([](const ClockStats& stats) { return static_cast<double>(stats.drift.ms) / 1000; });
}

void add_queries(Families& out, const QueryStats& queries) {
  out.counter("gameflow_sql_queries_total",
              "SQL queries, by outcome: succeeded, failed, or refused because too many ran.");
  out.add(number(queries.succeeded), {{"outcome", "succeeded"}});
  out.add(number(queries.failed), {{"outcome", "failed"}});
  out.add(number(queries.refused), {{"outcome", "refused"}});
  out.gauge("gameflow_sql_queries_running", queries.running, "SQL queries that run now.");
}

void add_service_counters(Families& out, const std::vector<runtime::ServiceStats>& services) {
  const auto for_each = [&](std::uint64_t runtime::ServiceStats::*member) {
    for (const runtime::ServiceStats& service : services) {
      out.add(number(service.*member), {{"service", service.name}});
    }
  };
  using Stats = runtime::ServiceStats;
  out.counter("gameflow_service_records_in_total", "Records read from the sources.");
  for_each(&Stats::records_in);
  out.counter("gameflow_service_records_out_total", "Records written to the sinks.");
  for_each(&Stats::records_out);
  out.counter("gameflow_service_records_late_total", "Records for a window that had closed.");
  for_each(&Stats::records_late);
  out.counter("gameflow_service_records_dead_total", "Records that became dead letters.");
  for_each(&Stats::records_dead);
  out.counter("gameflow_service_records_skipped_total",
              "Records that failed and were skipped, as on-error says.");
  for_each(&Stats::records_skipped);
  out.counter("gameflow_service_timestamp_fallbacks_total",
              "Times that could not be read, for which operators took another one.");
  for_each(&Stats::timestamp_fallbacks);
  out.counter("gameflow_service_records_future_total",
              "Records stamped so far ahead of the clock that they do not move the watermark.");
  for_each(&Stats::records_future);
  out.counter("gameflow_service_records_expired_total",
              "Records that retention removed before the service read them.");
  for_each(&Stats::records_expired);
  out.counter("gameflow_service_windows_closed_total", "Windows flushed.");
  for_each(&Stats::windows_closed);
  out.counter("gameflow_service_results_early_total", "Results of windows that were open.");
  for_each(&Stats::results_early);
  out.counter("gameflow_service_results_corrected_total",
              "Results of windows that late records have changed.");
  for_each(&Stats::results_corrected);
  out.gauge("gameflow_service_late_ratio", "Share of the last minute's records that was late.");
  for (const Stats& service : services)
    out.add(service.last_minute.ratio(), {{"service", service.name}});
  out.gauge("gameflow_service_windows_open", "Windows with state that have not closed.");
  for_each(&Stats::windows_open);
  out.gauge("gameflow_service_held",
            "1 while the service gets no input, because memory is full of its state.");
  for (const Stats& service : services)
    out.add(service.is_held ? 1 : 0, {{"service", service.name}});
  out.gauge("gameflow_service_stopped",
            "1 once a record has failed and the service has stopped there, as on-error says.");
  for (const Stats& service : services)
    out.add(service.stopped ? 1 : 0, {{"service", service.name}});
  out.gauge("gameflow_service_watermark_timestamp_seconds",
            "Event time up to which input is taken as complete, Unix time.");
  for (const Stats& service : services) {
    if (service.watermark) out.add(seconds(service.watermark->ms), {{"service", service.name}});
  }
}

void add_operators(Families& out, const std::vector<runtime::ServiceStats>& services) {
  const auto for_each = [&](auto value_of) {
    for (const runtime::ServiceStats& service : services) {
      for (const runtime::OperatorStats& op : service.operators) {
        if (const std::optional<std::uint64_t> value = value_of(op)) {
          out.add(number(*value), {{"service", service.name},
                                   {"node", op.node},
                                   {"step", std::to_string(op.step)},
                                   {"operator", op.name}});
        }
      }
    }
  };
  using Stats = runtime::OperatorStats;
  out.counter("gameflow_operator_in_total", "Values that came to an operator; to flush, windows.");
  for_each([](const Stats& op) { return std::optional(op.in); });
  out.counter("gameflow_operator_out_total", "Values that an operator handed on.");
  for_each([](const Stats& op) { return op.out; });
  out.counter("gameflow_operator_failed_total", "Calls of an operator that failed.");
  for_each([](const Stats& op) { return std::optional(op.failed); });
}

void add_tables(Families& out, const std::vector<runtime::TableStats>& tables) {
  out.gauge("gameflow_table_rows", "Rows of a table of the dataflow.");
  for (const runtime::TableStats& table : tables)
    out.add(number(table.rows), {{"table", table.name}});
  out.gauge("gameflow_table_broken", "1 while its file cannot be read, and older rows stay.");
  for (const runtime::TableStats& table : tables)
    out.add(table.problem.empty() ? 0 : 1, {{"table", table.name}});
}

void add_partitions(Families& out, const std::vector<runtime::ServiceStats>& services,
                    Timestamp now) {
  const auto for_each = [&](auto use) {
    for (const runtime::ServiceStats& service : services) {
      for (const runtime::PartitionStats& partition : service.partitions) {
        use(partition, Labels{{"service", service.name},
                              {"topic", partition.topic},
                              {"partition", std::to_string(partition.partition)}});
      }
    }
  };
  out.gauge("gameflow_service_lag_records", "Records in the partition not read yet.");
  for_each([&](const runtime::PartitionStats& partition, Labels labels) {
    const bool behind = partition.end_offset > partition.next_offset;
    out.add(behind ? number(partition.end_offset - partition.next_offset) : 0, std::move(labels));
  });
  out.gauge("gameflow_service_watermark_delay_seconds",
            "How far the partition's watermark is behind the clock.");
  for_each([&](const runtime::PartitionStats& partition, Labels labels) {
    if (partition.watermark) out.add(seconds((now - *partition.watermark).ms), std::move(labels));
  });
  out.gauge("gameflow_service_partition_idle",
            "1 while the partition does not hold the watermark back.");
  for_each([&](const runtime::PartitionStats& partition, Labels labels) {
    out.add(partition.idle ? 1 : 0, std::move(labels));
  });
}

void add_engine(Families& out, const runtime::Engine& engine, Timestamp now) {
  const runtime::EngineStats stats = engine.stats();
  out.gauge("gameflow_engine_up", engine.health() ? 1 : 0, "1 while the engine makes progress.");
  out.counter("gameflow_engine_epochs_total", number(stats.epochs),
              "Epochs committed since the start of the process.");
  out.counter("gameflow_engine_epoch_seconds_total", "Time spent in epochs, by phase.");
  const std::pair<const char*, double> phases[] = {{"read", stats.seconds.read},
                                                   {"decode", stats.seconds.decode},
                                                   {"update", stats.seconds.update},
                                                   {"flush", stats.seconds.flush},
                                                   {"commit", stats.seconds.commit}};
  for (const auto& [phase, total] : phases) out.add(total, {{"phase", phase}});
  add_service_counters(out, stats.services);
  add_operators(out, stats.services);
  add_partitions(out, stats.services, now);
  add_tables(out, stats.tables);
  const auto for_each_state = [&](std::uint64_t runtime::StateStats::*member) {
    for (const runtime::ServiceStats& service : stats.services) {
      for (const runtime::StateStats& state : service.states) {
        out.add(number(state.*member), {{"service", service.name}, {"state", state.name}});
      }
    }
  };
  out.gauge("gameflow_state_rows", "Rows of the state in open windows.");
  for_each_state(&runtime::StateStats::rows);
  out.gauge("gameflow_state_bytes", "Memory of those rows.");
  for_each_state(&runtime::StateStats::bytes);
}

void add_connectors(Families& out, const std::vector<Connector>& connectors) {
  const auto for_each = [&](auto value_of) {
    for (const Connector& connector : connectors) {
      const std::optional<std::uint64_t> value = value_of(connector);
      if (!value) continue;
      out.add(number(*value), {{"connector", connector.name},
                               {"type", connector.report ? connector.report->type : ""}});
    }
  };
  const auto reported = [&](std::uint64_t ConnectorReport::*member) {
    for_each([&](const Connector& connector) {
      return connector.report ? std::optional(*connector.report.*member) : std::nullopt;
    });
  };
  out.counter("gameflow_connector_records_total", "Records moved since the connector started.");
  reported(&ConnectorReport::records);
  out.counter("gameflow_connector_bytes_total", "Bytes of those records.");
  reported(&ConnectorReport::bytes);
  out.counter("gameflow_connector_rejected_total", "Records that could not be moved.");
  reported(&ConnectorReport::rejected);
  out.counter("gameflow_connector_retries_total", "Times that the connector tried again.");
  reported(&ConnectorReport::retries);
  out.gauge("gameflow_connector_lag", "Records that wait to be moved, where that is known.");
  for_each([](const Connector& connector) { return connector.lag; });
  out.gauge("gameflow_connector_up", "1 while the connector reports that it runs.");
  for_each([](const Connector& connector) { return std::optional(connector.is_up() ? 1U : 0U); });
}

void add_memory(Families& out, const MemoryWatch& memory) {
  out.gauge("gameflow_memory_max_bytes", number(memory.max()), "The limit, --memory-max.");
  out.gauge("gameflow_memory_used_bytes", number(memory.used()),
            "Resident memory, or the limit less what is left of the address space.");
  const bool is_fine = memory.level() == MemoryLimit::Level::kFine;
  out.gauge("gameflow_memory_full", is_fine ? 0 : 1,
            "1 while producers are refused, because memory is near its limit.");
}

void add_process(Families& out) {
  out.gauge("gameflow_build_info", "Always 1; the label tells the version.");
  out.add(1, {{"version", GAMEFLOW_VERSION}});
  const std::optional<ProcessStats> stats = read_process_stats();
  if (!stats) return;
  out.gauge("process_resident_memory_bytes", number(stats->resident_bytes),
            "Resident memory size in bytes.");
  out.gauge("process_virtual_memory_bytes", number(stats->virtual_bytes),
            "Virtual memory size in bytes.");
  out.gauge("process_open_fds", number(stats->open_files), "Number of open file descriptors.");
  out.counter("process_cpu_seconds_total", stats->cpu_seconds,
              "Total user and system CPU time spent in seconds.");
  out.gauge("process_start_time_seconds", stats->started_at_seconds,
            "Start time of the process since unix epoch in seconds.");
}

}  // namespace

Families measure(const Measured& of) {
  Families out;
  add_store(out, of.store);
  add_topics(out, of.topics);
  add_produce(out, of.produce);
  add_clocks(out, of.clocks);
  add_queries(out, of.queries);
  if (of.engine != nullptr) add_engine(out, *of.engine, of.now);
  add_connectors(out, of.connectors);
  if (of.memory != nullptr) add_memory(out, *of.memory);
  add_process(out);
  return out;
}

}  // namespace gameflow::api
