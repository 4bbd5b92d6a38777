#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gameflow/key.h>

#include "opbuild/cache.h"
#include "opbuild/opbuild.h"
#include "opbuild/process.h"
#include "opbuild/test_flow.h"
#include "record/arena.h"

namespace gameflow::opbuild {
namespace {

namespace fs = std::filesystem;

// A cache folder for each test program run: tests that build the same source share the work.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (fs::temp_directory_path() / "opbuild-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~TempFolder() { fs::remove_all(path); }
  fs::path path;
};

Options shared_options() {
  static const TempFolder folder;
  return {.cache_folder = folder.path / "cache"};
}

// The structs of player_sessions.yaml, as its operators see them.
struct PlayerEvent {
  Text event_type, event_timestamp, user_id;
  Optional<u32> level;
  i32 score;
};
struct EventsPerUserRow {
  u32 count = 0;
  i64 score = 0;
};
struct PlayerEventCount {
  Text player_id;
  u32 event_count;
};

// What a chain makes of values, whose records' times are 7, 8, …
struct ChainResult {
  ChainResult(abi::ChainFn chain, abi::Call& call, const std::vector<const void*>& values) {
    std::vector<i64> times;
    for (std::size_t i = 0; i < values.size(); ++i) times.push_back(7 + static_cast<i64>(i));
    errors.resize(values.size());
    const abi::Records records{values.data(), times.data(), static_cast<u32>(values.size())};
    errors.resize(chain(&call, &records, &out, errors.data()));
  }
  template <class T>
  const T& value(std::size_t index) const {
    return *static_cast<const T*>(out[index].value);
  }
  List<abi::Emitted> out;
  std::vector<abi::RecordError> errors;
};

struct PlayerSessions : testing::Test {
  PlayerSessions() : library(build(graph_of(player_sessions()), shared_options())) {
    call.arena = &arena;
  }
  void SetUp() override { ASSERT_TRUE(library) << library.error().message; }
  abi::FlushFn flush() {
    return library->functions.flush("player-session-analytics/flush").pointer;
  }

  Result<Library> library;
  record::BlockArena arena;
  abi::Call call{};
  std::vector<abi::RecordError> errors{8};
};

TEST_F(PlayerSessions, AssignsTimestampsAndKeysWithoutCopies) {
  const PlayerEvent events[] = {{"kill", "1970-01-01T00:00:02.5Z", "ann", {}, 1},
                                {"kill", "yesterday", "bob", {}, 1}};
  const ChainResult result(library->functions.chain("player-session-analytics/source/0").pointer,
                           call, {&events[0], &events[1]});
  EXPECT_TRUE(result.errors.empty());
  ASSERT_EQ(result.out.size(), 2u);
  EXPECT_EQ(result.out[0].value, &events[0]);
  EXPECT_EQ(result.out[0].time, 2500);
  EXPECT_EQ(result.out[1].time, 8);
  EXPECT_EQ(result.out[0].key.data(), events[0].user_id.data());
  EXPECT_EQ(result.out[1].key, "bob");
}

TEST_F(PlayerSessions, UpdatesStatesAndTakesBackWhatFailed) {
  const PlayerEvent events[] = {{"kill", "", "ann", {}, -2},
                                {"poison", "", "ann", {}, 5},
                                {"cheat", "", "ann", {}, 9},
                                {"kill", "", "bob", {}, 4},
                                {"kill", "", "ann", {}, 10}};
  const void* pointers[] = {&events[0], &events[1], &events[2], &events[3], &events[4]};
  EventsPerUserRow ann, bob;
  void* const rows[] = {&ann, &ann, &ann, &bob, &ann};
  const abi::WindowSpan spans[5] = {};
  abi::RowUse uses[5] = {{9, 9}, {9, 9}, {9, 9}, {9, 9}, {9, 9}};
  const auto update = library->functions.update("player-session-analytics/update").pointer;
  const abi::KeyedRecords records{pointers, rows, spans, 5, nullptr, nullptr, nullptr, nullptr};
  List<abi::Emitted> out;
  ASSERT_EQ(update(&call, &records, uses, &out, errors.data()), 2u);
  EXPECT_EQ(errors[0].index, 1u);
  EXPECT_EQ(errors[0].message, "poisoned by ann");
  EXPECT_EQ(errors[1].index, 2u);
  EXPECT_EQ(errors[1].message, "unknown exception");
  EXPECT_EQ(ann.count, 2u);
  EXPECT_EQ(ann.score, 12);
  EXPECT_EQ(bob.count, 1u);
  EXPECT_EQ(bob.score, 4);
  constexpr u32 kChanged[] = {1, 0, 0, 1, 1};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(uses[i].changed, kChanged[i]) << i;
    EXPECT_EQ(uses[i].asked, kChanged[i]) << i;
  }
}

