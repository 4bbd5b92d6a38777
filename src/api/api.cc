#include "api/api.h"

#include <algorithm>
#include <atomic>
#include <semaphore>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/metrics.h"
#include "api/produce.h"
#include "record/codec.h"
#include "spec/diagnostic.h"

namespace gameflow::api {
namespace {

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string_view guess = spec::closest(name, candidates);
  return guess.empty() ? std::string() : fmt::format("; did you mean '{}'?", guess);
}

// True where `name` stands in `text` as a word of its own.
bool mentions(std::string_view text, std::string_view name) {
  const auto lower = [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); };
  const auto same = [lower](char a, char b) { return lower(a) == lower(b); };
  return !std::ranges::search(text, name, same).empty();
}

}  // namespace

struct Api::Impl {
  Impl(log::Store& store_in, const runtime::Engine* engine_in, const Clock& clock_in)
      : store(store_in), engine(engine_in), clock(clock_in) {}

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
    auto checked = check_body(body, options, topic, type_of(topic.config.name), known,
                              requests.load(), clock.now());
    if (!checked) return done(fail(std::move(checked).error()));
    log::Commit commit;
    for (std::uint32_t partition = 0; partition < checked->partitions.size(); ++partition) {
      record::BatchBuilder& batch = checked->partitions[partition];
      if (!batch.empty()) commit.appends.push_back({topic.id, partition, std::move(batch)});
    }
    const std::uint64_t fresh = checked->records - checked->reply.duplicates;
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
    if (*next >= options.first_sequence + checked.records)
      return finish({.duplicates = checked.records}, done);
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
  mutable std::counting_semaphore<> query_slots{kQueriesMax};
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
  if (!impl_->query_slots.try_acquire()) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} queries are running already: try again", kQueriesMax));
  }
  struct Release {
    std::counting_semaphore<>& slots;
    ~Release() { slots.release(); }
  } release{impl_->query_slots};

  // On a copy of the rows, so that a long query holds nobody up; only of states that the text may
  // mean. The others are there without rows, for messages that list what exists.
  std::vector<runtime::StateSnapshot> snapshots;
  if (impl_->engine != nullptr) {
    const auto states_known = states();
    for (const StateDescription& state : states_known) {
      GF_ASSIGN(auto snapshot, impl_->engine->snapshot(state.name.table));
      if (!mentions(text, state.name.table)) snapshot.table.segments.clear();
      snapshots.push_back(std::move(snapshot));
    }
  }
  query::Database database;
  for (const runtime::StateSnapshot& snapshot : snapshots)
    GF_TRY(database.set_table(&snapshot.table));
  return database.run(text, limits);
}

std::vector<StateDescription> Api::states() const {
  std::vector<StateDescription> states;
  if (impl_->engine == nullptr) return states;
  const runtime::EngineStats stats = impl_->engine->stats();
  for (const runtime::Engine::TableName& name : impl_->engine->tables()) {
    StateDescription& state = states.emplace_back(StateDescription{.name = name});
    for (const runtime::ServiceStats& service : stats.services) {
      if (service.name != name.service) continue;
      for (const runtime::StateStats& of : service.states) {
        if (of.name != name.state) continue;
        state.rows = of.rows;
        state.bytes = of.bytes;
      }
    }
    for (const plan::ServicePlan& service : impl_->engine->plan().services) {
      if (service.spec->name != name.service) continue;
      for (const plan::StatePlan& of : service.states) {
        if (of.name != name.state) continue;
        state.columns.emplace_back("_key", to_string(of.key));
        for (const record::Field& field : of.row->fields)
          state.columns.emplace_back(field.name, to_string(field.type->kind));
      }
    }
    for (const char* constant : {"_updated_at", "_window_start", "_window_end", "_window_closed"}) {
      state.columns.emplace_back(constant, "i64");
    }
  }
  return states;
}

Result<query::Answer> Api::state_rows(std::string_view service, std::string_view state,
                                      const std::optional<std::string>& key,
                                      std::size_t limit) const {
  std::vector<std::string> names;
  for (const StateDescription& known : states()) {
    names.push_back(known.name.service + "/" + known.name.state);
    if (known.name.service != service || known.name.state != state) continue;
    const bool is_text = known.columns.front().second == "string";
    std::string sql = fmt::format("select * from \"{}\"", known.name.table);
    if (key && is_text) {
      std::string quoted = *key;
      for (std::size_t at = 0; (at = quoted.find('\'', at)) != std::string::npos; at += 2)
        quoted.insert(at, 1, '\'');
      sql += fmt::format(" where _key = '{}'", quoted);
    } else if (key) {
      const bool is_number =
          !key->empty() && key->find_first_not_of("-0123456789") == std::string::npos;
      if (!is_number)
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("keys of '{}' are numbers, not '{}'", state, *key));
      sql += " where _key = " + *key;
    }
    return this->sql(sql + fmt::format(" limit {}", limit), {.rows_max = limit});
  }
  const std::string wanted = fmt::format("{}/{}", service, state);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("there is no state '{}'{}", wanted,
                          names.empty() ? "; there are none"
                                        : fmt::format("; there are: {}", fmt::join(names, ", "))));
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
  return render_metrics(impl_->store, impl_->engine, produce_stats(), impl_->clock);
}

}  // namespace gameflow::api
