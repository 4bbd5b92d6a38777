#include "spec/service_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "record/type.h"
#include "spec/names.h"
#include "spec/sections.h"
#include "spec/state_reader.h"

namespace gameflow::spec {
namespace {

// Whether `code` contains `word` as a whole word.
bool mentions(std::string_view code, std::string_view word) {
  const auto is_word = [](char c) { return is_identifier(std::string("a") + c); };
  for (std::size_t at = code.find(word); at != std::string_view::npos;
       at = code.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word(code[at - 1])) && (end == code.size() || !is_word(code[end])))
      return true;
  }
  return false;
}

ExampleNames names_of(const TopicEntry* entry) {
  if (entry == nullptr) return {};
  return {.event = entry->topic.type,
          .output = nullptr,
          .event_name = entry->type_name,
          .output_name = {},
          .state = nullptr};
}

// The name of what only a window has; null: there is none.
const Node* shape_in(const Node& partition) {
  for (const std::string_view key : {"tumbling", "sliding", "session"}) {
    if (const Node* const shape = partition.find_key(key)) return shape;
  }
  return nullptr;
}

template <class Visit>
void for_each_function(const Service& service, Visit&& visit) {
  for (const Source& source : service.sources) std::ranges::for_each(source.transforms, visit);
  if (service.join) {
    for (const JoinSide* const side : {&service.join->left, &service.join->right}) {
      visit(side->assign_timestamp);
      visit(side->assign_key);
    }
    visit(service.join->run);
  }
  std::ranges::for_each(service.transforms, visit);
  for (const Sink& sink : service.sinks) std::ranges::for_each(sink.transforms, visit);
  for (const State& state : service.states) {
    if (state.on_expire) visit(*state.on_expire);
  }
  if (service.window) {
    visit(service.window->assign_timestamp);
    std::ranges::for_each(service.window->transforms, visit);
    visit(service.window->flush);
  }
  if (!service.partition) return;
  if (service.partition->assign_timestamp) visit(*service.partition->assign_timestamp);
  visit(service.partition->assign_key);
  std::ranges::for_each(service.partition->transforms, visit);
  if (service.partition->update_state) visit(*service.partition->update_state);
}

}  // namespace

void ServiceReader::read_section(const Node& section) {
  if (section.kind != NodeKind::kMap) {
    report_.error(section,
                  fmt::format("'services' has to be a map, this is {}", describe(section.kind)));
    return;
  }
  std::vector<std::pair<std::string, std::string>> namespaces;
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    const Node& key = section.keys[i];
    const std::string scope = to_snake_case(key.text);
    const auto clash = std::find_if(namespaces.begin(), namespaces.end(),
                                    [&](const auto& other) { return other.first == scope; });
    if (!check_name(report_, key, kServiceName, key.text)) {
      // told
    } else if (const auto reason = reserved_as(scope)) {
      report_.error(
          key,
          fmt::format("'{}' cannot be the name of a service: {} is {}", key.text, scope, *reason),
          "choose another name");
    } else if (clash != namespaces.end()) {
      report_.error(key,
                    fmt::format("services '{}' and '{}' are both called {} in C++", clash->second,
                                key.text, scope),
                    "rename one of them");
    }
    namespaces.emplace_back(scope, key.text);
    read_service(key, section.items[i]);
  }
}