TEST_F(PlayerSessions, FlushesThroughTheSqlOfTheCall) {
  struct Context {
    std::string query;
    u32 type_id = 99;
    Arena* arena;
  } context{.query = {}, .arena = &arena};
  call.context = &context;
  call.sql = [](void* raw, const char* text, std::size_t size, const abi::SqlArgument*, u32,
                u32 type_id, void* list) {
    auto& seen = *static_cast<Context*>(raw);
    seen.query.assign(text, size);
    seen.type_id = type_id;
    detail::current_arena = seen.arena;  // the engine's own, not the library's
    static_cast<List<PlayerEventCount>*>(list)->push_back({"ann", 3});
    return true;
  };
  const void* const made = flush()(&call, errors.data());
  ASSERT_NE(made, nullptr) << errors[0].message;
  const auto& out = *static_cast<const List<PlayerEventCount>*>(made);
  EXPECT_EQ(context.query,
            "select _key as player_id, count as event_count from events_per_user order by count "
            "desc");
  EXPECT_EQ(context.type_id, 2u);  // the third object of the file
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].player_id, "ann");

  call.sql = [](void* raw, const char*, std::size_t, const abi::SqlArgument*, u32, u32, void*) {
    static_cast<abi::Call*>(raw)->sql_error = "no such column: x";
    return false;
  };
  call.context = &call;
  EXPECT_EQ(flush()(&call, errors.data()), nullptr);
  EXPECT_EQ(errors[0].message, "no such column: x");
}

TEST_F(PlayerSessions, AnswersMisuseWithAnError) {
  EXPECT_EQ(flush()(&call, errors.data()), nullptr);  // no sql in this call
  EXPECT_EQ(errors[0].message, "there are no tables that sql() could read here");
}

TEST(Keys, AreEncodedByTheKindOfTheStates) {
  struct Event {
    Text text;
    i16 level;
    u64 big;
    bool flag;
  };
  const auto library = build(graph_of(read_testdata("key_kinds.yaml")), shared_options());
  ASSERT_TRUE(library) << library.error().message;
  record::BlockArena arena;
  detail::current_arena = &arena;
  abi::Call call{.arena = &arena};
  const Event events[] = {{"a", -3, 1U << 20, false}, {"", 300, 13, true}};
  const std::vector<std::pair<std::string, std::vector<Text>>> expected{
      {"by-string", {"<a>", "<>"}},
      {"by-i16", {encode_key(i16{-3}), encode_key(i16{300})}},
      {"by-i64", {encode_key(i64{-3}), encode_key(i64{300})}},
      {"by-u64", {encode_key(u64{1U << 20}), encode_key(u64{13})}},
      {"by-bool", {encode_key(false)}},  // the second one throws
  };
  for (const auto& [service, keys] : expected) {
    SCOPED_TRACE(service);
    const ChainResult result(library->functions.chain(service + "/source/0").pointer, call,
                             {&events[0], &events[1]});
    ASSERT_EQ(result.out.size(), keys.size());
    for (std::size_t k = 0; k < keys.size(); ++k) EXPECT_EQ(result.out[k].key, keys[k]);
    EXPECT_EQ(result.errors.size(), 2 - keys.size());
    for (const abi::RecordError& error : result.errors) {
      EXPECT_EQ(error.index, 1u);
      EXPECT_EQ(error.step, 1u);
    }
  }
  call.window_start_ms = 5000;
  call.window_end_ms = 10000;
  abi::RecordError error;
  const void* const out = library->functions.flush("by-string/flush").pointer(&call, &error);
  ASSERT_NE(out, nullptr);
  EXPECT_EQ(static_cast<const Event*>(out)->text, "five");
  detail::current_arena = nullptr;
}

// The structs of transforms.yaml.
struct Click {
  Text user, page;
  i32 seconds;
};
struct Visit {
  Text user;
  u32 seconds;
};
struct Session {
  Text user;
  List<Visit> visits;
};

struct TransformsTest : testing::Test {
  TransformsTest()
      : graph(graph_of(transforms())), library(build(graph, shared_options(), transforms())) {
    call.arena = &arena;
    detail::current_arena = &arena;
  }
  ~TransformsTest() override { detail::current_arena = nullptr; }
  void SetUp() override { ASSERT_TRUE(library) << library.error().message; }

