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
#include <gameflow/key.h>

#include "record/batch.h"
#include "record/codec.h"
#include "record/csv.h"
#include "record/visit.h"

namespace gameflow::runtime {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 30;
constexpr std::size_t kReadBytes = 8U << 20;

// As operators encode it.
Text key_of(const plan::TableSource& source, const void* row) {
  const record::Field& field = source.row->fields[source.key_field];
  const void* const from = static_cast<const char*>(row) + field.offset;
  return record::visit(source.key, [from]<class T>(std::type_identity<T>) -> Text {
    if constexpr (std::is_same_v<T, Text> || std::is_integral_v<T>) {
      return encode_key(record::load<T>(from));
    } else {
      return {};
    }
  });
}

// Sets the arena of what operators make, for encode_key().
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) { detail::current_arena = &arena; }
  ~ArenaScope() { detail::current_arena = nullptr; }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;
};

// JSON with room behind it, as the decoder wants it.
std::string_view padded(std::string_view json, Arena& arena) {
  auto* const copy = static_cast<char*>(arena.allocate(json.size() + record::kPaddingBytes, 1));
  std::memcpy(copy, json.data(), json.size());
  std::memset(copy + json.size(), 0, record::kPaddingBytes);
  return {copy, json.size()};
}

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

Result<std::shared_ptr<const TableRows>> TableRows::make(const plan::TableSource& source,
                                                         const std::vector<std::string_view>& items,
                                                         std::size_t& bad) {
  std::shared_ptr<TableRows> made(new TableRows(source));
  const ArenaScope scope(made->arena_);
  state::Table table(made->layout_);
  record::Decoder decoder;
  void* const row =
      made->arena_.allocate(source.row->size, std::max<std::size_t>(source.row->align, 8));
  for (bad = 0; bad < items.size(); ++bad) {
    if (!decoder.decode(*source.row, padded(items[bad], made->arena_), made->arena_, row)) {
      const record::DecodeError& error = decoder.error();
      return fail(error.code, error.field.empty()
                                  ? error.message
                                  : fmt::format("{}: {}", error.field, error.message));
    }
    const std::string_view key = key_of(source, row).view();
    if (key.size() > state::Layout::kKeyBytesMax)
      return fail(ErrorCode::kPayloadTooLarge, "its key is too long");
    state::Entry* const entry = table.find_or_insert(key, state::hash_key(key));
    std::memcpy(made->layout_.row(entry, 0), row, source.row->size);
    table.mark_changed(entry, 1, {0});
  }
  made->shards_ = {table.seal()};
  return std::shared_ptr<const TableRows>(std::move(made));
}

const void* TableRows::find(std::string_view key) const {
  const state::Entry* const entry = shards_.front()->find(key, state::hash_key(key));
  return entry == nullptr || entry->live == 0 ? nullptr : layout_.row(entry, 0);
}

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
  std::vector<std::string_view> items;
  items.reserve(lines.size());
  for (const Line& line : lines) items.emplace_back(line.json);
  std::size_t bad = 0;
  auto rows = TableRows::make(*table.source, items, bad);
  if (!rows) {
    return fail(rows.error().code,
                fmt::format("{}:{}: {}", file, lines[bad].number, rows.error().message));
  }
  table.rows = std::move(*rows);
  return {};
}

Status SourceTables::open_topic(const plan::Graph& graph, const log::Store& store, Table& table) {
  GF_ASSIGN(const log::TopicInfo info, store.topic(graph.topics[*table.source->topic].name));
  table.topic = info.id;
  for (const log::PartitionInfo& partition : info.partitions) table.next.push_back(partition.begin);
  GF_TRY(read_topic(store, table));
  if (table.rows != nullptr) return {};
  std::size_t bad = 0;
  GF_ASSIGN(table.rows, TableRows::make(*table.source, {}, bad));
  return {};
}

// Records that are not of the topic's type are left out: the services that read them tell.
Result<bool> SourceTables::read_topic(const log::Store& store, Table& table) {
  bool is_changed = false;
  record::Decoder decoder;
  for (std::uint32_t partition = 0; partition < table.next.size(); ++partition) {
    for (;;) {
      auto read = store.read(table.topic, partition, table.next[partition], kReadBytes);
      if (!read && read.error().code == ErrorCode::kOffsetOutOfRange) {
        GF_ASSIGN(const log::PartitionInfo info, store.partition(table.topic, partition));
        table.next[partition] = info.begin;
        continue;
      }
      if (!read) return fail(std::move(read).error());
      record::BlockArena arena;
      const ArenaScope scope(arena);
      void* const row = arena.allocate(table.source->row->size,
                                       std::max<std::size_t>(table.source->row->align, 8));
      for (const record::BatchPtr& batch : read->batches) {
        for (std::size_t i = batch->index_of(table.next[partition]); i < batch->size(); ++i) {
          const std::string_view value = (*batch)[static_cast<std::uint32_t>(i)].value;
          if (!decoder.decode(*table.source->row, padded(value, arena), arena, row)) continue;
          table.items[key_of(*table.source, row).str()] = value;
          is_changed = true;
        }
      }
      const bool is_end = read->batches.empty();
      table.next[partition] = read->next;
      if (is_end) break;
    }
  }
  if (!is_changed) return false;
  std::vector<std::string_view> items;
  for (const auto& [key, json] : table.items) items.emplace_back(json);
  std::size_t bad = 0;
  GF_ASSIGN(table.rows, TableRows::make(*table.source, items, bad));
  return true;
}

}  // namespace gameflow::runtime
