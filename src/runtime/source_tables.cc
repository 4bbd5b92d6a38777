#include "runtime/source_tables.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <gameflow/decimal_text.h>

#include "base/check.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/csv.h"

namespace gameflow::runtime {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 30;
constexpr std::size_t kReadBytes = 8U << 20;

// What a field is called in JSON that is read.
std::string_view read_name_of(const record::Field& field) {
  return field.read_name.empty() ? field.name : field.read_name;
}

// Names of columns are those of fields, with '-' for '_' if one likes.
bool is_same_name(std::string_view column, std::string_view field) {
  return std::ranges::equal(
      column, field, {}, [](char c) { return c == '-' ? '_' : c; },
      [](char c) { return c == '-' ? '_' : c; });
}

// A row of a file, where it stands, as JSON.
struct Line {
  std::size_t number;
  std::string json;
};

Result<std::string> read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.is_open() || in.bad() || std::filesystem::is_directory(path)) {
    return fail(ErrorCode::kInvalidDataflow,
                fmt::format("cannot read '{}': {}", path.string(), std::strerror(errno)));
  }
  if (text.size() > kFileBytesMax) {
    return fail(ErrorCode::kInvalidDataflow,
                fmt::format("'{}' is larger than 1 GiB: too large for a table", path.string()));
  }
  return text;
}

std::vector<Line> json_lines(std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos)
      lines.push_back({number, std::string(line)});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The value of a cell as JSON. Nothing: the field is left out.
std::optional<std::string> cell_json(const record::Field& field, std::string_view cell) {
  std::string json;
  if (field.type->kind == record::Kind::kString || field.type->kind == record::Kind::kBytes) {
    if (cell.empty() && field.optional) return std::nullopt;
    record::encode_json_string(cell, json);
    return json;
  }
  const std::size_t begin = std::min(cell.find_first_not_of(" \t"), cell.size());
  cell = cell.substr(begin, cell.find_last_not_of(" \t") + 1 - begin);
  if (cell.empty()) return std::nullopt;
  const bool is_json = cell.front() == '{' || cell.front() == '[' || cell == "true" ||
                       cell == "false" || detail::ScientificNumber().parse(cell);
  if (is_json) return std::string(cell);
  record::encode_json_string(cell, json);  // the decoder says what is wrong with it
  return json;
}

Result<std::vector<Line>> csv_lines(std::string_view text, const record::Type& type) {
  record::CsvReader reader(text);
  std::vector<std::string> cells;
  std::vector<const record::Field*> columns;
  std::vector<Line> lines;
  while (reader.next(cells)) {
    if (columns.empty()) {
      for (const std::string& name : cells) {
        const auto field = std::ranges::find_if(type.fields, [&](const record::Field& of_type) {
          return is_same_name(name, of_type.name) || name == read_name_of(of_type);
        });
        columns.push_back(field == type.fields.end() ? nullptr : &*field);
      }
      continue;
    }
    if (cells.size() != columns.size()) {
      return fail(ErrorCode::kInvalidDataflow,
                  fmt::format("line {} has {} columns, the header has {}", reader.line(),
                              cells.size(), columns.size()));
    }
    Line line{reader.line(), "{"};
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto json = columns[i] == nullptr ? std::nullopt : cell_json(*columns[i], cells[i]);
      if (!json) continue;
      if (line.json.size() > 1) line.json += ',';
      record::encode_json_string(read_name_of(*columns[i]), line.json);
      line.json += ':' + *json;
    }
    line.json += '}';
    lines.push_back(std::move(line));
  }
  if (!reader.problem().empty()) {
    return fail(ErrorCode::kInvalidDataflow,
                fmt::format("line {}: {}", reader.line(), reader.problem()));
  }
  if (columns.empty()) return fail(ErrorCode::kInvalidDataflow, "it has no header");
  return lines;
}

}  // namespace

SourceTables::SourceTables(const plan::Graph& graph) : graph_(graph) {
  for (const plan::TableSource& source : graph.tables) tables_.push_back({.source = &source});
}

Status SourceTables::open(log::Store& store) {
  const auto folder = std::filesystem::path(graph_.file_name).parent_path();
  for (Table& table : tables_) {
    if (table.source->topic) {
      GF_TRY(open_topic(graph_, store, table));
      continue;
    }
    table.path = folder / table.source->file;
    table.stamp = stamp_of(table.path);
    if (const Status read = read_file(table); !read) {
      return fail(ErrorCode::kInvalidDataflow,
                  fmt::format("table '{}': {}", table.source->name, read.error().message));
    }
  }
  return {};
}

std::vector<std::shared_ptr<const query::Shards>> SourceTables::all_rows() const {
  std::vector<std::shared_ptr<const query::Shards>> all;
  for (const Table& table : tables_) all.push_back(table.rows->shards());
  return all;
}

SourceTables::Rows SourceTables::rows() const {
  Rows all;
  for (const Table& table : tables_) all.push_back(table.rows);
  return all;
}

std::vector<TableStats> SourceTables::stats() const {
  std::vector<TableStats> stats;
  for (const Table& table : tables_)
    stats.push_back({table.source->name, table.rows->size(), table.problem});
  return stats;
}

