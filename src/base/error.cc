#include "base/error.h"

namespace gameflow {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kInvalidDataflow:
      return "invalid_dataflow";
    case ErrorCode::kFileUnreadable:
      return "file_unreadable";
    case ErrorCode::kUsage:
      return "usage";
    case ErrorCode::kPayloadTooLarge:
      return "payload_too_large";
    case ErrorCode::kStateMismatch:
      return "state_mismatch";
    case ErrorCode::kInvalidJson:
      return "invalid_json";
    case ErrorCode::kWrongType:
      return "wrong_type";
    case ErrorCode::kMissingField:
      return "missing_field";
    case ErrorCode::kOutOfRange:
      return "out_of_range";
    case ErrorCode::kInvalidEncoding:
      return "invalid_encoding";
    case ErrorCode::kIdClash:
      return "id_clash";
    case ErrorCode::kUnknownEvent:
      return "unknown_event";
    case ErrorCode::kTopicNotFound:
      return "topic_not_found";
    case ErrorCode::kTopicExists:
      return "topic_exists";
    case ErrorCode::kOffsetOutOfRange:
      return "offset_out_of_range";
    case ErrorCode::kDiskFull:
      return "disk_full";
    case ErrorCode::kDataCorrupt:
      return "data_corrupt";
    case ErrorCode::kDataLocked:
      return "data_locked";
    case ErrorCode::kDataUnwritable:
      return "data_unwritable";
    case ErrorCode::kSequenceGap:
      return "sequence_gap";
    case ErrorCode::kOutcomeUnknown:
      return "outcome_unknown";
    case ErrorCode::kClosed:
      return "closed";
    case ErrorCode::kCompileFailed:
      return "compile_failed";
    case ErrorCode::kCompilerMissing:
      return "compiler_missing";
    case ErrorCode::kLibraryInvalid:
      return "library_invalid";
    case ErrorCode::kOperatorFailed:
      return "operator_failed";
    case ErrorCode::kSqlInvalid:
      return "sql_invalid";
    case ErrorCode::kSqlDenied:
      return "sql_denied";
    case ErrorCode::kSqlLimit:
      return "sql_limit";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kPortInUse:
      return "port_in_use";
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kMemoryFull:
      return "memory_full";
  }
  return "internal";
}

}  // namespace gameflow
