// The error catalogue: every error a caller can act on, numbered by source, and `Result<T>`.
//
// Errors   are values. An Error says what is wrong, where, and what to do; its code is what a
//          program may branch on, its message is for a person. All codes: docs/reference/errors.md.
// Rule     a new code only where a caller would act on it; numbers are never reused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace gameflow {

// 1xxx  what the user wrote (files, requests)     2xxx  records
// 3xxx  topics and storage                        4xxx  operators
// 5xxx  queries                                   9xxx  the program itself
enum class ErrorCode : std::uint16_t {
  kInvalidArgument = 1001,  // a request or flag is malformed
  kInvalidDataflow = 1002,  // dataflow.yaml has mistakes
  kFileUnreadable = 1003,   // a file cannot be opened or read
  kUsage = 1004,            // wrong command line
  kPayloadTooLarge = 1005,  // a body, record or header is over its limit
  kStateMismatch = 1006,    // stored state has another type than the dataflow asks for
  kUnauthorized = 1007,     // a token is needed, or this one is not known
  kForbidden = 1008,        // this token, page or host name may not

  kInvalidJson = 2001,      // the bytes are not JSON
  kWrongType = 2002,        // a field has another type than the schema says
  kMissingField = 2003,     // a field the schema requires is absent
  kOutOfRange = 2004,       // a number does not fit its type
  kInvalidEncoding = 2005,  // gzip, base64 or UTF-8 that does not decode
  kIdClash = 2006,          // another record has the id, with other content
  kUnknownEvent = 2007,     // no route takes events of that name

  kTopicNotFound = 3001,
  kTopicExists = 3002,
  kOffsetOutOfRange = 3003,  // the offset was removed by retention, or does not exist yet
  kDiskFull = 3004,          // free space is under the floor; nothing was written; retry later
  kDataCorrupt = 3005,       // a checksum or format check failed
  kDataLocked = 3006,        // another process has the data folder open
  kDataUnwritable = 3007,    // the data folder cannot be created or written
  kSequenceGap = 3008,       // a producer skipped a sequence number
  kOutcomeUnknown = 3009,    // a write or fsync failed half-way: it may or may not survive
  kClosed = 3010,            // the store is shutting down; nothing was written

  kCompileFailed = 4001,    // operator code does not compile
  kCompilerMissing = 4002,  // no C++ compiler on this machine
  kLibraryInvalid = 4003,   // a built library does not load or has another ABI version
  kOperatorFailed = 4004,   // an operator threw

  kSqlInvalid = 5001,  // the statement does not parse, or names unknown tables or columns
  kSqlDenied = 5002,   // the statement does something that is not allowed here
  kSqlLimit = 5003,    // time, memory or size limit reached

  kUnavailable = 9001,  // a server cannot be reached or answered with a temporary failure
  kPortInUse = 9002,
  kInternal = 9003,    // a bug in gameflow
  kMemoryFull = 9004,  // memory is near its limit; nothing was written; retry later
};

// The code as API clients see it: "disk_full". Stable.
std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

// A value or an Error. Unlike tl::expected it cannot be dropped by accident: where a failure is of
// no interest, `(void)call()` says so.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace gameflow

// Returns from the enclosing function with the error of `expression`, a Result or Status, if any.
#define GF_TRY(expression)                                   \
  do {                                                       \
    if (auto gf_result = (expression); !gf_result) {         \
      return ::gameflow::fail(std::move(gf_result).error()); \
    }                                                        \
  } while (false)

// `GF_ASSIGN(auto rows, read());` declares or assigns the value, or returns the error.
#define GF_CONCAT_INNER(a, b) a##b
#define GF_CONCAT(a, b) GF_CONCAT_INNER(a, b)
#define GF_ASSIGN(target, expression) \
  GF_ASSIGN_AS(GF_CONCAT(gf_value_, __LINE__), target, expression)
#define GF_ASSIGN_AS(name, target, expression)                 \
  auto name = (expression);                                    \
  if (!name) return ::gameflow::fail(std::move(name).error()); \
  target = std::move(*name)