  plan::Graph graph;
  Result<Library> library;
  record::BlockArena arena;
  abi::Call call{};
};

TEST_F(TransformsTest, OfSourceAndServiceAreOneFunction) {
  const Click clicks[] = {{"ann", "/", 5}, {"bob", "", 5}, {"", "/", 5}, {"cy", "/", -1}};
  const ChainResult of_clicks(library->functions.chain("visits/source/0").pointer, call,
                              {&clicks[0], &clicks[1], &clicks[2], &clicks[3]});
  ASSERT_EQ(of_clicks.out.size(), 1u);
  EXPECT_EQ(of_clicks.value<Visit>(0).user, "user-ann");
  EXPECT_EQ(of_clicks.value<Visit>(0).seconds, 5u);
  EXPECT_EQ(of_clicks.out[0].time, 7);
  ASSERT_EQ(of_clicks.errors.size(), 1u);
  EXPECT_EQ(of_clicks.errors[0].index, 3u);
  EXPECT_EQ(of_clicks.errors[0].step, 1u);
  EXPECT_EQ(of_clicks.errors[0].message, "time runs backwards");

  const Session sessions[] = {{"ann", {{"ann", 1}, {"", 2}, {"bob", 3}}}, {"bob", {}}};
  const ChainResult of_sessions(library->functions.chain("visits/source/1").pointer, call,
                                {&sessions[0], &sessions[1]});
  ASSERT_EQ(of_sessions.out.size(), 2u);
  EXPECT_EQ(of_sessions.value<Visit>(1).user, "user-bob");
  EXPECT_EQ(of_sessions.out[1].origin, 0u);
}

TEST_F(TransformsTest, OfSinksAreTheirOwn) {
  const Visit visits[] = {{"ann", 60}, {"bob", 61}};
  const ChainResult of_long(library->functions.chain("visits/sink/1").pointer, call,
                            {&visits[0], &visits[1]});
  ASSERT_EQ(of_long.out.size(), 1u);
  EXPECT_EQ(of_long.out[0].value, &visits[1]);
  const ChainResult names(library->functions.chain("visits/sink/2").pointer, call, {&visits[0]});
  EXPECT_EQ(names.value<Text>(0), "ann");
}

TEST_F(TransformsTest, TellTheTypesOfWhatIsWritten) {
  for (plan::NodeId id = 0; id < graph.nodes.size(); ++id) {
    const auto* const write = std::get_if<plan::Write>(&graph.nodes[id].kind);
    if (write == nullptr) continue;
    const record::Type* const type = library->functions.output_of(graph, id);
    ASSERT_NE(type, nullptr);
    const std::string name = plan::type_name(graph, type);
    const std::string& topic = graph.topics[write->topic].name;
    EXPECT_EQ(name, topic == "visitors" ? "string" : topic == "totals" ? "visits" : "visit");
  }
}

struct CompileErrorRow {
  std::string_view name, from, to;
  std::string_view place;    // what the mistake is under, in `to`
  std::string_view message;  // a part of it
};

void expect_place(const std::string& message, const std::string& yaml, const CompileErrorRow& row) {
  const std::size_t at = yaml.find(row.place, yaml.find(row.to));
  const auto line = 1 + std::count(yaml.begin(), yaml.begin() + static_cast<long>(at), '\n');
  const std::size_t column = at - yaml.rfind('\n', at);
  const std::string place =
      "dataflow.yaml:" + std::to_string(line) + ":" + std::to_string(column) + ": error: ";
  EXPECT_EQ(message.substr(0, place.size()), place) << message;
}

