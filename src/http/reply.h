// Replies, and the JSON of what the Api returns. The shapes are those of docs/reference/http.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/fwd.hpp>

#include "api/api.h"
#include "base/error.h"
#include "query/query.h"
#include "record/batch.h"
#include "record/type.h"
#include "serve/reply.h"

namespace gameflow::http {

using serve::error_reply;
using serve::kJsonType;
using serve::kNdjsonType;
using serve::Reply;
using serve::status_of;

Reply json_reply(unsigned status, const boost::json::value& value);

Reply produce_reply(const api::ProduceReply& reply);
// Of records that say where they go: also how many of the duplicates the producer had sent before.
Reply routed_reply(const api::ProduceReply& reply);
// Of events: also what was done to their times.
Reply events_reply(const api::ProduceReply& reply);
boost::json::object topic_json(const api::TopicDescription& topic);
// `joins`: as joins_json() of dataflow_reply.h.
Reply states_reply(const std::vector<api::StateDescription>& states, boost::json::array joins);
Reply answer_reply(const query::Answer& answer);
Reply rows_reply(const api::StateRows& rows);

// The JSON of what the bytes of a raw record stand for. Where they are no value of that kind: as
// text, or base64 where they are none.
void append_raw_json(record::Kind kind, std::string_view bytes, std::string& out);
// One line, {"partition":…,"offset":…,"timestamp":…,"key":…,"value":…}, without the line break.
// `raw`: as of the topic.
void append_record_json(std::uint32_t partition, record::Offset offset,
                        const record::RecordView& record, std::optional<record::Kind> raw,
                        std::string& out);

}  // namespace gameflow::http
