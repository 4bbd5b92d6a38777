#include "spec/transforms_tree.h"

#include <string>
#include <utility>
#include <vector>

namespace gameflow::spec {
namespace {

// Makes nodes at one place.
class Maker {
 public:
  explicit Maker(Position position) : position_(position) {}

  Node text(std::string text) const {
    Node node = of(NodeKind::kScalar);
    node.text = std::move(text);
    return node;
  }
  Node map(std::vector<std::pair<const char*, Node>> entries) const {
    Node node = of(NodeKind::kMap);
    for (auto& [key, value] : entries) {
      node.keys.push_back(text(key));
      node.items.push_back(std::move(value));
    }
    return node;
  }
  Node list(Node item) const {
    Node node = of(NodeKind::kList);
    node.items.push_back(std::move(item));
    return node;
  }

 private:
  Node of(NodeKind kind) const {
    Node node;
    node.kind = kind;
    node.position = position_;
    return node;
  }

  Position position_;
};

}  // namespace

std::optional<Node> transforms_tree(const Node& connector) {
  const Node* const transforms = connector.find("transforms");
  if (transforms == nullptr || transforms->kind == NodeKind::kNull) return std::nullopt;
  const Maker make(connector.find_key("transforms")->position);
  const Node* const schema = connector.find("schema");
  Node input =
      schema != nullptr ? *schema : make.map({{"value", make.map({{"type", make.text("json")}})}});
  Node source = make.map({{"type", make.text("topic")}, {"id", make.text("input")}});
  source.keys.push_back(*connector.find_key("transforms"));
  source.items.push_back(*transforms);
  Node root = make.map(
      {{"apiVersion", make.text("0.6.0")},
       {"meta", make.map({{"name", make.text("connector")}, {"version", make.text("0.1.0")}})},
       {"topics",
        make.map({{"input", make.map({{"schema", std::move(input)}})}, {"output", make.map({})}})},
       {"services",
        make.map({{"transforms",
                   make.map({{"sources", make.list(std::move(source))},
                             {"sinks", make.list(make.map({{"type", make.text("topic")},
                                                           {"id", make.text("output")}}))}})}})}});
  if (const Node* const types = connector.find("types")) {
    root.keys.push_back(*connector.find_key("types"));
    root.items.push_back(*types);
  }
  return root;
}

}  // namespace gameflow::spec
