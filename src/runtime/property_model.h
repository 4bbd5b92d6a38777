// What an engine should do, record by record, on one thread: no batches, shards, versions or
// stored bytes. It is told where each epoch was cut, and says what the epoch appends.
// Windows are in property_windows.cc, sessions in property_sessions.cc, rows without them in
// property_views.cc, joins in property_joins.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/property_case.h"
#include "runtime/property_record.h"
#include "runtime/property_state.h"

namespace gameflow::runtime::property {

class Model {
 public:
  explicit Model(const Case& modelled);

  std::size_t dead_topic() const { return case_.topics.size(); }

  // A record came to be in a topic.
  void append(Partition partition, Record record);
  // The file of a table says this from now on; nothing: it is broken.
  void write(std::size_t table, std::optional<std::vector<Event>> rows);
  // The engine was opened: what it had not committed is forgotten. Times are steady.
  void open(std::int64_t steady);
  // An epoch failed.
  void fail(std::int64_t steady);
  // An epoch succeeded.
  Outcome run(std::int64_t now, std::int64_t steady, const AllTold& told, bool input_ends);

  // As the last epoch left it.
  Counters counters(std::size_t service) const { return services_[service].memory.counters; }
  std::optional<std::int64_t> watermark(std::size_t service) const;
  std::size_t windows_open(std::size_t service) const;
  std::size_t rows(std::size_t service, std::size_t state) const;
  std::size_t table_rows(std::size_t table) const { return tables_[table].size(); }

 private:
  void read(std::size_t service, std::int64_t now, std::int64_t steady, Part& part);
  void take(std::size_t service, std::size_t input, const Record& record, std::int64_t now,
            std::optional<std::int64_t>& progress, Part& part);
  std::string_view assign(const Service& service, const Event& event, Emitted& out) const;
  bool is_placeable(std::size_t service, const Emitted& out, const Record& record, Partition from,
                    std::int64_t now, std::optional<std::int64_t>& progress, Counters& counters,
                    std::vector<std::string>& dead) const;
  void write(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
             Partition from, std::vector<std::string>& dead, Part& part);
  void write_late(std::size_t service, const Record& record, Partition from, Part& part) const;
  void move_watermark(std::size_t service, std::int64_t steady, Part& part) const;
  static void move_closed(std::int64_t grace, std::int64_t reopen, Position& after);
  void decide(std::size_t service, std::int64_t now, Part& part);
  bool end_next(std::int64_t now, std::vector<Part>& parts);
  std::string dead_letter(std::size_t service, std::string_view op, Partition from,
                          const Record& record) const;
  void refresh_tables();
  LookUp look_up_of(std::size_t service, const Result* window = nullptr) const;
  std::optional<Found> find_in_view(std::size_t owner, const Event& by) const;
  void order(std::size_t service, std::set<std::size_t>& seen);

  // Of windows.
  void place(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
             Partition from, std::int64_t now, std::optional<std::int64_t>& progress, Part& part);
  static void add(const Window& window, const Event& event, std::int64_t summand, std::int64_t pane,
                  Row& row);
  bool update(std::size_t service, const std::vector<std::int64_t>& starts, const Emitted& emitted);
  void close(std::size_t service, std::int64_t now, Part& part);
  void drop(std::size_t service, Part& part);
  void flush(std::size_t service, const Result& result, Part& part);
  static std::vector<Line> lines_of(const Window& window, const Result& result);
  std::vector<Said> flushed(std::size_t service, const Result& due, Part& part);
  static std::vector<Event> query(const Window& window, std::vector<Line> lines);
  static Event said_of(const Window& window, const Line& line);
  static void fail(std::size_t service, std::string_view op, std::string_view about, Part& part);

  // Of sessions.
  static Touched touched(const Window& window, Sessions& sessions, std::int64_t time);
  bool is_late_for_sessions(std::size_t service, const Emitted& emitted);
  bool join_session(std::size_t service, const Emitted& emitted);
  void end_sessions(std::size_t service, Part& part);
  static void merge(const Window& window, const Row& from, Row& into);

  // Of joins.
  void meet(std::size_t service, bool is_left, const std::vector<Emitted>& emitted,
            std::int64_t now, std::optional<std::int64_t>& progress, Passed& passed, Part& part);
  std::string_view join(std::size_t service, const Waiting& left, const Waiting* right,
                        std::vector<Emitted>& out) const;
  void finish_join(std::size_t service, Part& part);

  // Of views.
  void use(std::size_t service, const std::vector<Emitted>& emitted, std::int64_t now,
           std::optional<std::int64_t>& progress, Passed& passed, Part& part);
  void use(std::size_t service, const Emitted& emitted, std::int64_t seen, Passed& passed,
           std::set<Key>& used);
  void finish_view(std::size_t service, std::int64_t now, Part& part);
  std::vector<Expired> expire(std::size_t service, std::int64_t until);

  // Of views and joins: to the sinks.
  void write_passed(std::size_t service, const std::vector<Expired>& expired, Part& part);
  void write(std::size_t service, const std::vector<Expired>& expired, Part& part);
  // A key as it is stored: text, or 8 bytes in order.
  static std::string encoded(bool is_integer, const Key& key);

  std::vector<Partition> inputs_of(std::size_t service) const;
  const Source& source_of(std::size_t service, std::size_t input) const;
  bool feeds(std::size_t from, std::size_t to) const;

  const Case& case_;
  std::map<Partition, std::vector<Record>> topics_;
  std::vector<TableState> table_states_;
  Tables tables_;
  std::vector<State> services_;
  std::vector<std::size_t> order_;  // of services: those whose states others read first
};

}  // namespace gameflow::runtime::property
