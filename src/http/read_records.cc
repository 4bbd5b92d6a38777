#include "http/read_records.h"

#include <algorithm>

#include "http/reply.h"
#include "record/batch.h"

namespace gameflow::http {
namespace {

constexpr std::size_t kReadBytes = 1U << 20;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool matches(const record::RecordView& record, std::string_view part) {
  return part.empty() || contains_ignoring_case(record.value, part) ||
         (record.key && contains_ignoring_case(*record.key, part));
}

}  // namespace

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  const auto is_same = [](char a, char b) { return lower(a) == lower(b); };
  return part.empty() ||
         std::search(text.begin(), text.end(), part.begin(), part.end(), is_same) != text.end();
}

Result<log::Offset> read_records(const log::Log& log, log::TopicId topic, const RecordQuery& query,
                                 std::string& out) {
  log::Offset next = query.from;
  std::uint64_t left = query.limit;
  std::size_t scanned = 0;
  while (next < query.end && left > 0) {
    GF_ASSIGN(const log::ReadResult read, log.read(topic, query.partition, next, kReadBytes));
    for (const auto& batch : read.batches) {
      for (std::size_t i = batch->index_of(next); i < batch->size(); ++i) {
        const log::Offset offset = batch->offset(i);
        if (offset >= query.end) return query.end;
        if (left == 0 || out.size() >= query.bytes_max || scanned >= query.scan_max) return offset;
        const record::RecordView record = (*batch)[i];
        scanned += record.value.size();
        if (!matches(record, query.contains)) continue;
        append_record_json(query.partition, offset, record, query.raw, out);
        out += '\n';
        --left;
      }
      next = batch->end_offset();
    }
    next = read.next;
    if (read.at_end) break;
  }
  return std::min(next, query.end);
}

}  // namespace gameflow::http
