#include "client/http_client.h"

#include <gtest/gtest.h>

#include "base/url_encode.h"

namespace gameflow::client {
namespace {

TEST(HttpClient, Errors) {
  for (const char* url : {"", "127.0.0.1:3001", "ftp://x", "file:///etc/passwd"}) {
    EXPECT_EQ(HttpClient::open(url).error().code, ErrorCode::kInvalidArgument) << url;
  }
  EXPECT_EQ(HttpClient::open({.url = "https://x", .ca_file = "/no/such.pem"}).error().code,
            ErrorCode::kFileUnreadable);
  // Port 1 of this machine: nobody is there.
  const auto client = HttpClient::open("http://127.0.0.1:1/");
  ASSERT_TRUE(client);
  const auto reply = (*client)->get("/topics");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(reply.error().message.find("http://127.0.0.1:1:"), std::string::npos);

  EXPECT_EQ(error_of({.status = 502, .body = "<html>"}).code, ErrorCode::kUnavailable);
  EXPECT_EQ(
      error_of({.status = 507, .body = R"({"error":{"code":"disk_full","message":"m"}})"}).code,
      ErrorCode::kDiskFull);
  EXPECT_EQ(url_encode("a b/ü"), "a%20b%2F%C3%BC");
}

}  // namespace
}  // namespace gameflow::client