TEST(CompileErrors, ArePlacedInTheYaml) {
  constexpr CompileErrorRow kRows[] = {
      {"unknown field", "event.score);", "event.scroe);", "scroe", "did you mean 'score'"},
      {"unknown type", "Text assign_event_key", "Txt assign_event_key", "Txt",
       "'Txt' does not name a type"},
      {"syntax", "events_per_user().count += 1;", "events_per_user().count += ;", ";", "expected"},
      {"no return", "return event.user_data.user_id; }", "/* nothing */ }", "}",
       "no return statement"},
      {"wrong parameter", "Text assign_event_key(const PlayerEvent& event)",
       "Text assign_event_key(const PlayerEventCount& event)", "assign_event_key",
       "assign-key must be callable as Text(const PlayerEvent&)"},
      {"wrong key type",
       "Text assign_event_key(const PlayerEvent& event) { return "
       "event.user_data.user_id; }",
       "i32 assign_event_key(const PlayerEvent& event) { return event.score; }", "assign_event_key",
       "assign-key must be callable as Text(const PlayerEvent&), the key type of the states"},
      {"wrong time type",
       "i64 assign_event_timestamp(const PlayerEvent& event, i64 record_time) {\n"
       "            return parse_time(event.event_timestamp, record_time);",
       "Text assign_event_timestamp(const PlayerEvent& event, i64 record_time) {\n"
       "            return event.event_timestamp;",
       "assign_event_timestamp", "assign-timestamp must be callable as i64("},
      {"update returns", "void increment_event_count(const PlayerEvent& event) {",
       "int increment_event_count(const PlayerEvent& event) { return 1;", "increment_event_count",
       "update-state must be callable as void(const PlayerEvent&)"},
      {"flush returns something else", "[] { return sql<EventsCount>(", "[] { return Text(", "[]",
       "flush must be callable as EventsCount(), the type of the sinks"},
      {"query type", "sql<EventsCount>", "sql<Text>", "", "needs a T that is a list of objects"},
      {"missing header", "#include <cstdlib>", "#include <cstdlob>", "<cstdlob>",
       "cstdlob: No such file"},
      {"header not included", "return std::abs", "return std::vector<int>{}.size() + std::abs",
       "vector",
       // The tests are built by the compiler that they ask.
       __GNUC__ >= 13
           ? "\n      = 'std::vector' is defined in header '<vector>'; this is probably "
             "fixable by adding '#include <vector>'"
           : "\n      = 'std::vector' is defined in header '<vector>'; did you forget to"},
      {"sql() in update-state", "events_per_user().count += 1;",
       "events_per_user().count += sql<EventsCount>(\"select 1\").size();", "sql",
       "sql() can be used in flush only"},
      {"a row in assign-key", "return event.user_data.user_id; }",
       "return events_per_user().count > 0 ? \"a\" : \"b\"; }", "events_per_user",
       "events_per_user() can be used in 'partition' only"},
      {"a row in flush", "[] { return", "[] { events_per_user().count = 0; return",
       "events_per_user", "use sql<T>(\"select … from events_per_user\")"},
      {"no window yet", "return parse_time(event.event_timestamp, record_time);",
       "return window().start;", "window", "window() can be used in update-state and flush only"},
      {"unbalanced", "events_per_user().count += 1;", "events_per_user().count += 1; }", "",
       "closes nothing"},
  };
  for (const CompileErrorRow& row : kRows) {
    SCOPED_TRACE(row.name);
    const std::string yaml = with(player_sessions(), row.from, row.to);
    Options options = shared_options();
    options.syntax_only = true;
    const auto library = build(graph_of(yaml), options, yaml);
    ASSERT_FALSE(library);
    EXPECT_EQ(library.error().code, ErrorCode::kCompileFailed);
    EXPECT_NE(library.error().message.find(row.message), std::string::npos)
        << library.error().message;
    if (!row.place.empty()) expect_place(library.error().message, yaml, row);
  }
}

