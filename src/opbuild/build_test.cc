#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
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

const abi::Service& service_of(const Library& library, std::size_t index = 0) {
  return library.functions->services[index];
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

struct PlayerSessions : testing::Test {
  PlayerSessions() : library(build(plan_of(player_sessions()), shared_options())) {
    if (!library) return;
    service = &service_of(*library);
    call.arena = &arena;
  }
  void SetUp() override { ASSERT_TRUE(library) << library.error().message; }

  Result<Library> library;
  const abi::Service* service = nullptr;
  record::BlockArena arena;
  abi::Call call{};
  std::vector<abi::RecordError> errors{8};
};

TEST_F(PlayerSessions, AssignsTimestamps) {
  const PlayerEvent events[] = {{"kill", "1970-01-01T00:00:02.5Z", "ann", {}, 1},
                                {"kill", "yesterday", "bob", {}, 1}};
  const i64 record_times[] = {7, 8};
  i64 times[2] = {};
  EXPECT_EQ(service->assign_timestamp(&call, events, sizeof events[0], 2, record_times, times,
                                      errors.data()),
            0u);
  EXPECT_EQ(times[0], 2500);
  EXPECT_EQ(times[1], 8);
}

TEST_F(PlayerSessions, AssignsKeysWithoutCopyingTheirText) {
  const PlayerEvent events[] = {{"kill", "", "ann", {}, 1}, {"kill", "", "bob", {}, 1}};
  Text keys[2];
  EXPECT_EQ(service->assign_key(&call, events, sizeof events[0], 2, keys, errors.data()), 0u);
  EXPECT_EQ(keys[0].data(), events[0].user_id.data());
  EXPECT_EQ(keys[1], "bob");
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
  const i64 windows[5] = {};
  abi::RowUse uses[5] = {{9, 9}, {9, 9}, {9, 9}, {9, 9}, {9, 9}};
  ASSERT_EQ(service->update_state(&call, pointers, rows, windows, 5000, 5, uses, errors.data()),
            2u);
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
  call.sql_context = &context;
  call.sql = [](void* raw, const char* text, std::size_t size, u32 type_id, void* list) {
    auto& seen = *static_cast<Context*>(raw);
    seen.query.assign(text, size);
    seen.type_id = type_id;
    detail::current_arena = seen.arena;  // the engine's own, not the library's
    static_cast<List<PlayerEventCount>*>(list)->push_back({"ann", 3});
    return true;
  };
  List<PlayerEventCount> out;
  ASSERT_TRUE(service->flush(&call, &out, errors.data())) << errors[0].message;
  EXPECT_EQ(context.query,
            "select _key as player_id, count as event_count from events_per_user order by count "
            "desc");
  EXPECT_EQ(context.type_id, 2u);  // the third object of the file
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].player_id, "ann");

  call.sql = [](void* raw, const char*, std::size_t, u32, void*) {
    static_cast<abi::Call*>(raw)->sql_error = "no such column: x";
    return false;
  };
  call.sql_context = &call;
  EXPECT_FALSE(service->flush(&call, &out, errors.data()));
  EXPECT_EQ(errors[0].message, "no such column: x");
}

TEST_F(PlayerSessions, AnswersMisuseWithAnError) {
  List<PlayerEventCount> out;
  EXPECT_FALSE(service->flush(&call, &out, errors.data()));  // no sql in this call
  EXPECT_EQ(errors[0].message, "sql() can be used in flush only");
}

