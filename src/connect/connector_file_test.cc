#include "connect/connector_file.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "connect/router.h"

namespace gameflow::connect {
namespace {

constexpr Setting kSettings[] = {{.key = "address", .kind = SettingKind::kText},
                                 {.key = "count", .kind = SettingKind::kNumber}};
const Kind kKinds[] = {
    {.type = "odd-source",
     .section = "odd",
     .doc = "",
     .settings = kSettings,
     .make_source = [](const Settings& settings, Host&) -> std::unique_ptr<Source> {
       throw std::runtime_error("no such place: " + settings.text("address"));
     }},
};

class ConnectorFileTest : public testing::Test {
 protected:
  ConnectorFileTest() : folder_(testing::TempDir() + "/connector_file_test") {
    std::filesystem::create_directories(folder_);
  }
  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  std::filesystem::path connector(const std::string& settings) {
    return write("c.yaml",
                 "apiVersion: 0.1.0\n"
                 "meta: { name: a, version: 0.1.0, type: odd-source, topic: t, secrets: [{ name: "
                 "TOKEN }] }\nodd:\n" +
                     settings);
  }
  std::filesystem::path folder_;
};

TEST_F(ConnectorFileTest, SecretsAreNeverShown) {
  write("token", "v3ry secret\n");
  const auto path = connector("  address: \"${file:token}\"\n");
  const auto file = read_connector(path, {}, kKinds);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, path.string() + ": error: no such place: ***");
  const auto wrong = read_connector(connector("  count: ${file:token}\n"), {}, kKinds);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message.find("v3ry"), std::string::npos) << wrong.error().message;
}

TEST_F(ConnectorFileTest, SecretsComeFromAFileOrTheEnvironment) {
  const auto path = connector("  address: \"${{ secrets.TOKEN }}\"\n");
  ::unsetenv("TOKEN");
  const auto none = read_connector(path, {}, kKinds);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find(
                "c.yaml:4:12: error: secret 'TOKEN' is neither in a file given with --secrets nor "
                "in the environment"),
            std::string::npos)
      << none.error().message;
  const auto secrets = write("secrets.txt", "# mine\nTOKEN=a=b c\nOTHER=x\n");
  auto opened = Secrets::open(secrets, folder_);
  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened->find({spec::SecretReference::Kind::kNamed, "TOKEN"}), "a=b c");
  EXPECT_EQ(opened->redact("at a=b c and a%3Db%20c"), "at *** and ***");
  EXPECT_FALSE(opened->find({spec::SecretReference::Kind::kNamed, "MISSING"}));
  const auto broken = Secrets::open(write("broken.txt", "A=1\nTOKEN v3ry\n"), folder_);
  ASSERT_FALSE(broken);
  EXPECT_TRUE(
      broken.error().message.ends_with("broken.txt:2: a line of a file of secrets is NAME=VALUE"));
}

TEST_F(ConnectorFileTest, IsCheckedWithoutSecrets) {
  EXPECT_TRUE(check_connector(connector("  count: ${env:NOT_HERE}\n"), kKinds));
  EXPECT_FALSE(check_connector(connector("  count: x\n"), kKinds));
  EXPECT_FALSE(check_connector(folder_ / "nosuch.yaml", kKinds));
  EXPECT_FALSE(check_connector(folder_, kKinds));
}

TEST(Router, MakesLines) {
  spec::Connector connector;
  connector.name = "c";
  connector.topics = {"rest"};
  connector.key_field = "key";
  connector.value_field = "event";
  connector.route = spec::Route{.field = "event.name", .topics = {{"a", "as"}, {"b", "bs"}}};
  Router router(connector, "dead");
  router.add({.value = "{\"key\":\"k\",\"event\":{\"name\":\"a\",\n\"x\":1}}"});
  router.add({.value = R"({"key":7,"event":{"name":"b"}})"});
  router.add({.value = R"({"event":{"name":"c"}})"});
  router.add({.value = R"({"event":{"name":"a"}})", .key = "mine", .topic = "own"});
  EXPECT_EQ(router.lines(),
            "{\"topic\":\"as\",\"key\":\"k\",\"value\":{\"name\":\"a\", \"x\":1}}\n"
            "{\"topic\":\"bs\",\"key\":\"7\",\"value\":{\"name\":\"b\"}}\n"
            "{\"topic\":\"rest\",\"key\":null,\"value\":{\"name\":\"c\"}}\n"
            "{\"topic\":\"own\",\"key\":\"mine\",\"value\":{\"name\":\"a\"}}\n");
  EXPECT_EQ(router.count(), 4U);
  EXPECT_EQ(router.count_dead(), 0U);
  router.clear();
  // Nothing gets out of its line.
  router.add({.value = "1},\"topic\":\"x\"}\n{\"topic\":\"y\",\"value\":2"});
  router.add({.value = R"({"key":1})"});
  EXPECT_EQ(router.count(), 2U);
  EXPECT_EQ(router.count_dead(), 2U);
  EXPECT_TRUE(router.line(0).starts_with(R"({"topic":"dead","key":null,"value":{"service")"));
  EXPECT_NE(router.line(1).find("it has no field 'event'"), std::string_view::npos);
  router.clear();
  connector.route->otherwise = spec::RouteOtherwise::kDrop;
  router.add({.value = R"({"event":{"name":"c"}})"});
  EXPECT_EQ(router.count(), 0U);
  connector.route->otherwise = spec::RouteOtherwise::kDeadLetter;
  router.add({.value = R"({"event":{"name":"c"}})"});
  EXPECT_EQ(router.count_dead(), 1U);
}

}  // namespace
}  // namespace gameflow::connect
