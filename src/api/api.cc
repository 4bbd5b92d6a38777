#include "api/api.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "api/metrics.h"
#include "api/produce.h"
#include "api/queries.h"
#include "api/system_tables.h"
#include "api/topic_tables.h"
#include "base/closest.h"
#include "base/mutex.h"
#include "plan/graph.h"
#include "record/type.h"

namespace gameflow::api {
namespace {

constexpr std::string_view kNowParameter = "now";

// What is true of one engine.
struct Running {
  using Measure = std::function<Families(const Running&)>;

  Running(std::shared_ptr<const runtime::Engine> engine_in, const log::Store& store,
          const Clock& clock, QueryCounters& counters, const Measure& measure,
          std::uint64_t number_in)
      : engine(std::move(engine_in)),
        metrics([this, measure] { return rows_of(measure(*this)); }, clock),
        queries(engine.get(), store, counters, metrics, clock),
        number(number_in) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  const plan::Topic* find_topic(std::string_view topic) const {
    return engine != nullptr ? engine->graph().find_topic(topic) : nullptr;
  }

  TopicDescription describe(log::TopicInfo info) const {
    TopicDescription topic{
        .info = std::move(info), .type = {}, .table = {}, .columns = {}, .raw = {}};
    const plan::Topic* of_graph =
        engine != nullptr ? engine->graph().find_topic(topic.info.config.name) : nullptr;
    if (of_graph != nullptr && of_graph->type != nullptr) {
      topic.type = of_graph->type_name;
      if (of_graph->type->is_raw) topic.raw = of_graph->type->kind;
    }
    if (const query::Topic* table = queries.topic_table(topic.info.config.name)) {
      topic.table = table->name;
      topic.columns = columns_of_topic(*table);
    }
    return topic;
  }

  bool is_used(std::string_view topic) const {
    if (engine == nullptr) return false;
    const plan::Graph& graph = engine->graph();
    return graph.find_topic(topic) != nullptr || graph.dead_letter_topic == topic;
  }

  std::vector<std::string> held_services() const {
    std::vector<std::string> names;
    if (engine == nullptr) return names;
    for (const runtime::ServiceStats& service : engine->stats().services) {
      if (service.is_held) names.push_back(service.name);
    }
    return names;
  }

  const std::shared_ptr<const runtime::Engine> engine;
  const MeasuredReader metrics;
  Queries queries;
  const std::uint64_t number;  // how many there were before
};

}  // namespace

struct Api::Impl {
  Impl(log::Store& store_in, std::shared_ptr<const runtime::Engine> engine, const Clock& clock_in,
       const MemoryWatch* memory_in)
      : store(store_in),
        topics(store_in),
        log(store_in),
        health(store_in),
        clock(clock_in),
        memory(memory_in),
        produce(store_in, clock_in, [this] { return dead_letters(); }),
        connectors(store_in, clock_in) {
    take_over(std::move(engine));
  }

  void take_over(std::shared_ptr<const runtime::Engine> engine) {
    const auto before = running();
    const std::uint64_t number = before == nullptr ? 0 : before->number + 1;
    auto next = std::make_shared<Running>(
        std::move(engine), store, clock, counters,
        [this](const Running& now) { return measure(now); }, number);
    const MutexLock lock(mutex);
    latest.swap(next);
  }

  Families measure(const Running& now) const {
    return api::measure({.topics = topics,
                         .store = health,
                         .engine = now.engine.get(),
                         .produce = produce.stats(),
                         .clocks = produce.clocks(),
                         .queries = now.queries.stats(),
                         .connectors = connectors.list(),
                         .memory = memory,
                         .now = clock.now()});
  }

  // A call holds it until it is done.
  std::shared_ptr<Running> running() const {
    const MutexLock lock(mutex);
    return latest;
  }

  Result<log::TopicInfo> find_topic(std::string_view name) const {
    auto topic = topics.topic(name);
    if (topic) return topic;
    const std::vector<log::TopicInfo> known = topics.topics();
    std::vector<std::string_view> names;
    names.reserve(known.size());
    for (const log::TopicInfo& info : known) names.emplace_back(info.config.name);
    return fail(ErrorCode::kTopicNotFound,
                fmt::format("there is no topic '{}'{}", name, or_closest(name, names)));
  }

