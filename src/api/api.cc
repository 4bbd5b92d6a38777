#include "api/api.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>

#include "api/metrics.h"
#include "api/produce.h"
#include "api/queries.h"
#include "spec/diagnostic.h"

namespace gameflow::api {
namespace {

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string_view guess = spec::closest(name, candidates);
  return guess.empty() ? std::string() : fmt::format("; did you mean '{}'?", guess);
}

}  // namespace

struct Api::Impl {
  Impl(log::Store& store_in, const runtime::Engine* engine_in, const Clock& clock_in)
      : store(store_in), engine(engine_in), clock(clock_in), queries(engine_in) {}

  const record::Type* type_of(std::string_view topic) const {
    const spec::Topic* found =
        engine != nullptr ? engine->plan().dataflow->find_topic(topic) : nullptr;
    return found != nullptr ? found->type : nullptr;
  }

  Result<log::TopicInfo> find_topic(std::string_view name) const {
    auto topic = store.topic(name);
    if (topic) return topic;
    std::vector<std::string> names;
    for (const log::TopicInfo& info : store.topics()) names.push_back(info.config.name);
    return fail(ErrorCode::kTopicNotFound,
                fmt::format("there is no topic '{}'{}", name, did_you_mean(name, names)));
  }

  TopicDescription describe(log::TopicInfo info) const {
    std::string type_name;
    if (const record::Type* type = type_of(info.config.name)) type_name = name_of(*type);
    return {std::move(info), std::move(type_name)};
  }

  // The YAML name of a topic's type: lists have one of their own in section `types`.
  std::string name_of(const record::Type& type) const {
    const spec::Dataflow& dataflow = *engine->plan().dataflow;
    for (std::size_t i = 0; i < dataflow.named_types.size(); ++i) {
      if (dataflow.named_types[i] == &type) return dataflow.type_names[i];
    }
    return type.name;
  }

  bool is_used(std::string_view topic) const {
    if (engine == nullptr) return false;
    const spec::Dataflow& dataflow = *engine->plan().dataflow;
    return dataflow.find_topic(topic) != nullptr || dataflow.dead_letter_topic == topic;
  }

  void submit(const log::TopicInfo& topic, std::string_view body, const ProduceOptions& options,
              ProduceCallback done) {
    std::uint64_t known = 0;
    if (options.producer) {
      const auto next = store.next_sequence(topic.id, *options.producer);
      if (!next) return done(fail(next.error()));
      if (options.first_sequence > *next)
        return done(fail(ErrorCode::kSequenceGap, gap_message(options, *next)));
      known = *next - options.first_sequence;
    }
    auto checked =
        bodies.check(body, options, topic, type_of(topic.config.name), known, clock.now());
    if (!checked) return done(fail(std::move(checked).error()));
    log::Commit commit;
    commit.appends = std::move(checked->appends);
    const std::uint64_t fresh = checked->records - checked->known;
    if (options.producer && fresh > 0) {
      commit.producer =
          log::ProducerStamp{topic.id, *options.producer, options.first_sequence + known, fresh};
    }
    if (commit.appends.empty() && !commit.producer) return finish(std::move(checked->reply), done);
    store.submit(std::move(commit), [this, topic = topic.id, options, checked = std::move(*checked),
                                     done = std::move(done)](Result<log::CommitAck> ack) mutable {
      if (ack) return finish(std::move(checked.reply), done);
      if (ack.error().code == ErrorCode::kSequenceGap)
        return after_race(topic, options, checked, done);
      done(fail(std::move(ack).error()));
    });
  }

  // The producer sent this request again while the first one was still being stored, and the first
  // one won.
  void after_race(log::TopicId topic, const ProduceOptions& options, const CheckedBody& checked,
                  const ProduceCallback& done) {
    const auto next = store.next_sequence(topic, *options.producer);
    if (!next) return done(fail(next.error()));
    if (*next >= options.first_sequence + checked.records) {
      ProduceReply reply = checked.reply;
      reply.duplicates += std::exchange(reply.accepted, 0);
      return finish(std::move(reply), done);
    }
    done(fail(ErrorCode::kUnavailable,
              fmt::format("another request of producer '{}' was being stored: send this one again",
                          *options.producer)));
  }

