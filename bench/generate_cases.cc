// What src/generate gives out as fast as it goes, one thread.
#include <cstdint>

#include "generate/game/game_feed.h"
#include "generate/uniform_feed.h"
#include "report.h"

namespace gameflow::bench {
namespace {

constexpr Timestamp kFrom{1'730'419'200'000};  // 2024-11-01
const std::vector<generate::EventKind> kAll{
    generate::EventKind::kPlayer, generate::EventKind::kPurchase, generate::EventKind::kServer,
    generate::EventKind::kPosition};

Run read(generate::Feed& feed, std::size_t events) {
  Run run;
  run.seconds = seconds_of([&] {
    while (run.events < events) {
      for (const generate::FeedEvent& event : feed.next(generate::kEndOfTime)) {
        ++run.events;
        run.bytes += event.json.size();
      }
    }
  });
  return run;
}

Body prepare_max(const Setting& setting) {
  const std::size_t events = setting.quick ? 20'000 : 2'000'000;
  const auto uniform = [events] {
    generate::UniformFeed feed({.world = {}, .kinds = kAll, .start = kFrom});
    return read(feed, events);
  };
  const auto game = [events] {
    generate::GameFeed feed(
        {.game = *spec::parse_game(spec::default_game()).game, .from = kFrom, .kinds = kAll});
    return read(feed, events);
  };
  return against(uniform, game);
}

}  // namespace

void add_generate_cases(Cases& cases) {
  cases.push_back(
      {.name = "generate/max", .figures = {{"", "events/s", "uniform"}}, .prepare = prepare_max});
}

}  // namespace gameflow::bench
