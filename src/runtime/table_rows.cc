#include "runtime/table_rows.h"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include <gameflow/key.h>

#include "record/padded.h"
#include "record/type.h"
#include "record/visit.h"
#include "runtime/step.h"

namespace gameflow::runtime {
namespace {

constexpr std::size_t kWasteBytesMin = 4U << 20, kWasteFactor = 3;

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

}  // namespace

const void* TableRows::find(std::string_view key) const {
  const state::Entry* const entry = shards_.front()->find(key, state::hash_key(key));
  return entry == nullptr || entry->live == 0 ? nullptr : memory_->layout.row(entry, 0);
}

TableWriter::TableWriter(const plan::TableSource& source)
    : source_(source),
      memory_(std::make_shared<TableRows::Memory>(source)),
      row_(memory_->arena.allocate(source.row->size, std::max<std::size_t>(source.row->align, 8))) {
}

Result<std::string_view> TableWriter::put(std::string_view json) {
  record::BlockArena& arena = memory_->arena;
  const ArenaScope scope(arena);
  if (!decoder_.decode(*source_.row, record::copy_padded(arena, json), arena, row_)) {
    const record::DecodeError& error = decoder_.error();
    return fail(error.code, error.field.empty()
                                ? error.message
                                : fmt::format("{}: {}", error.field, error.message));
  }
  const std::string_view key = key_of(source_, row_).view();
  if (key.size() > kKeyBytesMax)
    return fail(ErrorCode::kPayloadTooLarge,
                fmt::format("its key has {} bytes; the limit is {}", key.size(), kKeyBytesMax));
  state::Entry* const entry = memory_->table.find_or_insert(key, state::hash_key(key));
  std::memcpy(memory_->layout.row(entry, 0), row_, source_.row->size);
  memory_->table.mark_changed(entry, 1, {0});
  return key;
}

void TableWriter::erase(std::string_view key) {
  state::Entry* const entry = memory_->table.find_or_insert(key, state::hash_key(key));
  memory_->table.mark_erased(entry, 1, {0});
  memory_->layout.initialize(entry, 0);
}

bool TableWriter::is_wasteful(std::size_t bytes) const {
  return memory_->table.is_mostly_dead() ||
         memory_->arena.capacity_bytes() > kWasteBytesMin + kWasteFactor * bytes;
}

std::shared_ptr<const TableRows> TableWriter::publish() {
  return std::shared_ptr<const TableRows>(new TableRows(memory_, {memory_->table.seal()}));
}

}  // namespace gameflow::runtime