  static std::string gap_message(const ProduceOptions& options, std::uint64_t next) {
    return fmt::format(
        "producer '{}' sent sequence {}, but {} is next: records in between are missing; send them "
        "first, or "
        "take another producer id",
        *options.producer, options.first_sequence, next);
  }

  void finish(ProduceReply reply, const ProduceCallback& done) {
    accepted += reply.accepted;
    duplicates += reply.duplicates;
    rejected += reply.rejected;
    done(std::move(reply));
  }

  log::Store& store;
  const runtime::Engine* engine;
  const Clock& clock;
  std::atomic<std::uint64_t> requests{0}, accepted{0}, duplicates{0}, rejected{0}, bytes{0};
  Queries queries;
  BodyChecker bodies;
};

Api::Api(log::Store& store, const runtime::Engine* engine, const Clock& clock)
    : impl_(std::make_unique<Impl>(store, engine, clock)) {}
Api::~Api() = default;

const runtime::Engine* Api::engine() const {
  return impl_->engine;
}
log::Store& Api::store() const {
  return impl_->store;
}
const Clock& Api::clock() const {
  return impl_->clock;
}

void Api::produce(std::string_view topic, std::string_view body, const ProduceOptions& options,
                  ProduceCallback done) {
  ++impl_->requests;
  impl_->bytes += body.size();
  auto info = impl_->find_topic(topic);
  if (!info) return done(fail(std::move(info).error()));
  impl_->submit(*info, body, options, std::move(done));
}

Result<std::uint64_t> Api::next_sequence(std::string_view topic, std::string_view producer) const {
  GF_ASSIGN(const log::TopicInfo info, impl_->find_topic(topic));
  return impl_->store.next_sequence(info.id, producer);
}

Result<TopicDescription> Api::create_topic(const log::TopicConfig& config) {
  GF_ASSIGN(log::TopicInfo info, impl_->store.create_topic(config));
  return impl_->describe(std::move(info));
}

Status Api::delete_topic(std::string_view name) {
  GF_ASSIGN(const log::TopicInfo info, impl_->find_topic(name));
  if (impl_->is_used(name)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "the dataflow uses topic '{}': take it out of dataflow.yaml and start again first",
            name));
  }
  return impl_->store.delete_topic(name);
}

Result<TopicDescription> Api::topic(std::string_view name) const {
  GF_ASSIGN(log::TopicInfo info, impl_->find_topic(name));
  return impl_->describe(std::move(info));
}

std::vector<TopicDescription> Api::topics() const {
  std::vector<TopicDescription> topics;
  for (log::TopicInfo& info : impl_->store.topics())
    topics.push_back(impl_->describe(std::move(info)));
  return topics;
}

Result<std::vector<log::BatchPtr>> Api::read(std::string_view topic, std::uint32_t partition,
                                             log::Offset from, std::size_t bytes_max) const {
  GF_ASSIGN(const log::TopicInfo info, impl_->find_topic(topic));
  if (partition >= info.partitions.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("topic '{}' has partitions 0 to {}, not {}", topic,
                            info.partitions.size() - 1, partition));
  }
  return impl_->store.read(info.id, partition, from, bytes_max);
}

Result<query::Answer> Api::sql(std::string_view text, const query::Limits& limits) const {
  return impl_->queries.run(text, limits);
}

std::vector<StateDescription> Api::states() const {
  return impl_->queries.states();
}

Result<query::Answer> Api::state_rows(std::string_view service, std::string_view state,
                                      const std::optional<std::string>& key,
                                      std::size_t limit) const {
  return impl_->queries.rows(service, state, key, limit);
}

Status Api::ready() const {
  GF_TRY(impl_->store.health());
  return impl_->engine != nullptr ? impl_->engine->health() : Status{};
}

ProduceStats Api::produce_stats() const {
  return {.requests = impl_->requests,
          .accepted = impl_->accepted,
          .duplicates = impl_->duplicates,
          .rejected = impl_->rejected,
          .bytes = impl_->bytes};
}

std::string Api::metrics() const {
  return render_metrics(impl_->store, impl_->engine, produce_stats(), impl_->queries.stats(),
                        impl_->clock);
}

}  // namespace gameflow::api