TEST(CompileErrors, BetweenOperatorsTellBothTypes) {
  constexpr CompileErrorRow kRows[] = {
      {"in a sink", "[](const Visit& visit) { return visit.seconds > 60; }",
       "[](const Click& click) { return click.seconds > 60; }", "[](",
       "this takes Click, but what comes is Visit"},
      {"nothing of the dataflow", "[](const Visit& visit) { return visit.seconds > 60; }",
       "[](const std::string& text) { return text.empty(); }", "[](",
       "this does not take Visit, which is what comes"},
      {"a list", "void add(const Visit& visit) { total().minutes += visit.seconds; }",
       "void add(const Visits& visits) {}", "add",
       "this takes List<Visit>, but what comes is Visit"},
      {"key behind a map", "[](const Visit& visit) { return visit.user; }\"\n        update-state",
       "[](const Click& click) { return click.user; }\"\n        update-state", "[](",
       "this takes Click, but what comes is Visit"},
      {"result of a filter-map",
       "Optional<Visit> named(const Visit& visit) {\n            if (visit.user == \"\") return "
       "{};",
       "Visit named(const Visit& visit) {", "named",
       "filter-map must be callable as Optional<U>(const T&), U a type of the dataflow"},
      {"filter", "bool is_page(", "int is_page(", "is_page",
       "filter must be callable as bool(const Click&)"},
      {"map", "Visit visit_of(const Click& click) {",
       "std::string visit_of(const Click& click) { return click.page.str();", "visit_of",
       "map must be callable as U(const Click&), U a type of the dataflow"},
      {"flat-map", "return session.visits;", "return session;", "",
       "flat-map must be callable as List<U>(const Session&), U a type of the dataflow"},
      {"filter behind a map", "return visit.seconds > 60;", "return visit.seconds;", "",
       "filter must be callable as bool(const T&)"},
      {"sources that differ", "[](const Session& session) { return session.visits;",
       "[](const Session& session) { return List<Text>{session.user};", "[](",
       "this gives Text, but the first source gives Visit; the sources of a service give one type"},
      {"a topic of another type", "Optional<Visit> named(const Visit& visit) {\n            if",
       "Optional<u32> named(const Visit& visit) {\n            return 5; if", "",
       "this topic takes Visit, but what comes is u32"},
      {"rows in a transform", "return visit.seconds > 0;", "return total().minutes > 0;", "total",
       "total() can be used in 'partition' only"},
  };
  for (const CompileErrorRow& row : kRows) {
    SCOPED_TRACE(row.name);
    const std::string yaml = with(transforms(), row.from, row.to);
    Options options = shared_options();
    options.syntax_only = true;
    const auto library = build(graph_of(yaml), options, yaml);
    ASSERT_FALSE(library);
    EXPECT_NE(library.error().message.find(row.message), std::string::npos)
        << library.error().message;
    if (!row.place.empty()) expect_place(library.error().message, yaml, row);
  }
}

TEST(Blocks, KeepTheirMacrosToThemselves) {
  std::string yaml = with(player_sessions(), "Text assign_event_key",
                          "#define count no_name_of_other_blocks\n"
                          "            #define sql(x) x\n"
                          "            Text assign_event_key");
  const auto library = build(graph_of(yaml), shared_options(), yaml);
  EXPECT_TRUE(library) << library.error().message;
}

TEST(Blocks, MayCallTheirStateWhatTheyLike) {
  for (const std::string name : {"block", "function", "flush", "source-0", "types"}) {
    std::string cpp = name;
    std::ranges::replace(cpp, '-', '_');
    std::string yaml = player_sessions();
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>{"events-per-user", name}, {"events_per_user", cpp}}) {
      for (std::size_t at = yaml.find(from); at != std::string::npos; at = yaml.find(from))
        yaml.replace(at, from.size(), to);
    }
    Options options = shared_options();
    options.syntax_only = true;
    const auto library = build(graph_of(yaml), options, yaml);
    EXPECT_TRUE(library) << library.error().message;
  }
}

TEST(CompileErrors, AreShownWithTheLine) {
  const std::string yaml = with(player_sessions(), "event.score);", "event.scroe);");
  const auto library = build(graph_of(yaml, "games/x/dataflow.yaml"), shared_options(), yaml);
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().message,
            "games/x/dataflow.yaml:65:74: error: 'const struct PlayerEvent' has no member named "
            "'scroe'; did you mean 'score'?\n"
            "   65 |             i64 points(const PlayerEvent& event) { return "
            "std::abs(event.scroe); }\n"
            "      |                                                                          ^\n");
}

struct CacheTest : testing::Test {
  TempFolder folder;
  Options options{.cache_folder = folder.path / "made" / "here"};

  std::size_t count_of(std::string_view extension) const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(options.cache_folder))
      count += entry.path().extension() == extension;
    return count;
  }
};

TEST_F(CacheTest, BuildsOnceAndAgainWhenSomethingChanged) {
  const auto first = build(graph_of(player_sessions()), options);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(first->was_cached);
  EXPECT_EQ(fs::status(options.cache_folder).permissions(), fs::perms::owner_all);

  const auto second = build(graph_of(player_sessions()), options);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->was_cached);
  EXPECT_EQ(second->functions.chain("player-session-analytics/source/0").pointer,
            first->functions.chain("player-session-analytics/source/0").pointer);
  EXPECT_LT(second->build_seconds, first->build_seconds);

  const auto changed =
      build(graph_of(with(player_sessions(), "count += 1", "count += 2")), options);
  ASSERT_TRUE(changed);
  EXPECT_FALSE(changed->was_cached);
  EXPECT_NE(changed->file, first->file);
  EXPECT_EQ(count_of(".so"), 2u);
  EXPECT_EQ(count_of(".tmp"), 0u);
}

