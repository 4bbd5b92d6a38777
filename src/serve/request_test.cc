// The pure parts: request targets, list headers, response headers.
#include "serve/request.h"

#include <string>

#include <gtest/gtest.h>

#include "serve/response_header.h"

namespace gameflow::serve {
namespace {

struct TargetCase {
  std::string name, target;
  std::vector<std::string> path;  // empty: refused
  std::vector<std::pair<std::string, std::string>> query = {};
};

TEST(Request, Targets) {
  const TargetCase cases[] = {
      {"root", "/", {""}},
      {"segments", "/topics/a/records", {"topics", "a", "records"}},
      {"trailing slash", "/topics/", {"topics", ""}},
      {"double slash", "//topics", {"", "topics"}},
      {"escaped", "/topics/a%20b%C3%A9", {"topics", "a b\xC3\xA9"}},
      {"escaped slash stays inside", "/topics/a%2Fb", {"topics", "a/b"}},
      {"plus is itself in a path", "/a+b", {"a+b"}},
      {"query", "/a?x=1&y=&z", {"a"}, {{"x", "1"}, {"y", ""}, {"z", ""}}},
      {"query escapes", "/a?k=a+b%26c%3D", {"a"}, {{"k", "a b&c="}}},
      {"empty parts of a query", "/a?&&x=1&", {"a"}, {{"x", "1"}}},
      {"question mark in a value", "/a?x=?", {"a"}, {{"x", "?"}}},
      {"root with query", "/?x=1", {""}, {{"x", "1"}}},
      {"absolute form", "http://localhost:1/a", {"a"}},
      {"absolute form without path", "http://localhost:1", {""}},
      {"dots are names", "/stat/../x", {"stat", "..", "x"}},
      {"asterisk", "*", {}},
      {"no slash", "topics", {}},
      {"empty", "", {}},
      {"percent at the end", "/a%", {}},
      {"percent with one digit", "/a%4", {}},
      {"percent without digits", "/a%zz", {}},
      {"NUL", "/a%00", {}},
      {"line break", "/a%0d%0aX:", {}},
      {"not UTF-8", "/a%ff", {}},
      {"overlong UTF-8", "/a%c0%af", {}},
      {"bad escape in a query", "/a?x=%g1", {}},
  };
  for (const auto& row : cases) {
    Request request;
    const bool parsed = parse_target(row.target, request).has_value();
    EXPECT_EQ(parsed, !row.path.empty()) << row.name;
    if (!parsed) continue;
    EXPECT_EQ(request.path, row.path) << row.name;
    EXPECT_EQ(request.query, row.query) << row.name;
  }
}

TEST(Request, ListHeaders) {
  EXPECT_TRUE(list_has("gzip", "gzip"));
  EXPECT_TRUE(list_has("br, GZIP;q=0.5", "gzip"));
  EXPECT_TRUE(list_has("deflate,gzip", "gzip"));
  EXPECT_FALSE(list_has("", "gzip"));
  EXPECT_FALSE(list_has("gzip;q=0", "gzip"));
  EXPECT_FALSE(list_has("gzip; q=0.000", "gzip"));
  EXPECT_FALSE(list_has("x-gzip", "gzip"));
}

TEST(Response, Headers) {
  const std::string constant =
      "Server: gameflow\r\nDate: Tue, 12 Nov 2024 10:15:30 GMT\r\nContent-Security-Policy: "
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
      "data:; frame-ancestors 'none'; base-uri 'self'; form-action 'none'\r\n"
      "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
  const std::string json = "Content-Type: application/json\r\nContent-Length: 2\r\n";
  struct Case {
    Reply reply;
    unsigned version;
    bool keep_alive;
    std::string first, last;  // lines
  };
  const std::string no_store = "Cache-Control: no-store\r\n";
  const Case cases[] = {
      {{.body = "{}"}, 11, true, "HTTP/1.1 200 OK\r\n", no_store + json},
      {{.body = "{}"}, 11, false, "HTTP/1.1 200 OK\r\n", no_store + json + "Connection: close\r\n"},
      {{.body = "{}"}, 10, false, "HTTP/1.0 200 OK\r\n", no_store + json},
      {{.body = "{}"},
       10,
       true,
       "HTTP/1.0 200 OK\r\n",
       no_store + json + "Connection: keep-alive\r\n"},
      {{.status = 204}, 11, true, "HTTP/1.1 204 No Content\r\n", no_store},
      {{.status = 304, .headers = {{"Cache-Control", "no-cache"}, {"ETag", "\"1\""}}},
       11,
       true,
       "HTTP/1.1 304 Not Modified\r\n",
       "Cache-Control: no-cache\r\nETag: \"1\"\r\n"},
      {{.status = 503, .body = "{}", .headers = {{"Retry-After", "1"}}},
       11,
       true,
       "HTTP/1.1 503 Service Unavailable\r\n",
       no_store + "Retry-After: 1\r\n" + json},
  };
  for (const Case& c : cases)
    EXPECT_EQ(response_header(c.reply, c.version, c.keep_alive, Timestamp{1'731'406'530'250}),
              c.first + constant + c.last + "\r\n");
}

}  // namespace
}  // namespace gameflow::serve
