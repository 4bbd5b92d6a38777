#include "app/cli.h"

#include <cstdlib>
#include <regex>

#include <gtest/gtest.h>

#include "app/cli_values.h"

namespace gameflow::app {
namespace {

using Arguments = std::vector<std::string>;

template <class Options>
Options parse(const Arguments& arguments) {
  const ParsedCommandLine parsed = parse_command_line(arguments);
  EXPECT_TRUE(parsed.command) << parsed.err << parsed.out;
  if (!parsed.command || !std::holds_alternative<Options>(*parsed.command)) {
    ADD_FAILURE() << "another command";
    return {};
  }
  return std::get<Options>(*parsed.command);
}

TEST(Cli, WrongUsageExitsWith2AndSaysWhatToDo) {
  struct Case {
    const char* name;
    Arguments arguments;
    const char* message;
  };
  const Case cases[] = {
      {"no command", {}, "subcommand is required"},
      {"unknown command", {"genrate"}, "did you mean 'generate'?"},
      {"unknown nested command", {"topic", "lsit"}, "did you mean 'list'?"},
      {"nested command left out", {"topic"}, "Try 'gameflow topic --help'"},
      {"unknown flag", {"run", "f.yaml", "--durabilty", "none"}, "did you mean '--durability'?"},
      {"a flag of rpk", {"consume", "t", "--brokers", "x"}, "did you mean '--server'?"},
      {"a flag of kcat", {"consume", "t", "-b", "x"}, "did you mean '--server'?"},
      {"a flag of Kafka's tools",
       {"consume", "t", "--from-beginning"},
       "did you mean '--beginning'?"},
      {"a flag that is not of this command",
       {"version", "--brokers", "x"},
       "'--brokers' is not a flag"},
      {"nothing like it", {"frobnicate"}, "'frobnicate' is not a command of gameflow"},
      {"argument left out", {"topic", "create"}, "topic is required"},
      {"one argument too many",
       {"build", "a.yaml", "b.yaml"},
       "'b.yaml' is one argument too many for gameflow build"},
      {"bad choice",
       {"run", "f.yaml", "--durability", "maybe"},
       "--durability: 'maybe' is none of fsync, interval, none"},
      {"unknown flag with a value",
       {"topic", "list", "--sever", "x"},
       "'--sever' is not a flag of"},
      {"unknown flag before what is missing", {"run", "--prot", "5"}, "'--prot' is not a flag of"},
      {"negative size",
       {"topic", "create", "t", "--retention-bytes", "-1"},
       "'-1' is not a size such as 512MiB"},
      {"size too large",
       {"topic", "create", "t", "--retention-bytes", "17179869184GiB"},
       "'17179869184GiB' is not a size"},
      {"number too large",
       {"consume", "t", "-n", "99999999999999999999"},
       "'99999999999999999999' is not a whole number from 1 on"},
      {"no number", {"generate", "--seed", "1e5"}, "'1e5' is not a whole number from 0 on"},
      {"not as many threads", {"run", "f.yaml", "--threads", "257"}, "from 0 to 256"},
      {"bad size", {"run", "f.yaml", "--disk-free-min", "much"}, "--disk-free-min"},
      {"from when", {"run", "f.yaml", "--clear-state", "a", "--from", "soon"}, "-5m for 5 minutes"},
      {"from the future",
       {"run", "f.yaml", "--clear-state", "a", "--from", "2999-01-01"},
       "'2999-01-01' is 2999-01-01T00:00:00Z, which lies ahead"},
      {"bad number", {"generate", "--events", "-1"}, "--events"},
      {"bad rate", {"generate", "--rate", "fast"}, "--rate: 'fast' is neither a number"},
      {"rate of zero", {"generate", "--rate", "0"}, "neither a number"},
      {"no players", {"generate", "--players", "0"}, "--players"},
      {"no address", {"generate", "--serve", "8000"}, "'8000' is no address and port"},
      {"served and sent",
       {"generate", "--serve", "[::1]:8000", "--to", "http://h:1"},
       "--to: nothing is sent with --serve: leave out one of the two"},
      {"printed and sent",
       {"generate", "--stdout", "--ca-file", "ca.pem"},
       "--ca-file: nothing is sent with --stdout"},
      {"JSON and another form", {"sql", "--json", "--format", "csv"}, "excludes"},
      {"served and printed", {"generate", "--serve", "[::1]:8000", "--stdout"}, "excludes"},
      {"bad time",
       {"generate", "--start-time", "yesterday"},
       "--start-time: 'yesterday' is not a time"},
      {"of the game", {"generate", "--days", "3"}, "add --profile game"},
      {"not of the game",
       {"generate", "--profile", "game", "--start-time", "2024-11-01"},
       "begins at --from"},
      {"two keys", {"produce", "t", "--key", "a", "--key-field", "b"}, "excludes"},
      {"two beginnings", {"consume", "t", "-B", "--offset", "end"}, "excludes"},
      {"no records", {"consume", "t", "-n", "0"}, "--num-records"},
      {"bad duration", {"topic", "create", "t", "--retention-age", "7 days"}, "not a duration"},
      {"too many partitions", {"topic", "create", "t", "--partitions", "5000"}, "--partitions"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const ParsedCommandLine parsed = parse_command_line(c.arguments);
    EXPECT_FALSE(parsed.command);
    EXPECT_EQ(parsed.exit_code, kExitUsage);
    EXPECT_EQ(parsed.out, "");
    EXPECT_NE(parsed.err.find(c.message), std::string::npos) << parsed.err;
    EXPECT_NE(parsed.err.find("--help"), std::string::npos) << parsed.err;
    EXPECT_FALSE(std::regex_search(parsed.err, std::regex("(--[a-z-]+): \\1:"))) << parsed.err;
  }
}

TEST(CommandLine, AStatementMayStandBehindItsParameters) {
  const auto options = parse<SqlOptions>({"sql", "-p", "a=1", "--param", "b=2", "select :a + :b"});
  EXPECT_EQ(options.query, "select :a + :b");
  EXPECT_EQ(options.parameters.size(), 2U);
}

TEST(CommandLine, JsonIsOneOfTheForms) {
  EXPECT_EQ(parse<SqlOptions>({"sql", "select 1", "--json"}).format, SqlFormat::kJson);
  EXPECT_EQ(parse<ConsumeOptions>({"consume", "t", "--json"}).output, ConsumeOutput::kJson);
  EXPECT_TRUE(parse<TopicListOptions>({"topic", "ls", "--json"}).json);
  EXPECT_FALSE(parse<TopicListOptions>({"topic", "ls"}).json);
}

TEST(CommandLine, OtherNamesOfCommands) {
  EXPECT_EQ(parse<TopicDeleteOptions>({"topic", "rm", "t"}).topic,
            parse<TopicDeleteOptions>({"topic", "delete", "t"}).topic);
  parse<TopicListOptions>({"topic", "ls"});
  const std::string help = parse_command_line({"topic", "list", "--help"}).out;
  EXPECT_EQ(parse_command_line({"help", "topic", "list"}).out, help);
  EXPECT_EQ(parse_command_line({"help"}).out, parse_command_line({"--help"}).out);
  EXPECT_EQ(parse_command_line({"-V"}).out, parse_command_line({"--version"}).out);
  EXPECT_EQ(parse_command_line({"help", "tpoic"}).exit_code, kExitUsage);
}

TEST(Cli, Sizes) {
  const std::pair<const char*, std::optional<std::uint64_t>> cases[] = {
      {"0", 0},
      {"4096", 4096},
      {"1b", 1},
      {"1k", 1U << 10},
      {"1KB", 1U << 10},
      {"3KiB", 3U << 10},
      {"2MiB", 2U << 20},
      {"1g", 1U << 30},
      {"1TiB", std::uint64_t{1} << 40},
      {"15EiB", std::uint64_t{15} << 60},
      {"16EiB", std::nullopt},
      {"", std::nullopt},
      {"-1", std::nullopt},
      {"MiB", std::nullopt},
      {"1.5MiB", std::nullopt},
      {"1XB", std::nullopt},
      {"1iB", std::nullopt},
      {"1 MiB", std::nullopt}};
  for (const auto& [text, bytes] : cases) EXPECT_EQ(parse_size(text), bytes) << text;
}

TEST(Cli, EveryCommandHasHelpWithExamples) {
  const Arguments commands[] = {{},
                                {"run"},
                                {"build"},
                                {"validate"},
                                {"service"},
                                {"service", "list"},
                                {"service", "reset-watermark"},
                                {"service", "forget"},
                                {"generate"},
                                {"topic"},
                                {"topic", "list"},
                                {"topic", "describe"},
                                {"topic", "create"},
                                {"topic", "delete"},
                                {"produce"},
                                {"consume"},
                                {"sql"},
                                {"completion"},
                                {"manual"},
                                {"version"}};
  for (Arguments arguments : commands) {
    for (const char* flag : {"-h", "--help"}) {
      arguments.emplace_back(flag);
      const ParsedCommandLine parsed = parse_command_line(arguments);
      EXPECT_FALSE(parsed.command);
      EXPECT_EQ(parsed.exit_code, kExitFine);
      EXPECT_NE(parsed.out.find("Examples:\n  gameflow "), std::string::npos) << parsed.out;
      EXPECT_EQ(parsed.out.find('\0'), std::string::npos) << "ends it where it is printed";
      arguments.pop_back();
    }
  }
}

TEST(Cli, Run) {
  const auto defaults = parse<RunOptions>({"run", "f.yaml"});
  EXPECT_EQ(defaults.build.dataflow, "f.yaml");
  EXPECT_EQ(defaults.listen, "127.0.0.1:3001");
  EXPECT_EQ(defaults.durability, log::Durability::kFsync);
  EXPECT_EQ(defaults.disk_free_bytes_min, 256U << 20);
  EXPECT_EQ(defaults.memory_bytes_max, 0U) << "80 % of what there is";

  const auto given = parse<RunOptions>({"run",
                                        "f.yaml",
                                        "--listen",
                                        "0.0.0.0:80",
                                        "--insecure-no-auth",
                                        "--data",
                                        "/d",
                                        "--durability",
                                        "none",
                                        "--disk-free-min",
                                        "1GiB",
                                        "--threads",
                                        "3",
                                        "--memory-max",
                                        "2GiB",
                                        "--clear-state",
                                        "counting",
                                        "--clear-state",
                                        "totals",
                                        "--log-level",
                                        "warn"});
  EXPECT_EQ(given.listen, "0.0.0.0:80");
  EXPECT_TRUE(given.insecure_no_auth);
  EXPECT_EQ(given.cleared, (std::vector<std::string>{"counting", "totals"}));
  EXPECT_TRUE(std::holds_alternative<runtime::EndOfRead>(given.cleared_from));
  const auto cleared_from = [](const char* where) {
    return parse<RunOptions>({"run", "f.yaml", "--clear-state", "a", "--from", where}).cleared_from;
  };
  EXPECT_TRUE(std::holds_alternative<runtime::EndOfRead>(cleared_from("end")));
  EXPECT_TRUE(std::holds_alternative<runtime::Beginning>(cleared_from("beginning")));
  EXPECT_EQ(std::get<Timestamp>(cleared_from("2024-11-12T10:15:30Z")), Timestamp{1731406530000});
  const Timestamp before = SystemClock().now();
  const Timestamp hour_ago = std::get<Timestamp>(cleared_from("-1h"));
  EXPECT_GE(hour_ago + Duration{3'600'000}, before);
  EXPECT_LE(hour_ago + Duration{3'600'000}, SystemClock().now());
  EXPECT_EQ(given.data_folder, "/d");
  EXPECT_EQ(given.durability, log::Durability::kNone);
  EXPECT_EQ(given.disk_free_bytes_min, 1U << 30);
  EXPECT_EQ(given.memory_bytes_max, 2ULL << 30);
  EXPECT_EQ(given.threads, 3U);
  EXPECT_EQ(given.log_level, "warn");
}

TEST(Cli, Services) {
  EXPECT_EQ(parse<ServiceListOptions>({"service", "list"}).data_folder, "data");
  const auto reset =
      parse<ServiceResetWatermarkOptions>({"service", "reset-watermark", "a", "--data", "/d"});
  EXPECT_EQ(reset.service, "a");
  EXPECT_EQ(reset.data_folder, "/d");
  EXPECT_EQ(parse<ServiceForgetOptions>({"service", "forget", "a"}).service, "a");
}

TEST(Cli, Origins) {
  const std::vector<std::string> wanted{"https://game.example.com:8443", "*"};
  EXPECT_EQ(parse<RunOptions>({"run", "f.yaml", "--allow-origin", "HTTPS://Game.example.com:8443",
                               "--allow-origin", "*"})
                .allowed_origins,
            wanted);
  for (const char* wrong : {"game.example.com", "https://", "https://a/b", "https://a,https://b"}) {
    const ParsedCommandLine parsed = parse_command_line({"run", "f.yaml", "--allow-origin", wrong});
    EXPECT_FALSE(parsed.command) << wrong;
    EXPECT_NE(parsed.err.find("is not an origin"), std::string::npos) << parsed.err;
  }
}

TEST(Cli, Connectors) {
  EXPECT_EQ(parse<ConnectorListOptions>({"connector", "list", "--server", "http://h:1"}).server.url,
            "http://h:1");
  EXPECT_EQ(parse<ConnectorDescribeOptions>({"connector", "describe", "a"}).connector, "a");
  EXPECT_EQ(parse<ConnectorDeleteOptions>({"connector", "delete", "a"}).connector, "a");
}

TEST(Cli, FlagsBeatEnvironmentBeatsDefault) {
  EXPECT_EQ(parse<TopicListOptions>({"topic", "list"}).server.url, "http://127.0.0.1:3001");
  setenv("GAMEFLOW_SERVER", "http://env:1", 1);
  EXPECT_EQ(parse<TopicListOptions>({"topic", "list"}).server.url, "http://env:1");
  EXPECT_EQ(parse<TopicListOptions>({"topic", "list", "--server", "http://flag:2"}).server.url,
            "http://flag:2");
  EXPECT_EQ(parse<GenerateOptions>({"generate"}).server.url, "http://env:1");
  EXPECT_EQ(parse<GenerateOptions>({"generate", "--stdout"}).server.url, "");
  EXPECT_EQ(parse<GenerateOptions>({"generate", "--serve", "[::1]:1"}).serve, "[::1]:1");
  unsetenv("GAMEFLOW_SERVER");
  setenv("GAMEFLOW_DURABILITY", "interval", 1);
  EXPECT_EQ(parse<RunOptions>({"run", "f"}).durability, log::Durability::kInterval);
  unsetenv("GAMEFLOW_DURABILITY");
}

TEST(Cli, Generate) {
  using generate::EventKind;
  const auto defaults = parse<GenerateOptions>({"generate"});
  EXPECT_EQ(defaults.rate, 100U);
  EXPECT_EQ(defaults.players, 99U);
  EXPECT_EQ(defaults.kinds,
            (std::vector{EventKind::kPlayer, EventKind::kPurchase, EventKind::kServer}));

  const auto given = parse<GenerateOptions>({"generate", "--rate", "max", "--events", "10",
                                             "--seed", "7", "--only", "purchase", "--start-time",
                                             "2024-11-12T10:15:30Z", "--producer-id", "p"});
  EXPECT_EQ(given.rate, std::nullopt);
  EXPECT_EQ(given.events, 10U);
  EXPECT_EQ(given.seed, 7U);
  EXPECT_EQ(given.kinds, std::vector{EventKind::kPurchase});
  EXPECT_EQ(given.start_time, Timestamp{1'731'406'530'000});
  EXPECT_EQ(given.producer_id, "p");

  EXPECT_EQ(parse<GenerateOptions>({"generate", "--positions"}).kinds.size(), 4U);
  EXPECT_EQ(parse<GenerateOptions>({"generate", "--only", "server", "--only", "player"}).kinds,
            (std::vector{EventKind::kServer, EventKind::kPlayer}));
}

TEST(Cli, GenerateTheGame) {
  const auto plain = parse<GenerateOptions>({"generate", "--profile", "game"});
  EXPECT_EQ(plain.profile, GenerateProfile::kGame);
  EXPECT_FALSE(plain.has_rate || plain.has_players || plain.from || plain.days || plain.speed);
  const auto given =
      parse<GenerateOptions>({"generate", "--profile", "game", "--from", "2024-11-01", "--days",
                              "30", "--speed", "60", "--players", "5", "--rate", "max", "--game",
                              "g.yaml", "--truth", "t.json", "--threads", "2"});
  EXPECT_EQ(given.from, Timestamp{1'730'419'200'000});
  EXPECT_EQ(given.days, 30U);
  EXPECT_EQ(given.speed, 60U);
  EXPECT_TRUE(given.has_players && given.has_rate && !given.rate);
  EXPECT_EQ(given.game_file, "g.yaml");
  EXPECT_EQ(given.truth_file, "t.json");
  EXPECT_EQ(given.threads, 2U);
}

TEST(Cli, ConsumeAndFriends) {
  const auto consume =
      parse<ConsumeOptions>({"consume", "t", "-B", "-d", "-n", "5", "-p", "2", "-o", "json"});
  EXPECT_EQ(consume.offset, "beginning");
  EXPECT_TRUE(consume.stop_at_end);
  EXPECT_EQ(consume.records_max, 5U);
  EXPECT_EQ(consume.partition, 2U);
  EXPECT_EQ(consume.output, ConsumeOutput::kJson);
  EXPECT_EQ(parse<ConsumeOptions>({"consume", "t"}).offset, "end");
  EXPECT_EQ(parse<ConsumeOptions>({"consume", "t", "--offset", "-10"}).offset, "-10");

  const auto create =
      parse<TopicCreateOptions>({"topic", "create", "t", "--partitions", "4", "--retention-age",
                                 "7d", "--retention-bytes", "1MiB"});
  EXPECT_EQ(create.partitions, 4U);
  EXPECT_EQ(create.retention_age, "7d");
  EXPECT_EQ(create.retention_bytes, 1U << 20);

  EXPECT_EQ(parse<ProduceOptions>({"produce", "t"}).file, "-");
  EXPECT_EQ(parse<ProduceOptions>({"produce", "t", "-"}).file, "-");
  EXPECT_EQ(parse<SqlOptions>({"sql", "select 1", "--format", "csv"}).format, SqlFormat::kCsv);
  EXPECT_EQ(parse<SqlOptions>({"sql", "select 1"}).format, std::nullopt);
  EXPECT_TRUE(parse<ValidateOptions>({"validate", "--operators", "f"}).operators);
  parse<SchemaOptions>({"schema"});
}

}  // namespace
}  // namespace gameflow::app