TEST_F(CacheTest, NeedsNoCompilerForWhatIsThere) {
  const auto built = build(graph_of(player_sessions()), options);
  ASSERT_TRUE(built) << built.error().message;
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", folder.path.c_str(), 1);
  const auto found = build(graph_of(player_sessions()), options);
  const auto changed =
      build(graph_of(with(player_sessions(), "count += 1", "count += 2")), options);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->was_cached);
  EXPECT_EQ(found->functions.flush("player-session-analytics/flush").pointer,
            built->functions.flush("player-session-analytics/flush").pointer);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::kCompilerMissing);
}

TEST_F(CacheTest, RebuildsWhatIsDamaged) {
  const auto first = build(graph_of(player_sessions()), options);
  ASSERT_TRUE(first) << first.error().message;
  // Under a fresh name each time, as this process has the good one loaded.
  const auto size = fs::file_size(first->file);
  for (const auto damaged_size : {size / 2, std::uintmax_t{0}}) {
    const fs::path copy = folder.path / "copy.so";
    fs::copy_file(first->file, copy, fs::copy_options::overwrite_existing);
    fs::resize_file(copy, damaged_size);
    fs::rename(copy, first->file);
    const auto rebuilt = build(graph_of(player_sessions()), options);
    ASSERT_TRUE(rebuilt) << rebuilt.error().message;
    EXPECT_FALSE(rebuilt->was_cached);
    EXPECT_NE(rebuilt->functions.flush("player-session-analytics/flush").pointer, nullptr);
    EXPECT_TRUE(build(graph_of(player_sessions()), options)->was_cached);
  }
}

TEST_F(CacheTest, RebuildsWhatIsWholeButDoesNotLoad) {
  Options checked = options;
  checked.syntax_only = true;  // for the name that the library would have
  const auto name = build(graph_of(player_sessions()), checked);
  ASSERT_TRUE(name) << name.error().message;
  const fs::path foreign = folder.path / "foreign";
  std::ofstream(foreign) << "a shared object of another machine";
  ASSERT_TRUE(Cache::open(options.cache_folder)->add(foreign, name->file.stem().string()));
  const auto library = build(graph_of(player_sessions()), options);
  ASSERT_TRUE(library) << library.error().message;
  EXPECT_FALSE(library->was_cached);
}

TEST_F(CacheTest, ServesManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<Result<Library>> libraries(3, Library{});
  for (auto& library : libraries) {
    threads.emplace_back([&] { library = build(graph_of(player_sessions()), options); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& library : libraries) ASSERT_TRUE(library) << library.error().message;
  EXPECT_EQ(count_of(".so"), 1u);
  EXPECT_EQ(count_of(".tmp"), 0u);
}

TEST_F(CacheTest, RefusesAFolderThatOthersCanWriteTo) {
  fs::create_directories(options.cache_folder);
  ::chmod(options.cache_folder.c_str(), 0777);
  const auto library = build(graph_of(player_sessions()), options);
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code, ErrorCode::kDataUnwritable);
  EXPECT_NE(library.error().message.find("other users can write there"), std::string::npos);
}

TEST_F(CacheTest, RefusesAFolderThatOthersCanReplace) {
  fs::create_directories(options.cache_folder);
  ::chmod(options.cache_folder.c_str(), 0700);
  const fs::path parent = options.cache_folder.parent_path();
  ::chmod(parent.c_str(), 0777);
  const auto refused = Cache::open(options.cache_folder);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDataUnwritable);
  EXPECT_NE(refused.error().message.find("chmod +t " + parent.string()), std::string::npos)
      << refused.error().message;
  ::chmod(parent.c_str(), 01777);  // as /tmp: only its owner replaces it
  EXPECT_TRUE(Cache::open(options.cache_folder));
}

TEST_F(CacheTest, TellsWhoseFolderItIs) {
  if (::geteuid() != 0) GTEST_SKIP() << "giving a folder away needs root";
  fs::create_directories(options.cache_folder);
  ASSERT_EQ(::chown(options.cache_folder.c_str(), 12345, 12345), 0);
  const auto foreign = Cache::open(options.cache_folder);
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("belongs to user 12345"), std::string::npos)
      << foreign.error().message;
  // Root's is for everybody.
  ASSERT_EQ(::chown(options.cache_folder.c_str(), 0, 0), 0);
  ::chmod(options.cache_folder.c_str(), 0755);
  ::chmod(folder.path.c_str(), 0755);
  ASSERT_EQ(::seteuid(12345), 0);
  const auto of_root = Cache::open(options.cache_folder);
  auto written = of_root ? Cache(*of_root).write("x", "x") : fail(of_root.error());
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_TRUE(of_root) << of_root.error().message;
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("user 12345 may not write there, it belongs to user 0"),
            std::string::npos)
      << written.error().message;
}