void ServiceReader::read_service(const Node& key, const Node& body) {
  Service service;
  service.name = key.text;
  service.position = key.position;
  const Fields fields(report_, body, kService);
  if (!fields.is_map()) return;
  service.on_error = static_cast<ErrorPolicy>(fields.word("on-error").value_or(0));
  const bool has_join = body.find("join") != nullptr;
  const bool has_window = !has_join && (body.find("window") != nullptr || fields.is_told("window"));
  const bool has_partition =
      !has_join && (body.find("partition") != nullptr || fields.is_told("partition"));
  Flow flow;
  read_inputs(fields, body, service, flow);
  service.transforms = read_transforms(fields, flow.names);
  if (change_type(service.transforms)) flow.forget_type();
  if (const Node* const sinks = body.find("sinks")) names_of_output(*sinks, flow);
  if (const Node* const states = fields.find("states"))
    StateReader(report_, types_, functions_, imports_, flow.names, has_window)
        .read(*states, service);
  if (!service.states.empty()) flow.names.state = &service.states.front();
  if (const Node* const window = has_join ? nullptr : fields.find("window"))
    read_window(*window, service, flow);
  if (const Node* const partition = has_join ? nullptr : fields.find("partition")) {
    if (const Node* const shape = shape_in(*partition)) {
      report_.error(*body.find_key("partition"),
                    fmt::format("this 'partition' has '{}', as a window has", shape->text),
                    "write 'window:' in place of 'partition:'");
      flow.forget_type();
    } else if (has_window) {
      const Node* const window = body.find("window");
      const bool has_two = window != nullptr && window->find_key("partition") != nullptr;
      report_.error(
          *body.find_key("partition"), "'partition' stands in 'window'",
          has_two ? "remove this one: 'window' has its own" : "indent it below 'window:'");
    } else {
      read_partition(*partition, service, flow);
    }
  }
  adopt_states(service);
  // Where rows say something when they run out, that alone goes to the sinks.
  const bool has_expired = std::ranges::any_of(
      service.states, [](const State& state) { return state.on_expire.has_value(); });
  if (service.partition && service.partition->transforms.empty() && has_expired) flow.forget_type();
  const bool needs_states = (service.window || service.partition) && service.states.empty();
  if (needs_states && body.find("states") == nullptr) fields.require("states");
  if (const Node* const sinks = fields.find("sinks"))
    read_sinks(*sinks, has_window || (!service.states.empty() && !has_partition), service, flow);
  check_parts(key, fields, body, service);
  if (const Node* const window = body.find("window"); window != nullptr && service.window)
    windows_.check(key, *window, body.find("states"), service);
  check(body, service);
  services_.push_back(std::move(service));
}

void ServiceReader::read_inputs(const Fields& fields, const Node& body, Service& service,
                                Flow& flow) {
  const Node* const join = body.find_key("join");
  if (join == nullptr) {
    if (fields.is_told("join")) {
      flow.forget_type();
    } else if (const Node* const sources = fields.require("sources")) {
      read_sources(*sources, service, flow);
    }
    return;
  }
  if (body.find_key("sources") != nullptr) {
    report_.error(*join, "'join' stands in place of 'sources'",
                  "remove one of them: a join reads the topics of 'left' and 'right'");
  }
  if (const Node* const node = fields.find("join")) joins_.read(*node, service);
  joins_.check(body);
  flow.forget_type();
}

// A service keeps rows, or has sinks.
void ServiceReader::check_parts(const Node& key, const Fields& fields, const Node& body,
                                const Service& service) {
  const auto has = [&](std::string_view part) {
    return body.find(part) != nullptr || fields.is_told(part);
  };
  if (has("window") || has("partition")) return;
  const bool has_join = body.find("join") != nullptr;
  if (!service.states.empty()) {
    const Node* const states = body.find_key("states");
    report_.error(
        states == nullptr ? key : *states,
        fmt::format("service '{}' has states, but neither 'partition' nor 'window'", key.text),
        has_join
            ? "a service with 'join' reads those of others, with 'from': keep rows in a second "
              "service, which reads what the join writes"
            : "write 'partition:' with 'assign-key' and 'update-state' below it");
  } else if (body.find("sinks") == nullptr) {
    report_.error(
        key,
        has_join ? fmt::format("service '{}' has no 'sinks': it would do nothing", key.text)
                 : fmt::format(
                       "service '{}' has neither 'sinks' nor a 'partition' or 'window': it would "
                       "do nothing",
                       key.text),
        "for example 'sinks: [{ type: topic, id: summaries }]'");
  }
}

// The states of the packages' functions that the service uses, where it does not have them.
void ServiceReader::adopt_states(Service& service) {
  std::vector<Function> used;
  for_each_function(service, [&used](const Function& function) {
    if (function.signature != nullptr) used.push_back(function);
  });
  for (const Function& function : used) {
    for (const State& state : function.signature->states) {
      const auto known = std::ranges::find(service.states, state.name, &State::name);
      const bool is_same = known != service.states.end() && known->key == state.key &&
                           record::same_shape(*known->type, *state.type);
      if (is_same) continue;
      const std::string of =
          fmt::format("function '{}' of package '{}' works on state '{}'", function.signature->name,
                      function.signature->package, state.name);
      if (known != service.states.end()) {
        report_.error(function.position, fmt::format("{}, but that of the service is another", of),
                      "rename the service's state");
      } else if (!service.states.empty() && service.states.front().key != state.key) {
        report_.error(
            function.position,
            fmt::format("{}, whose key is of type {}, but state '{}' has a key of type {}", of,
                        record::to_string(state.key), service.states.front().name,
                        record::to_string(service.states.front().key)),
            "'assign-key' makes one key, which all states of the service share");
      } else {
        service.states.push_back(state);
      }
    }
  }
}