TEST(Keys, AreEncodedByTheKindOfTheStates) {
  struct Event {
    Text text;
    i16 level;
    u64 big;
    bool flag;
  };
  const auto library = build(plan_of(read_testdata("key_kinds.yaml")), shared_options());
  ASSERT_TRUE(library) << library.error().message;
  record::BlockArena arena;
  detail::current_arena = &arena;
  abi::Call call{.arena = &arena};
  const Event events[] = {{"a", -3, 1U << 20, false}, {"", 300, 13, true}};
  const std::vector<std::vector<Text>> expected{
      {"<a>", "<>"},
      {encode_key(i16{-3}), encode_key(i16{300})},
      {encode_key(i64{-3}), encode_key(i64{300})},
      {encode_key(u64{1U << 20}), encode_key(u64{13})},
      {encode_key(false)},  // the second one throws
  };
  for (std::size_t i = 0; i < expected.size(); ++i) {
    SCOPED_TRACE(service_of(*library, i).name);
    Text keys[2];
    abi::RecordError errors[2];
    const u32 failed =
        service_of(*library, i).assign_key(&call, events, sizeof(Event), 2, keys, errors);
    EXPECT_EQ(failed, 2 - expected[i].size());
    if (failed == 1) {
      EXPECT_EQ(errors[0].index, 1u);
    }
    for (std::size_t k = 0; k < expected[i].size(); ++k) EXPECT_EQ(keys[k], expected[i][k]);
  }
  call.window_start_ms = 5000;
  call.window_end_ms = 10000;
  Event out{};
  abi::RecordError error;
  ASSERT_TRUE(service_of(*library).flush(&call, &out, &error));
  EXPECT_EQ(out.text, "five");
  detail::current_arena = nullptr;
}

struct CompileErrorRow {
  std::string_view name, from, to;
  std::string_view place;    // what the mistake is under, in `to`
  std::string_view message;  // a part of it
};

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
       "vector", "\n      = 'std::vector' is defined in header '<vector>'; did you forget to"},
      {"sql() in update-state", "events_per_user().count += 1;",
       "events_per_user().count += sql<EventsCount>(\"select 1\").size();", "sql",
       "sql() can be used in flush only"},
      {"a row in assign-key", "return event.user_data.user_id; }",
       "return events_per_user().count > 0 ? \"a\" : \"b\"; }", "events_per_user",
       "events_per_user() can be used in update-state only"},
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
    const auto library = build(plan_of(yaml), options, yaml);
    ASSERT_FALSE(library);
    EXPECT_EQ(library.error().code, ErrorCode::kCompileFailed);
    EXPECT_NE(library.error().message.find(row.message), std::string::npos)
        << library.error().message;
    if (row.place.empty()) continue;
    const std::size_t at = yaml.find(row.place, yaml.find(row.to));
    const auto line = 1 + std::count(yaml.begin(), yaml.begin() + static_cast<long>(at), '\n');
    const std::size_t column = at - yaml.rfind('\n', at);
    const std::string place =
        "dataflow.yaml:" + std::to_string(line) + ":" + std::to_string(column) + ": error: ";
    EXPECT_EQ(library.error().message.substr(0, place.size()), place) << library.error().message;
  }
}

TEST(Blocks, KeepTheirMacrosToThemselves) {
  std::string yaml = with(player_sessions(), "Text assign_event_key",
                          "#define count no_name_of_other_blocks\n"
                          "            #define sql(x) x\n"
                          "            Text assign_event_key");
  const auto library = build(plan_of(yaml), shared_options(), yaml);
  EXPECT_TRUE(library) << library.error().message;
}

TEST(CompileErrors, AreShownWithTheLine) {
  const std::string yaml = with(player_sessions(), "event.score);", "event.scroe);");
  const auto library = build(plan_of(yaml, "games/x/dataflow.yaml"), shared_options(), yaml);
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
  const auto first = build(plan_of(player_sessions()), options);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(first->was_cached);
  EXPECT_EQ(fs::status(options.cache_folder).permissions(), fs::perms::owner_all);

  const auto second = build(plan_of(player_sessions()), options);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->was_cached);
  EXPECT_EQ(second->functions, first->functions);
  EXPECT_LT(second->build_seconds, first->build_seconds);

  const auto changed = build(plan_of(with(player_sessions(), "count += 1", "count += 2")), options);
  ASSERT_TRUE(changed);
  EXPECT_FALSE(changed->was_cached);
  EXPECT_NE(changed->file, first->file);
  EXPECT_EQ(count_of(".so"), 2u);
  EXPECT_EQ(count_of(".tmp"), 0u);
}