  // Of a topic that `options` allow.
  Result<Destination> find_destination(std::string_view name, const ProduceOptions& options) const {
    if (options.check_topic) GF_TRY(options.check_topic(name));
    GF_ASSIGN(log::TopicInfo info, find_topic(name));
    const auto now = running();
    const plan::Topic* const found = now->find_topic(info.config.name);
    if (found == nullptr) return Destination{std::move(info), nullptr};
    Destination to{std::move(info), found->type, found->ids};
    const plan::Graph& graph = now->engine->graph();
    for (const plan::TableSource& table : graph.tables) {
      if (table.topic && &graph.topics[*table.topic] == found && table.key == record::Kind::kString)
        to.table_keys.push_back(found->type->fields[table.key_field].read_name);
    }
    return to;
  }

  std::optional<log::TopicId> dead_letters() const {
    const auto now = running();
    if (now->engine == nullptr) return std::nullopt;
    const auto topic = topics.topic(now->engine->graph().dead_letter_topic);
    return topic ? std::optional(topic->id) : std::nullopt;
  }

  // Whether a request to produce may come in.
  Status admit(std::string_view body) {
    produce.count_request(body.size());
    return memory != nullptr ? memory->status() : Status{};
  }

  log::Store& store;
  log::Topics& topics;
  log::Log& log;
  const log::StoreHealth& health;
  const Clock& clock;
  const MemoryWatch* memory;
  QueryCounters counters;
  Produce produce;
  Connectors connectors;
  Dashboards dashboards;
  mutable Mutex mutex;
  std::shared_ptr<Running> latest GF_GUARDED_BY(mutex);
};

Api::Api(log::Store& store, const runtime::Engine* engine, const Clock& clock,
         const MemoryWatch* memory)
    // Borrowed: nothing is to be done when the last one lets it go.
    : impl_(std::make_unique<Impl>(
          store, std::shared_ptr<const runtime::Engine>(std::shared_ptr<void>(), engine), clock,
          memory)) {}
Api::~Api() = default;

void Api::take_over(std::shared_ptr<const runtime::Engine> engine) {
  impl_->take_over(std::move(engine));
}

std::shared_ptr<const runtime::Engine> Api::engine() const {
  return impl_->running()->engine;
}
Connectors& Api::connectors() {
  return impl_->connectors;
}
Dashboards& Api::dashboards() {
  return impl_->dashboards;
}
log::Log& Api::log() const {
  return impl_->log;
}
const Clock& Api::clock() const {
  return impl_->clock;
}

void Api::produce(std::string_view topic, std::string_view body, const ProduceOptions& options,
                  ProduceCallback done) {
  if (Status status = impl_->admit(body); !status) return done(fail(std::move(status).error()));
  const auto to = impl_->find_destination(topic, options);
  if (!to) return done(fail(to.error()));
  impl_->produce.run(*to, body, options, std::move(done));
}

void Api::produce_routed(std::string_view body, const ProduceOptions& options,
                         ProduceCallback done) {
  if (Status status = impl_->admit(body); !status) return done(fail(std::move(status).error()));
  impl_->produce.run([&](std::string_view name) { return impl_->find_destination(name, options); },
                     body, options, std::move(done));
}

void Api::produce_events(std::string_view body, const ProduceOptions& options,
                         ProduceCallback done) {
  if (Status status = impl_->admit(body); !status) return done(fail(std::move(status).error()));
  const auto ingest = this->ingest();
  if (!ingest) {
    return done(fail(ErrorCode::kInvalidArgument,
                     "this server takes no events: its dataflow has no section 'ingest' that says "
                     "where they go. Records go to POST /topics/TOPIC/records"));
  }
  impl_->produce.run_events(
      *ingest, [&](std::string_view name) { return impl_->find_destination(name, options); }, body,
      options, std::move(done));
}

std::optional<spec::Ingest> Api::ingest() const {
  const auto running = impl_->running();
  return running->engine == nullptr ? std::nullopt : running->engine->graph().ingest;
}

ClocksByPlatform Api::clocks() const {
  return impl_->produce.clocks();
}

Result<std::uint64_t> Api::next_sequence(std::string_view topic, std::string_view producer) const {
  GF_ASSIGN(const log::TopicInfo info, impl_->find_topic(topic));
  GF_ASSIGN(const log::ProducerState state, impl_->store.producer(info.id, producer));
  return state.next_sequence;
}

Result<log::ProducerState> Api::producer(std::string_view producer) const {
  return impl_->store.producer(log::kAllTopics, producer);
}

Result<TopicDescription> Api::create_topic(const log::TopicConfig& config) {
  GF_ASSIGN(log::TopicInfo info, impl_->topics.create_topic(config));
  return impl_->running()->describe(std::move(info));
}

Status Api::delete_topic(std::string_view name) {
  GF_ASSIGN(const log::TopicInfo info, impl_->find_topic(name));
  if (impl_->running()->is_used(name)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "the dataflow uses topic '{}': take it out of dataflow.yaml and start again first",
            name));
  }
  return impl_->topics.delete_topic(name);
}

