#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/time_zone.h"
#include "runtime/property_functions.h"

namespace gameflow::runtime::property {
namespace {

spec::FunctionKind function_kind(std::string_view key) {
  for (const spec::FunctionInfo& info : spec::all_functions()) {
    if (info.key == key) return info.kind;
  }
  throw std::logic_error("no such kind of function");
}

std::vector<spec::Function> functions_of(const std::vector<Step>& steps) {
  std::vector<spec::Function> functions;
  for (const Step& step : steps) functions.push_back({function_kind(kind_of(step.op)), {}, {}});
  return functions;
}

// The types of all cases.
struct Types {
  const record::Type *event, *list, *totals, *lasts, *sketches, *kept, *number;

  explicit Types(record::TypeTable& table) {
    const auto* text = table.scalar(record::Kind::kString);
    const auto* integer = table.scalar(record::Kind::kI64);
    event = table.object("event", {{.name = "name", .type = text},
                                   {.name = "at", .type = integer},
                                   {.name = "n", .type = integer},
                                   {.name = "depth", .type = integer}});
    list = table.list_of(event);
    totals = table.object("totals", {{.name = "count", .type = integer},
                                     {.name = "sum", .type = integer},
                                     {.name = "deep", .type = integer},
                                     {.name = "low", .type = integer}});
    lasts = table.object("lasts", {{.name = "last", .type = text},
                                   {.name = "number", .type = integer},
                                   {.name = "deep", .type = integer}});
    sketches = table.object("sketches", {{.name = "names", .type = table.distinct()},
                                         {.name = "sizes", .type = table.quantiles(10'000)}});
    kept = table.object("kept", {{.name = "count", .type = integer},
                                 {.name = "sum", .type = integer},
                                 {.name = "deep", .type = integer},
                                 {.name = "last", .type = text}});
    number = table.object("number", {{.name = "value", .type = integer}});
  }
  const record::Type* of(Content content) const {
    if (content == Content::kAny) return nullptr;
    return content == Content::kLists ? list : event;
  }
};

spec::Function function(spec::FunctionKind kind) {
  return {kind, {}, {}};
}

std::shared_ptr<const TimeZone> zone() {
  static const std::shared_ptr<const TimeZone> kLoaded = *TimeZone::load(kZone);
  return kLoaded;
}

void add_window(const Case& made, const Window& window, const Types& types, spec::Service& out) {
  const auto key = window.has_integer_key ? record::Kind::kI64 : record::Kind::kString;
  const auto add = [&](std::string name, const record::Type* type, auto... merges) {
    out.states.push_back({.name = std::move(name), .position = {}, .key = key, .type = type});
    if (window.in_panes || window.has_sessions()) out.states.back().merges = {merges...};
  };
  using enum spec::Merge;
  add("totals", types.totals, kSum, kSum, kMax, kMin);
  const bool by_time = window.lasts == Lasts::kByTime;
  if (window.has_second_state)
    add("lasts", types.lasts, by_time ? kLast : kMax, by_time ? kFirst : kMax, kMax);
  if (window.has_sketches) add("sketches", types.sketches, kAny, kAny);
  out.partition.emplace().update_state = function(spec::FunctionKind::kUpdateState);
  spec::Window& to = out.window.emplace();
  to.shape = spec::Tumbling{{window.size}, {window.offset}, window.is_local ? zone() : nullptr};
  if (window.slide != 0)
    to.shape = spec::Sliding{{window.size}, {window.slide}, {window.offset}, window.in_panes};
  if (window.has_sessions()) {
    to.shape = spec::Session{{window.gap}, {}};
    if (window.max != 0) std::get<spec::Session>(to.shape).max = Duration{window.max};
  }
  if (window.flushes_each) to.flush = function(spec::FunctionKind::kFlushEach);
  to.reopen_for = {window.reopen};
  if (window.emit != 0) to.emit_every = {window.emit};
  to.grace = {window.grace};
  to.idle_timeout = {window.idle};
  if (window.late_topic) {
    to.late = spec::LatePolicy::kToTopic;
    to.late_topic = made.topics[*window.late_topic].name;
  }
}

void add_join(const Case& made, const Join& join, spec::Service& out) {
  spec::Join& to = out.join.emplace();
  to.before = {join.before};
  to.after = {join.after};
  to.type = join.is_left ? spec::JoinType::kLeft : spec::JoinType::kInner;
  to.grace = {join.grace};
  to.idle_timeout = {join.idle};
  if (!join.late_topic) return;
  to.late = spec::LatePolicy::kToTopic;
  to.late_topic = made.topics[*join.late_topic].name;
}

void add_view(const View& view, const Types& types, spec::Service& out) {
  const auto key = view.has_integer_key ? record::Kind::kI64 : record::Kind::kString;
  spec::State& kept = out.states.emplace_back();
  kept.name = "kept";
  kept.key = key;
  kept.type = view.is_primitive ? types.number : types.kept;
  kept.is_primitive = view.is_primitive;
  if (view.ttl != 0) kept.ttl = Duration{view.ttl};
  if (view.has_on_expire) kept.on_expire = function(spec::FunctionKind::kOnExpire);
  if (!view.is_primitive)
    out.states.push_back({.name = "sketches", .position = {}, .key = key, .type = types.sketches});
  spec::Partition& partition = out.partition.emplace();
  if (view.has_event_time)
    partition.assign_timestamp = function(spec::FunctionKind::kAssignTimestamp);
  if (view.has_transform) partition.transforms.push_back(function(spec::FunctionKind::kFilterMap));
  partition.update_state = function(spec::FunctionKind::kUpdateState);
}

spec::Service service_of(const Case& made, const Service& service, std::string name,
                         const Types& types) {
  spec::Service out{.name = std::move(name),
                    .position = {},
                    .sources = {},
                    .join = {},
                    .transforms = functions_of(service.steps),
                    .states = {},
                    .references = {},
                    .window = {},
                    .partition = {},
                    .sinks = {}};
  if (service.skips) out.on_error = spec::ErrorPolicy::kSkip;
  for (const Source& source : service.sources) {
    const Topic& topic = made.topics[source.topic];
    out.sources.push_back({.topic = topic.name,
                           .position = {},
                           .type = types.of(topic.content),
                           .transforms = functions_of(source.steps)});
  }
  for (const Sink& sink : service.sinks) {
    const Topic& topic = made.topics[sink.topic];
    out.sinks.push_back({.topic = topic.name,
                         .position = {},
                         .type = types.of(topic.content),
                         .transforms = functions_of(sink.steps)});
  }
  for (const std::size_t owner : service.references)
    out.references.push_back({.name = fmt::format("of_s{}", owner),
                              .position = {},
                              .service = fmt::format("s{}", owner),
                              .state = "kept"});
  if (service.window) add_window(made, *service.window, types, out);
  if (service.view) add_view(*service.view, types, out);
  if (service.join) add_join(made, *service.join, out);
  return out;
}

}  // namespace

std::string table_file(std::size_t table) {
  return fmt::format("table{}.jsonl", table);
}

std::shared_ptr<const plan::Graph> make_graph(const Case& made, const std::string& folder) {
  spec::Dataflow dataflow;
  dataflow.file_name = folder + "/dataflow.yaml";
  dataflow.types = std::make_shared<record::TypeTable>();
  const Types types(*dataflow.types);
  for (const Topic& topic : made.topics) {
    dataflow.topics.push_back({.name = topic.name,
                               .position = {},
                               .type = types.of(topic.content),
                               .partitions = topic.partitions,
                               .retention_age = {},
                               .retention_bytes = {}});
  }
  for (std::size_t i = 0; i < made.tables.size(); ++i) {
    const auto& topic = made.tables[i].topic;
    dataflow.tables.push_back({.name = fmt::format("table{}", i),
                               .position = {},
                               .file = topic ? "" : table_file(i),
                               .topic = topic ? made.topics[*topic].name : "",
                               .type = types.event,
                               .key = "name"});
  }
  dataflow.future_max = {kFutureMax};
  for (std::size_t i = 0; i < made.services.size(); ++i)
    dataflow.services.push_back(service_of(made, made.services[i], fmt::format("s{}", i), types));
  return std::make_shared<const plan::Graph>(plan::lower(dataflow));
}

}  // namespace gameflow::runtime::property
