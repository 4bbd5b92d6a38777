#include "base/error.h"

#include <algorithm>
#include <array>

namespace gameflow {
namespace {

struct Name {
  ErrorCode code;
  std::string_view text;
};

constexpr std::array kNames{
    Name{ErrorCode::kInvalidArgument, "invalid_argument"},
    Name{ErrorCode::kInvalidDataflow, "invalid_dataflow"},
    Name{ErrorCode::kFileUnreadable, "file_unreadable"},
    Name{ErrorCode::kUsage, "usage"},
    Name{ErrorCode::kPayloadTooLarge, "payload_too_large"},
    Name{ErrorCode::kStateMismatch, "state_mismatch"},
    Name{ErrorCode::kUnauthorized, "unauthorized"},
    Name{ErrorCode::kForbidden, "forbidden"},
    Name{ErrorCode::kInvalidJson, "invalid_json"},
    Name{ErrorCode::kWrongType, "wrong_type"},
    Name{ErrorCode::kMissingField, "missing_field"},
    Name{ErrorCode::kOutOfRange, "out_of_range"},
    Name{ErrorCode::kInvalidEncoding, "invalid_encoding"},
    Name{ErrorCode::kIdClash, "id_clash"},
    Name{ErrorCode::kUnknownEvent, "unknown_event"},
    Name{ErrorCode::kTopicNotFound, "topic_not_found"},
    Name{ErrorCode::kTopicExists, "topic_exists"},
    Name{ErrorCode::kOffsetOutOfRange, "offset_out_of_range"},
    Name{ErrorCode::kDiskFull, "disk_full"},
    Name{ErrorCode::kDataCorrupt, "data_corrupt"},
    Name{ErrorCode::kDataLocked, "data_locked"},
    Name{ErrorCode::kDataUnwritable, "data_unwritable"},
    Name{ErrorCode::kSequenceGap, "sequence_gap"},
    Name{ErrorCode::kOutcomeUnknown, "outcome_unknown"},
    Name{ErrorCode::kClosed, "closed"},
    Name{ErrorCode::kCompileFailed, "compile_failed"},
    Name{ErrorCode::kCompilerMissing, "compiler_missing"},
    Name{ErrorCode::kLibraryInvalid, "library_invalid"},
    Name{ErrorCode::kOperatorFailed, "operator_failed"},
    Name{ErrorCode::kSqlInvalid, "sql_invalid"},
    Name{ErrorCode::kSqlDenied, "sql_denied"},
    Name{ErrorCode::kSqlLimit, "sql_limit"},
    Name{ErrorCode::kUnavailable, "unavailable"},
    Name{ErrorCode::kPortInUse, "port_in_use"},
    Name{ErrorCode::kInternal, "internal"},
    Name{ErrorCode::kMemoryFull, "memory_full"},
};

}  // namespace

std::string_view to_string(ErrorCode code) {
  const auto* const found = std::ranges::find(kNames, code, &Name::code);
  return found == kNames.end() ? "internal" : found->text;
}

}  // namespace gameflow
