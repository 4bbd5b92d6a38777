#include "plan/explain.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "record/codec.h"

namespace gameflow::plan {
namespace {

const TopicDescription* find_topic(const Description& description, std::string_view name) {
  const auto found = std::ranges::find(description.topics, name, &TopicDescription::name);
  return found == description.topics.end() ? nullptr : &*found;
}

std::string partitions_text(const Description& description, std::string_view topic) {
  const TopicDescription* const found = find_topic(description, topic);
  if (found == nullptr) return "";
  return fmt::format(", {} partition{}", found->partitions, found->partitions == 1 ? "" : "s");
}

std::string sink_text(const Description& description, const NodeDescription& node) {
  const TopicDescription* const topic = find_topic(description, node.topic);
  const std::string type = !node.type.empty() ? node.type : topic != nullptr ? topic->type : "";
  return node.topic + ": " + type + partitions_text(description, node.topic);
}

bool is_window(const NodeDescription& node) {
  return node.id.ends_with("/window");
}

std::string keyed_text(const NodeDescription& node) {
  std::string text = fmt::format("    {}  {}\n", is_window(node) ? "window" : "rows  ", node.label);
  for (const std::string& state : node.states) text += fmt::format("    state   {}\n", state);
  for (const FunctionDescription& function : node.functions) {
    if (function.name == "flush" || function.name == "each") continue;
    text += fmt::format("    by key  {}\n", function.name);
  }
  if (is_window(node)) {
    const bool is_each = !node.functions.empty() && node.functions.back().name == "each";
    text += fmt::format("    flush   {}{}\n", is_each ? "for each row: " : "",
                        node.type.empty() ? "as its function says" : node.type);
  }
  return text;
}

std::string join_text(const NodeDescription& node) {
  std::string text = fmt::format("    join    {}\n", node.label);
  if (node.functions.size() == 1) return text;
  text += "    chain   ";
  for (const FunctionDescription& function : node.functions)
    text += fmt::format("{}{}", &function == node.functions.data() ? "" : ", ", function.name);
  return text + ", fused into one loop\n";
}

std::string node_text(const Description& description, const NodeDescription& node) {
  // The topic of a schedule is no concern of people.
  if (node.kind == "read" && node.label.starts_with("schedule "))
    return fmt::format("    source  {}\n", node.label);
  if (node.kind == "read")
    return fmt::format("    source  {}{}\n", node.label, partitions_text(description, node.topic));
  if (node.kind == "chain")
    return fmt::format("    chain   {}{}\n", node.label,
                       node.functions.size() > 1 ? ", fused into one loop" : "");
  if (node.kind == "write") return fmt::format("    sink    {}\n", sink_text(description, node));
  if (node.kind == "keyed") return keyed_text(node);
  if (node.kind == "join") return join_text(node);
  return "";
}

std::string service_text(const Description& description, const ServiceDescription& service) {
  std::string text =
      fmt::format("\nservice {}\n  stage 1, by partition of its sources\n", service.name);
  int stage = 1;
  for (const NodeDescription& node : service.nodes) {
    if (node.kind == "exchange") {
      text += fmt::format("  exchange {}\n  stage {}, by shard of the key\n", node.label, ++stage);
    } else {
      text += node_text(description, node);
    }
  }
  if (service.on_error == "skip") text += "  records that fail are skipped and counted\n";
  if (service.on_error == "fail") text += "  stops at the first record that fails\n";
  return text;
}

std::string in_quotes(std::string_view text) {
  std::string out;
  record::encode_json_string(text, out);
  return out;
}

// `["a","b"]`, or with `item` of each.
template <class Items, class Item>
std::string list_of(const Items& items, Item&& item) {
  std::string out = "[";
  for (const auto& one : items) out += (out.size() > 1 ? "," : "") + item(one);
  return out + "]";
}

std::string node_json(const NodeDescription& node) {
  return fmt::format(
      "{{\"id\":{},\"kind\":{},\"label\":{},\"type\":{},\"topic\":{},\"functions\":{},\"states\":{}"
      ","
      "\"inputs\":{}}}",
      in_quotes(node.id), in_quotes(node.kind), in_quotes(node.label),
      node.type.empty() ? "null" : in_quotes(node.type),
      node.topic.empty() ? "null" : in_quotes(node.topic),
      list_of(node.functions,
              [](const FunctionDescription& function) {
                return fmt::format("{{\"name\":{},\"code\":{}}}", in_quotes(function.name),
                                   in_quotes(function.code));
              }),
      list_of(node.states, in_quotes), list_of(node.inputs, in_quotes));
}

// A node of a picture: what it is called there, and the lines in it.
struct Picture {
  std::map<std::string, std::string> names;  // by id of a node
  std::map<std::string, std::string> topics;

