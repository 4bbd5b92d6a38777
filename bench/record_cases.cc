// What src/record does to every record, each by itself.
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "record/arena.h"
#include "record/codec.h"
#include "report.h"

namespace gameflow::bench {
namespace {

[[noreturn]] void stop(const std::string& message) {
  throw std::runtime_error(message);
}

Run run_of(const Events& events, const std::function<void()>& body) {
  return {events.count, events.json_bytes, seconds_of(body)};
}

// All fields of every event into structs: what the engine does to its input.
std::function<Run()> prepare_decode(const Events& events) {
  struct Tools {
    EventTypes types;
    record::Decoder decoder;
    record::BlockArena arena;
    std::unique_ptr<std::max_align_t[]> out;
  };
  auto tools = std::make_shared<Tools>();
  tools->out = std::make_unique<std::max_align_t[]>(tools->types.event->size / 16 + 1);
  return [tools, &events] {
    return run_of(events, [&] {
      for (const auto& batch : events.batches) {
        for (std::size_t i = 0, announced = 0; i < batch->size(); ++i) {
          if (i == announced) {
            announced = batch->run_end(i, record::kLookAheadBytes);
            tools->decoder.look_ahead(batch->values(i, announced));
          }
          if (!tools->decoder.decode(*tools->types.event, (*batch)[i].value, tools->arena,
                                     tools->out.get())) {
            stop(tools->decoder.error().message);
          }
        }
        tools->arena.reset();
      }
    });
  };
}

// The same without a schema, as topics without one are checked.
std::function<Run()> prepare_check(const Events& events) {
  auto decoder = std::make_shared<record::Decoder>();
  return [decoder, &events] {
    return run_of(events, [&] {
      for (const auto& batch : events.batches) {
        for (std::size_t i = 0; i < batch->size(); ++i) {
          if (!decoder->check((*batch)[i].value)) stop(decoder->error().message);
        }
      }
    });
  };
}

// Structs to JSON. The structs of one batch are encoded again and again: their text stays in the
// cache, as it does in the engine, which has just written it.
std::function<Run()> prepare_encode(const Events& events) {
  struct Tools {
    EventTypes types;
    record::BlockArena arena;
    std::vector<char> structs;
    std::string json;
  };
  auto tools = std::make_shared<Tools>();
  const record::Type& type = *tools->types.event;
  const record::Batch& batch = *events.batches.front();
  tools->structs.resize(type.size * batch.size());
  record::Decoder decoder;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!decoder.decode(type, batch[i].value, tools->arena,
                        tools->structs.data() + i * type.size)) {
      stop(decoder.error().message);
    }
  }
  return [tools, &events, rows = batch.size()] {
    Run run;
    run.seconds = seconds_of([&] {
      while (run.events < events.count) {
        tools->json.clear();
        for (std::size_t i = 0; i < rows; ++i) {
          record::encode_json(*tools->types.event,
                              tools->structs.data() + i * tools->types.event->size, tools->json);
        }
        run.events += rows;
        run.bytes += tools->json.size();
      }
    });
    return run;
  };
}

std::vector<record::BatchBuilder> builders_of(const Events& events) {
  std::vector<record::BatchBuilder> builders;
  for (const auto& batch : events.batches) {
    record::BatchBuilder& builder = builders.emplace_back();
    for (std::size_t i = 0; i < batch->size(); ++i) {
      const record::RecordView record = (*batch)[i];
      builder.add(record.timestamp, record.key, record.value);
    }
  }
  return builders;
}

std::function<Run()> prepare_batch_encode(const Events& events) {
  auto builders = std::make_shared<std::vector<record::BatchBuilder>>(builders_of(events));
  return [builders, &events] {
    std::size_t stored = 0;
    const Run run = run_of(events, [&] {
      for (auto& builder : *builders) stored += builder.encode({0}).size();
    });
    if (stored == 0) stop("nothing was encoded");
    return run;
  };
}

std::function<Run()> prepare_batch_decode(const Events& events) {
  auto encoded = std::make_shared<std::vector<std::string>>();
  for (auto& builder : builders_of(events)) encoded->push_back(builder.encode({0}));
  return [encoded, &events] {
    return run_of(events, [&] {
      for (const std::string& bytes : *encoded) {
        if (!record::Batch::decode(bytes, {0})) stop("a batch does not decode");
      }
    });
  };
}

using Prepare = std::function<Run()> (*)(const Events& events);

std::function<Body(const Setting&)> compared(Prepare prepare) {
  return [prepare](const Setting& setting) {
    return against_baseline(setting, prepare(setting.events));
  };
}

std::function<Body(const Setting&)> uncompared(Prepare prepare) {
  return [prepare](const Setting& setting) { return alone(prepare(setting.events)); };
}

}  // namespace

void add_record_cases(Cases& cases) {
  const std::vector<Figure> rate{{"", "events/s", "baseline"}};
  const std::vector<Figure> own_rate{{"", "events/s", ""}};
  cases.push_back({.name = "record/decode", .figures = rate, .prepare = compared(prepare_decode)});
  cases.push_back({.name = "record/check", .figures = rate, .prepare = compared(prepare_check)});
  cases.push_back(
      {.name = "record/encode", .figures = own_rate, .prepare = uncompared(prepare_encode)});
  cases.push_back(
      {.name = "record/batch-encode", .figures = rate, .prepare = compared(prepare_batch_encode)});
  cases.push_back(
      {.name = "record/batch-decode", .figures = rate, .prepare = compared(prepare_batch_decode)});
}

}  // namespace gameflow::bench