bool SourceTables::refresh(log::Store& store) {
  bool is_changed = false;
  for (Table& table : tables_) {
    Status read;
    if (table.source->topic) {
      auto changed = read_topic(store, table);
      if (changed && *changed) is_changed = true;
      if (!changed) read = fail(changed.error());
    } else {
      const Stamp stamp = stamp_of(table.path);
      if (stamp == table.stamp) continue;
      table.stamp = stamp;
      read = read_file(table);
      is_changed = is_changed || read;
      if (read)
        spdlog::info("table '{}': read again, {} rows", table.source->name, table.rows->size());
    }
    const std::string problem = read ? "" : read.error().message;
    if (!read && problem != table.problem)
      spdlog::error("table '{}' keeps its rows: {}", table.source->name, problem);
    table.problem = problem;
  }
  return is_changed;
}

SourceTables::Stamp SourceTables::stamp_of(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
          static_cast<std::uint64_t>(info.st_size), info.st_ino};
}

Status SourceTables::read_file(Table& table) {
  GF_ASSIGN(const std::string text, read_text(table.path));
  const std::string file = table.path.string();
  std::vector<Line> lines;
  if (table.source->file.ends_with(".csv")) {
    auto read = csv_lines(text, *table.source->row);
    if (!read) return fail(read.error().code, fmt::format("'{}': {}", file, read.error().message));
    lines = std::move(*read);
  } else {
    lines = json_lines(text);
  }
  TableWriter writer(*table.source);
  for (const Line& line : lines) {
    const auto put = writer.put(line.json);
    if (!put) {
      return fail(put.error().code,
                  fmt::format("{}:{}: {}", file, line.number, put.error().message));
    }
  }
  table.rows = writer.publish();
  return {};
}

Status SourceTables::open_topic(const plan::Graph& graph, const log::Store& store, Table& table) {
  GF_ASSIGN(const log::TopicInfo info, store.topic(graph.topics[*table.source->topic].name));
  Topic& topic = table.topic.emplace();
  topic.id = info.id;
  for (const log::PartitionInfo& partition : info.partitions) topic.next.push_back(partition.begin);
  topic.begin = topic.next;
  topic.writer = std::make_unique<TableWriter>(*table.source);
  GF_TRY(read_topic(store, table));
  table.rows = topic.writer->publish();
  return {};
}

// Records that are not of the topic's type are left out: the services that read them tell. Of one
// whose key is too long only the log does.
Result<bool> SourceTables::read_topic(const log::Store& store, Table& table) {
  Topic& topic = *table.topic;
  bool is_changed = false;
  for (std::uint32_t partition = 0; partition < topic.next.size(); ++partition) {
    for (;;) {
      auto read = store.read(topic.id, partition, topic.next[partition], kReadBytes);
      if (!read && read.error().code == ErrorCode::kOffsetOutOfRange) {
        GF_ASSIGN(const log::PartitionInfo info, store.partition(topic.id, partition));
        topic.next[partition] = info.begin;
        continue;
      }
      if (!read) return fail(std::move(read).error());
      for (const record::BatchPtr& batch : read->batches) {
        for (std::size_t i = batch->index_of(topic.next[partition]); i < batch->size(); ++i) {
          const auto number = static_cast<std::uint32_t>(i);
          is_changed = put(*batch, number, partition, table) || is_changed;
        }
      }
      const bool is_end = read->batches.empty();
      topic.next[partition] = read->next;
      if (is_end) break;
    }
  }
  GF_ASSIGN(const bool has_lost, forget_removed(store, topic));
  if (!is_changed && !has_lost) return false;
  tidy(*table.source, topic);
  table.rows = topic.writer->publish();
  return true;
}

bool SourceTables::put(const record::Batch& batch, std::uint32_t number, std::uint32_t partition,
                       Table& table) {
  Topic& topic = *table.topic;
  const std::string_view json = batch[number].value;
  const auto key = topic.writer->put(json);
  if (!key && key.error().code == ErrorCode::kPayloadTooLarge)
    spdlog::warn("table '{}' leaves out the record at offset {} of partition {}: {}",
                 table.source->name, batch.offset(number).value, partition, key.error().message);
  if (!key) return false;
  Item& item = topic.items[std::string(*key)];
  topic.bytes += json.size() - item.json.size();
  item = {std::string(json), partition, batch.offset(number)};
  return true;
}

// What retention has removed from the topic is gone from the table, as it would be after a restart.
Result<bool> SourceTables::forget_removed(const log::Store& store, Topic& topic) {
  bool has_moved = false;
  for (std::uint32_t partition = 0; partition < topic.begin.size(); ++partition) {
    GF_ASSIGN(const log::PartitionInfo info, store.partition(topic.id, partition));
    has_moved = has_moved || topic.begin[partition] < info.begin;
    topic.begin[partition] = info.begin;
  }
  if (!has_moved) return false;
  const auto removed = std::erase_if(topic.items, [&topic](const auto& entry) {
    const auto& [key, item] = entry;
    if (item.offset >= topic.begin[item.partition]) return false;
    topic.writer->erase(key);
    topic.bytes -= item.json.size();
    return true;
  });
  return removed != 0;
}

// Memory of rows that are gone is given back when it is more than that of those which are there:
// decoding all of these then costs no more than what has come since.
void SourceTables::tidy(const plan::TableSource& source, Topic& topic) {
  if (!topic.writer->is_wasteful(topic.bytes)) return;
  topic.writer = std::make_unique<TableWriter>(source);
  for (const auto& [key, item] : topic.items) GF_CHECK(topic.writer->put(item.json).has_value());
}

}  // namespace gameflow::runtime
