#include "http/dataflow_reply.h"

#include <string>

#include <gtest/gtest.h>

#include "api/fake_engine.h"

namespace gameflow::http {
namespace {

void expect_has(const std::string& body, std::string_view part) {
  EXPECT_NE(body.find(part), std::string::npos) << part << "\n" << body;
}

TEST(DataflowReply, Counters) {
  const api::FakeEngine engine;
  const Reply reply = dataflow_reply(engine, nullptr, {}, Timestamp{9000});
  for (const std::string_view part :
       {R"("now":9000,"topics":["players","summaries","late"],"dead_letter_topic":"dead-letters")",
        R"({"partition":1,"next_offset":7,"end_offset":10,"lag":3,"watermark":4000,"idle":false})",
        R"("states":[{"name":"players","table":"players","rows":2,"bytes":64})",
        R"({"node":"sessions/source/0","step":0,"name":"filter","in":10,"out":8,"failed":1})",
        R"({"node":"sessions/window","step":0,"name":"update-state","in":8,"out":null,"failed":0})",
        R"("late_topic":null)", R"("records_in":10)", R"("memory":null)"})
    expect_has(reply.body, part);
}

TEST(DataflowReply, Graph) {
  const api::FakeEngine engine;
  const Reply reply = graph_reply(engine.graph());
  for (const std::string_view part : {R"({"id":"sessions/read/players","kind":"read",)",
                                      R"("kind":"keyed")", R"("inputs":["sessions/read/players"])",
                                      R"({"name":"players","type":"player-event","partitions":4})"})
    expect_has(reply.body, part);
}

}  // namespace
}  // namespace gameflow::http