TEST_F(CacheTest, NeedsNoCompilerForWhatIsThere) {
  const auto built = build(plan_of(player_sessions()), options);
  ASSERT_TRUE(built) << built.error().message;
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", folder.path.c_str(), 1);
  const auto found = build(plan_of(player_sessions()), options);
  const auto changed = build(plan_of(with(player_sessions(), "count += 1", "count += 2")), options);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->was_cached);
  EXPECT_EQ(found->functions, built->functions);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::kCompilerMissing);
}

TEST_F(CacheTest, RebuildsWhatIsDamaged) {
  const auto first = build(plan_of(player_sessions()), options);
  ASSERT_TRUE(first) << first.error().message;
  // Under a fresh name each time, as this process has the good one loaded.
  const auto size = fs::file_size(first->file);
  for (const auto damaged_size : {size / 2, std::uintmax_t{0}}) {
    const fs::path copy = folder.path / "copy.so";
    fs::copy_file(first->file, copy, fs::copy_options::overwrite_existing);
    fs::resize_file(copy, damaged_size);
    fs::rename(copy, first->file);
    const auto rebuilt = build(plan_of(player_sessions()), options);
    ASSERT_TRUE(rebuilt) << rebuilt.error().message;
    EXPECT_FALSE(rebuilt->was_cached);
    EXPECT_NE(rebuilt->functions, nullptr);
    EXPECT_TRUE(build(plan_of(player_sessions()), options)->was_cached);
  }
}

TEST_F(CacheTest, RebuildsWhatIsWholeButDoesNotLoad) {
  Options checked = options;
  checked.syntax_only = true;  // for the name that the library would have
  const auto name = build(plan_of(player_sessions()), checked);
  ASSERT_TRUE(name) << name.error().message;
  const fs::path foreign = folder.path / "foreign";
  std::ofstream(foreign) << "a shared object of another machine";
  ASSERT_TRUE(Cache::open(options.cache_folder)->add(foreign, name->file.stem().string()));
  const auto library = build(plan_of(player_sessions()), options);
  ASSERT_TRUE(library) << library.error().message;
  EXPECT_FALSE(library->was_cached);
}

TEST_F(CacheTest, ServesManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<Result<Library>> libraries(3, Library{});
  for (auto& library : libraries) {
    threads.emplace_back([&] { library = build(plan_of(player_sessions()), options); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& library : libraries) ASSERT_TRUE(library) << library.error().message;
  EXPECT_EQ(count_of(".so"), 1u);
  EXPECT_EQ(count_of(".tmp"), 0u);
}

TEST_F(CacheTest, RefusesAFolderThatOthersCanWriteTo) {
  fs::create_directories(options.cache_folder);
  ::chmod(options.cache_folder.c_str(), 0777);
  const auto library = build(plan_of(player_sessions()), options);
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code, ErrorCode::kDataUnwritable);
  EXPECT_NE(library.error().message.find("other users can write there"), std::string::npos);
}

TEST_F(CacheTest, RefusesAFileInItsPlace) {
  std::ofstream(folder.path / "made") << "a file";
  const auto library = build(plan_of(player_sessions()), options);
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
    ::utimensat(AT_FDCWD, files.library(std::to_string(i)).c_str(), times, 0);
  }
  EXPECT_TRUE(files.has("0"));  // used now
  files.prune(2);
  EXPECT_TRUE(fs::exists(files.library("0")));
  EXPECT_TRUE(fs::exists(files.library("4")));
  EXPECT_FALSE(fs::exists(files.library("3")));
  EXPECT_FALSE(fs::exists(files.library("1")));
}

TEST(Compilers, ThatAreMissingAreNamed) {
  for (const std::string name : {"no-such-compiler", "/no/such/compiler", "", "/dev/null"}) {
    SCOPED_TRACE(name);
    Options options = shared_options();
    options.compiler = name;
    const auto library = build(plan_of(player_sessions()), options);
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

TEST(Processes, AreReadToTheEndButKeptShort) {
  const auto result =
      run_process({"/bin/sh", "-c", "printf 0123456789 >&2; exit 3"}, {.output_bytes_max = 4});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->output, "0123");
  EXPECT_FALSE(run_process({"/no/such/program"}));
}

}  // namespace
}  // namespace gameflow::opbuild