std::optional<Fields> ServiceReader::read_endpoint(const Node& node, const Section& section) {
  if (node.kind != NodeKind::kScalar) return Fields(report_, node, section);
  report_.error(node, fmt::format("{} has to be a map", section.name),
                fmt::format("write {{ type: topic, id: {} }}", node.text.substr(0, 60)));
  return std::nullopt;
}

const TopicEntry* ServiceReader::read_topic(const Fields& fields, const Node& node) {
  const auto type = fields.word("type");
  if (!type && node.find("type") != nullptr) return nullptr;
  const Node* const id = fields.find("id");
  if (id == nullptr) return nullptr;
  return type == 1U ? topics_.refer_schedule(*id) : topics_.refer(*id);
}

std::vector<Function> ServiceReader::read_transforms(const Fields& fields,
                                                     const ExampleNames& names) {
  const Node* const list = fields.find("transforms");
  return list == nullptr ? std::vector<Function>() : functions_.read_transforms(*list, names);
}

void ServiceReader::read_sources(const Node& list, Service& service, Flow& flow) {
  if (list.kind != NodeKind::kList || list.items.empty()) {
    report_.error(list, "'sources' has to be a list with at least one topic",
                  "for example '- { type: topic, id: player-events }'");
    return;
  }
  for (const Node& node : list.items) {
    const auto fields = read_endpoint(node, kSource);
    if (!fields) continue;
    const TopicEntry* const entry = read_topic(*fields, node);
    StartOffset start = entry == nullptr ? start_ : entry->start.value_or(start_);
    if (const Node* const offset = fields->find("starting-offset"))
      start = read_offset(report_, *offset).value_or(start);
    const Node* const type = node.find("type");
    if (type != nullptr && type->text == "schedule") {
      start = StartOffset::kEnd;  // a service that is new has missed what was before
      if (const Node* const at = node.find_key("starting-offset"))
        report_.error(*at, "a schedule has no 'starting-offset'",
                      "a service gets the times that come while it is there");
    }
    std::vector<Function> transforms = read_transforms(*fields, names_of(entry));
    if (entry == nullptr) continue;
    const Node& id = *node.find("id");
    if (std::ranges::count(service.sources, entry->topic.name, &Source::topic) != 0)
      report_.error(id, fmt::format("topic '{}' is a source already", id.text), "remove one");
    if (!entry->has_schema) {
      report_.error(id,
                    fmt::format("topic '{}' has no schema, so operators cannot read it", id.text),
                    "give the topic a 'schema: { value: { type: … } }'");
    }
    const bool is_changed = change_type(transforms);
    service.sources.push_back(
        {entry->topic.name, node.position, start, entry->topic.type, std::move(transforms)});
    if (is_changed) {
      flow.is_changed = true;
    } else if (entry->topic.type != nullptr) {
      check_type(id, *entry, "source", flow.type,
                 "the sources of one service share a type: make two services");
    }
  }
  if (flow.type != nullptr) flow.names = names_of(flow.type);
}

void ServiceReader::read_sinks(const Node& list, bool has_flush, Service& service, Flow& flow) {
  if (list.kind != NodeKind::kList || list.items.empty()) {
    report_.error(list, "'sinks' has to be a list with at least one topic",
                  "for example '- { type: topic, id: summaries }'");
    return;
  }
  const TopicEntry* output = nullptr;
  for (const Node& node : list.items) {
    const auto fields = read_endpoint(node, kSink);
    if (!fields) continue;
    const TopicEntry* const entry = read_topic(*fields, node);
    std::vector<Function> transforms =
        read_transforms(*fields, has_flush ? ExampleNames{} : flow.names);
    if (entry == nullptr) continue;
    const Node& id = *node.find("id");
    const std::string& topic = entry->topic.name;
    if (std::ranges::count(service.sinks, topic, &Sink::topic) != 0)
      report_.error(id, fmt::format("topic '{}' is a sink already", id.text), "remove one");
    if (std::ranges::count(service.sources, topic, &Source::topic) != 0)
      report_.error(
          id,
          fmt::format("topic '{}' is a source and a sink: the service would feed itself", id.text),
          "write to another topic");
    const bool takes_output = transforms.empty() && entry->topic.type != nullptr;
    service.sinks.push_back({topic, node.position, entry->topic.type, std::move(transforms)});
    if (!takes_output) continue;
    if (has_flush) {
      check_type(id, *entry, "sink", output, "'flush' returns one type: make two services");
    } else if (flow.type != nullptr) {
      check_type(id, *entry, "source", flow.type, "a 'map' in 'transforms' makes one of the other");
    } else {
      check_type(id, *entry, "sink", output, "give one of them 'transforms' with a 'map'");
    }
  }
}