TEST_F(CacheTest, TellsThatNothingMayRunFromThere) {
  fs::create_directories(options.cache_folder);
  if (::mount("tmpfs", options.cache_folder.c_str(), "tmpfs", MS_NOEXEC, "size=64m,mode=0700") != 0)
    GTEST_SKIP() << "mounting a tmpfs needs root";
  const auto library = build(graph_of(player_sessions()), options);
  ::umount2(options.cache_folder.c_str(), MNT_DETACH);
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code, ErrorCode::kLibraryInvalid);
  EXPECT_NE(library.error().message.find("is mounted noexec"), std::string::npos)
      << library.error().message;
}

// Not what follows from it: that a compiler is missing.
TEST_F(CacheTest, TellsWhatIsWrongWithTheFolderWhereThereIsNoCompiler) {
  fs::create_directories(options.cache_folder);
  ::chmod(options.cache_folder.c_str(), 0777);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", folder.path.c_str(), 1);
  const auto refused = build(graph_of(player_sessions()), options);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDataUnwritable);
  EXPECT_TRUE(refused.error().message.starts_with("cannot keep built operators in"))
      << refused.error().message;
}

// Headers of who knows whom would be in the operators, and in no key of the cache.
TEST_F(CacheTest, TheCompilerSeesNoFoldersOfTheEnvironment) {
  const fs::path foreign = folder.path / "foreign";
  fs::create_directories(foreign);
  for (const char* const header : {"string", "cstdint", "vector"})
    std::ofstream(foreign / header) << "#error foreign\n";
  constexpr const char* kNames[] = {"CPATH", "CPLUS_INCLUDE_PATH"};
  for (const char* const name : kNames) ::setenv(name, foreign.c_str(), 1);
  const auto library = build(graph_of(player_sessions()), options);
  for (const char* const name : kNames) ::unsetenv(name);
  ASSERT_TRUE(library) << library.error().message;
  EXPECT_FALSE(library->was_cached);
}

TEST_F(CacheTest, RefusesAFileInItsPlace) {
  std::ofstream(folder.path / "made") << "a file";
  const auto library = build(graph_of(player_sessions()), options);
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code, ErrorCode::kDataUnwritable);
}

TEST_F(CacheTest, KeepsTheLibrariesUsedLast) {
  const auto cache = Cache::open(folder.path);
  ASSERT_TRUE(cache);
  Cache files = *cache;
  for (int i = 0; i < 5; ++i) {
    const auto built = files.write("built", std::to_string(i));
    ASSERT_TRUE(files.add(*built, std::to_string(i)));
    const timespec times[2] = {{.tv_sec = 1000 + i, .tv_nsec = 0},
                               {.tv_sec = 1000 + i, .tv_nsec = 0}};
    ::utimensat(AT_FDCWD, files.path_of(std::to_string(i)).c_str(), times, 0);
  }
  EXPECT_TRUE(files.has("0"));  // used now
  files.prune(2);
  EXPECT_TRUE(fs::exists(files.path_of("0")));
  EXPECT_TRUE(fs::exists(files.path_of("4")));
  EXPECT_FALSE(fs::exists(files.path_of("3")));
  EXPECT_FALSE(fs::exists(files.path_of("1")));
}

TEST(Compilers, ThatAreMissingAreNamed) {
  for (const std::string name : {"no-such-compiler", "/no/such/compiler", "", "/dev/null"}) {
    SCOPED_TRACE(name);
    Options options = shared_options();
    options.compiler = name;
    const auto library = build(graph_of(player_sessions()), options);
    ASSERT_FALSE(library);
    EXPECT_EQ(library.error().code, ErrorCode::kCompilerMissing);
    EXPECT_NE(library.error().message.find("apt-get install g++"), std::string::npos);
  }
}

TEST(Processes, AreStoppedWithEverythingTheyStarted) {
  const auto result = run_process({"/bin/sh", "-c", "echo started; sleep 1000 & sleep 1000"},
                                  {.time_max = std::chrono::milliseconds(50)});
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->timed_out);
}

// What a compiler does with a template that never ends; another program's work costs it nothing.
TEST(Processes, MayWorkForSoLong) {
  const auto result = run_process({"/bin/sh", "-c", "/bin/sh -c 'while :; do :; done'; exit 4"},
                                  {.cpu_time_max = std::chrono::seconds(1)});
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->timed_out);
}

