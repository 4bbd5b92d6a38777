#include "serve/reply.h"

#include "record/codec.h"

namespace gameflow::serve {

Reply error_reply(unsigned status, std::string_view code, std::string_view message) {
  Reply reply;
  reply.status = status;
  reply.body = "{\"error\":{\"code\":";
  record::encode_json_string(code, reply.body);
  reply.body += ",\"message\":";
  record::encode_json_string(message, reply.body);
  reply.body += "}}\n";
  if (status == 429 || status == 503 || status == 507)
    reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

Reply error_reply(const Error& error) {
  return error_reply(status_of(error.code), to_string(error.code), error.message);
}

unsigned status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kInvalidJson:
    case ErrorCode::kWrongType:
    case ErrorCode::kMissingField:
    case ErrorCode::kOutOfRange:
    case ErrorCode::kInvalidEncoding:
    case ErrorCode::kIdClash:
    case ErrorCode::kUnknownEvent:
    case ErrorCode::kSqlInvalid:
    case ErrorCode::kSqlLimit:
      return 400;
    case ErrorCode::kUnauthorized:
      return 401;
    case ErrorCode::kForbidden:
    case ErrorCode::kSqlDenied:
      return 403;
    case ErrorCode::kTopicNotFound:
      return 404;
    case ErrorCode::kTopicExists:
    case ErrorCode::kSequenceGap:
      return 409;
    case ErrorCode::kPayloadTooLarge:
      return 413;
    case ErrorCode::kOffsetOutOfRange:
      return 416;
    case ErrorCode::kDiskFull:
      return 507;
    case ErrorCode::kDataUnwritable:
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kClosed:
    case ErrorCode::kMemoryFull:
    case ErrorCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

}  // namespace gameflow::serve