// For examples: the type of the first sink that has one, and takes what comes.
void ServiceReader::names_of_output(const Node& sinks, Flow& flow) const {
  for (const Node& node : sinks.items) {
    const Node* const id = node.find("id");
    const TopicEntry* const entry = id == nullptr ? nullptr : topics_.find(id->text);
    if (entry == nullptr || entry->topic.type == nullptr || node.find("transforms") != nullptr)
      continue;
    flow.names.output = entry->topic.type;
    flow.names.output_name = entry->type_name;
    return;
  }
}

bool ServiceReader::same_in_cpp(const record::Type* a, const record::Type* b) const {
  if (a == b) return true;
  if (a == nullptr || b == nullptr) return false;
  const record::Type* const raw = types_.table().raw(a);
  return raw != nullptr && raw == types_.table().raw(b);
}

void ServiceReader::check_type(const Node& id, const TopicEntry& entry, std::string_view what,
                               const TopicEntry*& first, std::string_view hint) {
  if (first == nullptr) {
    first = &entry;
  } else if (!same_in_cpp(first->topic.type, entry.topic.type)) {
    report_.error(id,
                  fmt::format("topic '{}' has type '{}', but {} '{}' has type '{}'", id.text,
                              entry.type_name, what, first->key->text, first->type_name),
                  std::string(hint));
  }
}

void ServiceReader::read_window(const Node& node, Service& service, Flow& flow) {
  const Fields fields(report_, node, kWindow);
  if (!fields.is_map()) return;
  Window& window = service.window.emplace();
  windows_.read(node, fields, service);
  window.assign_timestamp =
      functions_.read(fields, node, FunctionKind::kAssignTimestamp, flow.names);
  window.transforms = read_transforms(fields, flow.names);
  if (change_type(window.transforms)) flow.forget_type();
  if (const Node* const partition = fields.find("partition"))
    read_partition(*partition, service, flow);
  const Node* const partition = node.find("partition");
  const bool is_misplaced = partition != nullptr && partition->find_key("flush") != nullptr;
  if (!is_misplaced || node.find_key("flush") != nullptr)  // which is told
    window.flush = functions_.read_flush(fields, node, flow.names);
}

void ServiceReader::read_partition(const Node& node, Service& service, Flow& flow) {
  const Fields fields(report_, node, kPartition);
  if (!fields.is_map()) return;
  Partition& partition = service.partition.emplace();
  if (const Node* const at = node.find_key("assign-timestamp")) {
    Function function = functions_.read(fields, node, FunctionKind::kAssignTimestamp, flow.names);
    if (service.window) {
      report_.error(*at, "'assign-timestamp' stands in 'window'", "move it there");
    } else {
      partition.assign_timestamp = std::move(function);
    }
  }
  partition.assign_key = functions_.read(fields, node, FunctionKind::kAssignKey, flow.names);
  partition.transforms = read_transforms(fields, flow.names);
  if (change_type(partition.transforms)) flow.forget_type();
  const bool needs_update = node.find_key("transforms") == nullptr;
  if (needs_update && fields.require("update-state") == nullptr) return;
  if (node.find_key("update-state") != nullptr)
    partition.update_state = functions_.read(fields, node, FunctionKind::kUpdateState, flow.names);
}

void ServiceReader::check(const Node& body, const Service& service) {
  const bool has_partition = service.window || service.partition;
  if (has_partition && service.states.empty() && !service.references.empty() &&
      !service.has_bad_states) {
    report_.error(*body.find_key("states"), "a 'partition' needs a state of the service's own",
                  "what another service keeps can only be read");
  }
  check_states(body, service);
}

// States that nothing ever asks for.
void ServiceReader::check_states(const Node& body, const Service& service) {
  if (!service.partition) return;
  std::string code;
  for (const Function& function : service.partition->transforms) code += function.code.text + "\n";
  if (service.partition->update_state) code += service.partition->update_state->code.text;
  if (code.find_first_not_of(" \n") == std::string::npos) return;
  if (service.window && service.window->flush.code.text.empty()) return;
  for (const State& state : service.states) {
    const std::string accessor = to_snake_case(state.name);
    if (mentions(code, accessor)) continue;
    if (const Node* const states = body.find("states")) {
      for (const Node& name : states->keys) {
        if (name.text == state.name)
          report_.warning(name, fmt::format("state '{}' is never changed", state.name),
                          fmt::format("use {}() in 'update-state' or remove the state", accessor));
      }
    }
  }
}

std::string ServiceReader::code() const {
  std::string text;
  for (const Service& service : services_) {
    for_each_function(service,
                      [&text](const Function& function) { text += function.code.text + "\n"; });
  }
  return text;
}

}  // namespace gameflow::spec