TEST(Processes, AreReadToTheEndButKeptShort) {
  const auto result =
      run_process({"/bin/sh", "-c", "printf 0123456789 >&2; exit 3"}, {.output_bytes_max = 4});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->output, "0123");
  EXPECT_FALSE(run_process({"/no/such/program"}));
}

constexpr std::string_view kKeyed = R"(apiVersion: 0.6.0
meta: { name: keyed, version: 0.1.0 }
types:
  click: { type: object, properties: { user: { type: string }, x: { type: i64 } } }
  gone: { type: object, properties: { user: { type: string } } }
topics:
  clicks: { schema: { value: { type: click } } }
  out: { schema: { value: { type: click } } }
services:
  keep:
    sources: [{ type: topic, id: clicks }]
    transforms:
      - filter: { run: "[](const Click& c) { return c.x > 0; }" }
    states:
      seen:
        type: keyed-state
        properties:
          key: { type: string }
          value:
            type: arrow-row
            properties: { count: { type: i64 } }
            ttl: 1h
            on-expire: { run: "Optional<Click> gone(const SeenRow& row) { return Click{key(), row.count}; }" }
    partition:
      assign-key: { run: "[](const Click& c) { return c.user; }" }
      transforms:
        - filter: { run: "[](const Click& c) { return c.x > seen().count; }" }
      update-state: { run: "void count(const Click&) { seen().count += 1; }" }
    sinks:
      - type: topic
        id: out
        transforms:
          - filter: { run: "[](const Click& c) { return seen(c.user) != nullptr; }" }
  look:
    sources: [{ type: topic, id: clicks }]
    states:
      others: { from: keep.seen }
    transforms:
      - filter: { run: "[](const Click& c) { return others(c.user) != nullptr; }" }
    sinks: [{ type: topic, id: out }]
)";

struct KeyedRow {
  const char *name, *from, *to;
  const char* expected;  // rendered; "": it compiles
};

TEST(CompileErrors, OfRowsByKey) {
  constexpr KeyedRow kRows[] = {
      {"fine", "c.x > 0", "c.x > 0", ""},
      {"key() without a key", "c.x > 0", "key() == c.user",
       R"(13:53: error: key() can be used behind assign-key only
      = a function may take the key of its record: (Optional<Text> key, …)
)"},
      {"a row without a key", "c.x > 0", "seen().count == 0",
       R"(13:53: error: seen() can be used in 'partition' only
      = no key is known here
)"},
      {"a row while others change", "seen().count += 1", "seen().count = seen(key())->count",
       R"(28:71: error: seen(key) can be used in sinks and flush only
      = rows of other keys change while this runs
)"},
      {"another's row without its key", "others(c.user)", "others()",
       R"(39:53: error: others() takes a key
      = others(key)
)"},
      {"SQL where there is nothing", "c.x > 0", "sql<List<Click>>(c.user).empty()",
       R"(13:53: error: there is nothing that sql() could read here
      = it sees 'tables', states with 'from', and in the sinks the states of the service
)"},
      {"no window", "c.x > seen().count", "c.x > window().start",
       R"(27:61: error: window() can be used in a window only
)"},
      {"on-expire gives another type",
       "Optional<Click> gone(const SeenRow& row) { return Click{key(), row.count}; }",
       "Optional<Gone> gone(const SeenRow&) { return Gone{key()}; }",
       R"(23:47: error: on-expire gives Gone, but what else goes to the sinks is Click; they take one type
)"},
      {"on-expire takes another row", "const SeenRow& row) { return Click{key(), row.count}",
       "const Click& row) { return Click{key(), row.x}",
       R"(23:48: error: on-expire must be callable as Optional<U>(const SeenRow&), U a type of the dataflow
)"},
      {"a library that is not there", "run: \"[](const Click& c) { return c.user; }\" }",
       "run: \"[](const Click& c) { return c.user; }\", dependencies: [{ name: no-such-lib }] }",
       R"(25:90: error: there is no library 'no-such-lib'
      = pkg-config does not know it: apt-get install libno-such-lib-dev, or what the package is called where you are
)"},
  };
  for (const KeyedRow& row : kRows) {
    SCOPED_TRACE(row.name);
    expect_told(graph_of(with(std::string(kKeyed), row.from, row.to)),
                shared_options().cache_folder, row.expected);
  }
}

}  // namespace
}  // namespace gameflow::opbuild