Result<TopicDescription> Api::topic(std::string_view name) const {
  GF_ASSIGN(log::TopicInfo info, impl_->find_topic(name));
  return impl_->running()->describe(std::move(info));
}

std::vector<TopicDescription> Api::topics() const {
  std::vector<TopicDescription> topics;
  for (log::TopicInfo& info : impl_->topics.topics())
    topics.push_back(impl_->running()->describe(std::move(info)));
  return topics;
}

Result<log::ReadResult> Api::read(std::string_view topic, std::uint32_t partition, log::Offset from,
                                  std::size_t bytes_max) const {
  GF_ASSIGN(const log::TopicInfo info, impl_->find_topic(topic));
  if (partition >= info.partitions.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("topic '{}' has partitions 0 to {}, not {}", topic,
                            info.partitions.size() - 1, partition));
  }
  return impl_->log.read(info.id, partition, from, bytes_max);
}

Result<query::Answer> Api::sql(std::string_view text, const query::Limits& limits,
                               query::Parameters parameters) const {
  if (std::ranges::find(parameters, kNowParameter, &query::Parameter::name) == parameters.end())
    parameters.push_back({std::string(kNowParameter), clock().now().ms, /*is_ambient=*/true});
  return impl_->running()->queries.run(text, parameters, limits);
}

std::vector<std::uint64_t> Api::changes(const query::Uses& uses) const {
  const auto running = impl_->running();
  std::vector<std::uint64_t> numbers = running->queries.changes(uses);
  numbers.push_back(running->number);
  return numbers;
}

std::vector<StateDescription> Api::states() const {
  return impl_->running()->queries.states();
}

Result<StateRows> Api::state_rows(std::string_view service, std::string_view state,
                                  const StateQuery& wanted) const {
  return impl_->running()->queries.rows(service, state, wanted);
}

const MemoryWatch* Api::memory() const {
  return impl_->memory;
}

Status Api::ready() const {
  GF_TRY(impl_->health.health());
  const auto running = impl_->running();
  if (impl_->memory != nullptr) {
    if (Status full = impl_->memory->status(); !full) {
      Error error = full.error();
      for (const std::string& service : running->held_services())
        error.message +=
            fmt::format("; service '{}' gets no input, as its state takes most", service);
      return fail(std::move(error));
    }
  }
  return running->engine != nullptr ? running->engine->health() : Status{};
}

Status Api::alive() const {
  Status health = impl_->health.health();
  return !health && health.error().code == ErrorCode::kOutcomeUnknown ? health : Status{};
}

std::vector<std::string> Api::stopped() const {
  std::vector<std::string> texts;
  const auto running = impl_->running();
  if (running->engine == nullptr) return texts;
  for (const runtime::ServiceStats& service : running->engine->stats().services) {
    if (service.stopped) texts.push_back(runtime::to_text(service.name, *service.stopped));
  }
  return texts;
}

ProduceStats Api::produce_stats() const {
  return impl_->produce.stats();
}

std::string Api::metrics() const {
  return impl_->measure(*impl_->running()).text();
}

}  // namespace gameflow::api