  explicit Picture(const Description& description) {
    for (const TopicDescription& topic : description.topics) name_topic(topic.name);
    for (const ServiceDescription& service : description.services) {
      for (const NodeDescription& node : service.nodes) {
        names.emplace(node.id, fmt::format("n{}", names.size()));
        if (!node.topic.empty()) name_topic(node.topic);
      }
    }
  }
  void name_topic(const std::string& topic) {
    topics.emplace(topic, fmt::format("t{}", topics.size()));
  }
};

std::vector<std::string> lines_of(const NodeDescription& node) {
  std::vector<std::string> lines{node.kind};
  if (node.kind == "keyed") lines[0] = is_window(node) ? "window" : "rows";
  if (node.kind != "read" && node.kind != "write") lines.push_back(node.label);
  for (const std::string& state : node.states) lines.push_back(state);
  if (node.kind == "keyed" && !node.type.empty()) lines.push_back("gives " + node.type);
  return lines;
}

std::vector<std::string> lines_of(const Description& description, const std::string& topic) {
  const TopicDescription* const found = find_topic(description, topic);
  if (found == nullptr) return {topic};
  return {topic, found->type + partitions_text(description, topic)};
}

std::string dot_text(const std::vector<std::string>& lines) {
  std::string out = "\"";
  for (const std::string& line : lines) {
    if (out.size() > 1) out += "\\n";
    for (const char c : line) out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  }
  return out + "\"";
}

std::string mermaid_text(const std::vector<std::string>& lines) {
  std::string out = "\"";
  for (const std::string& line : lines) {
    if (out.size() > 1) out += "<br/>";
    for (const char c : line) {
      switch (c) {
        case '"':
          out += "#quot;";
          break;
        case '<':
          out += "#lt;";
          break;
        case '>':
          out += "#gt;";
          break;
        case '#':
          out += "#35;";
          break;
        default:
          out += c;
      }
    }
  }
  return out + "\"";
}

// `arrow` between a node and what comes to it or goes out of it.
std::string edges(const Description& description, const Picture& picture, std::string_view arrow,
                  std::string_view end) {
  std::string out;
  const auto edge = [&](const std::string& from, const std::string& to) {
    out += fmt::format("  {} {} {}{}\n", from, arrow, to, end);
  };
  for (const ServiceDescription& service : description.services) {
    for (const NodeDescription& node : service.nodes) {
      const std::string& name = picture.names.at(node.id);
      if (node.kind == "read") edge(picture.topics.at(node.topic), name);
      for (const std::string& input : node.inputs) edge(picture.names.at(input), name);
      if (node.kind == "write") edge(name, picture.topics.at(node.topic));
    }
  }
  return out;
}

}  // namespace

std::string explain(const Description& description) {
  std::string text = fmt::format("dataflow {} {}\n", description.name, description.version);
  for (const ServiceDescription& service : description.services)
    text += service_text(description, service);
  text += "\n";
  for (const TopicDescription& topic : description.topics) {
    text += fmt::format("topic {}: {}{}\n", topic.name, topic.type,
                        partitions_text(description, topic.name));
  }
  return text + fmt::format("dead letters go to topic {}\n", description.dead_letter_topic);
}

std::string explain_json(const Description& description) {
  return fmt::format(
      "{{\"name\":{},\"version\":{},\"services\":{},\"topics\":{},\"dead_letter_topic\":{}}}\n",
      in_quotes(description.name), in_quotes(description.version),
      list_of(description.services,
              [](const ServiceDescription& service) {
                return fmt::format("{{\"name\":{},\"on_error\":{},\"nodes\":{}}}",
                                   in_quotes(service.name), in_quotes(service.on_error),
                                   list_of(service.nodes, node_json));
              }),
      list_of(description.topics,
              [](const TopicDescription& topic) {
                return fmt::format("{{\"name\":{},\"type\":{},\"partitions\":{}}}",
                                   in_quotes(topic.name), in_quotes(topic.type), topic.partitions);
              }),
      in_quotes(description.dead_letter_topic));
}

std::string explain_dot(const Description& description) {
  const Picture picture(description);
  std::string out = fmt::format("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n",
                                dot_text({description.name}));
  for (const auto& [topic, name] : picture.topics)
    out += fmt::format("  {} [shape=cylinder, label={}];\n", name,
                       dot_text(lines_of(description, topic)));
  int number = 0;
  for (const ServiceDescription& service : description.services) {
    out += fmt::format("  subgraph cluster_{} {{\n    label={};\n", number++,
                       dot_text({service.name}));
    for (const NodeDescription& node : service.nodes)
      out +=
          fmt::format("    {} [label={}];\n", picture.names.at(node.id), dot_text(lines_of(node)));
    out += "  }\n";
  }
  return out + edges(description, picture, "->", ";") + "}\n";
}

std::string explain_mermaid(const Description& description) {
  const Picture picture(description);
  std::string out = "flowchart LR\n";
  for (const auto& [topic, name] : picture.topics)
    out += fmt::format("  {}[({})]\n", name, mermaid_text(lines_of(description, topic)));
  int number = 0;
  for (const ServiceDescription& service : description.services) {
    out += fmt::format("  subgraph s{}[{}]\n", number++, mermaid_text({service.name}));
    for (const NodeDescription& node : service.nodes)
      out += fmt::format("    {}[{}]\n", picture.names.at(node.id), mermaid_text(lines_of(node)));
    out += "  end\n";
  }
  return out + edges(description, picture, "-->", "");
}

}  // namespace gameflow::plan
