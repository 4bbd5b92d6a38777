#include "spec/yaml_tree.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/byte_order_mark.h"

namespace gameflow::spec {
namespace {

// Thrown through yaml-cpp to end its parse; caught in read_yaml.
struct Refusal {
  Position position;
  std::string message;
  std::string hint;
};

Position position_of(const YAML::Mark& mark) {
  if (mark.is_null() || mark.line < 0 || mark.column < 0) return {1, 1};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

// What a node and everything below it takes.
struct Extent {
  std::size_t nodes = 1, bytes = 0, height = 1;
};

Extent extent_of(const Node& node) {
  Extent extent;
  extent.bytes = node.text.size();
  for (const Node& key : node.keys) {
    extent.bytes += key.text.size();
    ++extent.nodes;
  }
  for (const Node& item : node.items) {
    const Extent inner = extent_of(item);
    extent.nodes += inner.nodes;
    extent.bytes += inner.bytes;
    extent.height = std::max(extent.height, inner.height + 1);
  }
  return extent;
}

class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view source, std::vector<Diagnostic>& diagnostics)
      : source_(source), diagnostics_(diagnostics) {
    lines_.push_back(0);
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (source[i] == '\n') lines_.push_back(i + 1);
    }
  }

  std::optional<Node> take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw Refusal{position_of(mark), "a second document starts here",
                    "one file holds one dataflow: remove the '---'"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node = make(NodeKind::kNull, mark, "");
    const std::string_view rest = skip_properties(node.position);
    for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
      if (rest.starts_with(word)) node.text = word;
    }
    node.length = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(node.text.size()));
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Position position = position_of(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Refusal{position, "this alias refers to a value that contains it",
                    "write the value out"};
    charge(found->second.second, position);
    if (open_.size() + found->second.second.height > kDepthMax) refuse_depth(position);
    add(found->second.first, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = make(NodeKind::kScalar, mark, tag);
    node.text = value;
    const std::string_view rest = skip_properties(node.position);
    const char first = rest.empty() ? ' ' : rest.front();
    if (tag == "!") {
      node.style = first == '|'   ? ScalarStyle::kLiteral
                   : first == '>' ? ScalarStyle::kFolded
                                  : ScalarStyle::kQuoted;
    }
    node.length = length_of(node, rest);
    charge({1, value.size(), 1}, node.position);
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(NodeKind::kList, mark, tag), anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(NodeKind::kMap, mark, tag), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or map that has not ended. Of a map, `key` is the key whose value comes next.
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<Node> key;
    std::unordered_map<std::string, Position> seen;
    bool skip = false;  // the pending key is a duplicate
  };

  Node make(NodeKind kind, const YAML::Mark& mark, const std::string& tag) {
    Node node;
    node.kind = kind;
    node.position = position_of(mark);
    if (!tag.empty() && tag != "?" && tag != "!") {
      diagnostics_.push_back({Severity::kError, node.position, 1,
                              fmt::format("YAML tag '{}' has no meaning here", tag), "remove it"});
    }
    return node;
  }

  // The source from a node on, past its `&anchor` and `!tag`; to the end of the line.
  std::string_view skip_properties(Position& position) const {
    if (position.line > lines_.size()) return {};
    const std::size_t start = lines_[position.line - 1];
    const std::size_t end = std::min(source_.find('\n', start), source_.size());
    std::string_view rest = source_.substr(start, end - start);
    rest.remove_prefix(std::min<std::size_t>(position.column - 1, rest.size()));
    while (!rest.empty() && (rest.front() == '&' || rest.front() == '!')) {
      std::size_t skip = std::min(rest.find(' '), rest.size());
      skip = std::min(rest.find_first_not_of(' ', skip), rest.size());
      rest.remove_prefix(skip);
      position.column += static_cast<std::uint32_t>(skip);
    }
    return rest;
  }

  static std::uint32_t length_of(const Node& node, std::string_view rest) {
    std::size_t length = 1;
    if (node.style == ScalarStyle::kPlain) {
      const auto [in_text, in_rest] =
          std::mismatch(node.text.begin(), node.text.end(), rest.begin(), rest.end());
      length = static_cast<std::size_t>(in_text - node.text.begin());
    } else if (node.style == ScalarStyle::kQuoted && !rest.empty()) {
      std::size_t at = 1;
      while (at < rest.size() && rest[at] != rest.front())
        at += rest.front() == '"' && rest[at] == '\\' ? 2 : 1;
      length = std::min(at + 1, rest.size());
    }
    return static_cast<std::uint32_t>(std::max<std::size_t>(length, 1));
  }

  void charge(const Extent& extent, Position position) {
    nodes_ += extent.nodes;
    bytes_ += extent.bytes;
    if (nodes_ > kNodesMax || bytes_ > kTextBytesMax)
      throw Refusal{
          position,
          fmt::format("the file holds more than {} values or {} MiB of text, aliases counted",
                      kNodesMax, kTextBytesMax >> 20),
          "a dataflow is far smaller: is this the right file?"};
  }

  [[noreturn]] static void refuse_depth(Position position) {
    throw Refusal{position, fmt::format("nested more than {} levels deep", kDepthMax),
                  "move inner types to section 'types' and refer to them by name"};
  }

  void open(Node node, YAML::anchor_t anchor) {
    charge({}, node.position);
    if (open_.size() >= kDepthMax) refuse_depth(node.position);
    open_.push_back({std::move(node), anchor, {}, {}, false});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      const Extent extent = extent_of(node);
      charge(extent, node.position);
      anchors_[anchor] = {node, extent};
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == NodeKind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      add_key(parent, std::move(node));
    } else {
      // An empty value has no place of its own; what is missing is missing at its key.
      if (node.kind == NodeKind::kNull && node.text.empty()) {
        node.position = parent.key->position;
        node.length = parent.key->length;
      }
      if (!parent.skip) {
        parent.node.keys.push_back(std::move(*parent.key));
        parent.node.items.push_back(std::move(node));
      }
      parent.key.reset();
    }
  }

  void add_key(Open& parent, Node key) {
    if (key.kind == NodeKind::kNull && !key.text.empty()) key.kind = NodeKind::kScalar;
    if (key.kind != NodeKind::kScalar)
      throw Refusal{key.position, "a key has to be a word", "write 'key: value'"};
    const auto [first, is_new] = parent.seen.emplace(key.text, key.position);
    if (!is_new) {
      diagnostics_.push_back({Severity::kError, key.position, key.length,
                              fmt::format("duplicate key '{}', first at {}:{}", key.text,
                                          first->second.line, first->second.column),
                              "keep one of the two"});
    }
    parent.skip = !is_new;
    parent.key = std::move(key);
  }

  std::string_view source_;
  std::vector<Diagnostic>& diagnostics_;
  std::vector<std::size_t> lines_;  // where each line starts
  std::vector<Open> open_;
  std::map<YAML::anchor_t, std::pair<Node, Extent>> anchors_;
  std::optional<Node> root_;
  std::size_t nodes_ = 0, bytes_ = 0;
  int documents_ = 0;
};

Position position_at(std::string_view source, std::size_t offset) {
  const std::string_view before = source.substr(0, offset);
  const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t start = before.rfind('\n');
  const std::size_t column = start == std::string_view::npos ? offset : offset - start - 1;
  return {line, static_cast<std::uint32_t>(column) + 1};
}

// How many bytes the UTF-8 character at the start of `text` has; 0 if it is not one.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool bad = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
                   (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
  return bad ? 0 : length;
}

// The first byte that has no place in a text file.
std::optional<Refusal> find_binary(std::string_view source) {
  for (std::size_t i = 0; i < source.size();) {
    const auto byte = static_cast<unsigned char>(source[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F)
      return Refusal{position_at(source, i), fmt::format("control character 0x{:02x}", byte),
                     byte == '\r' ? "end lines with a line feed" : "is this a text file in UTF-8?"};
    const std::size_t length = utf8_length(source.substr(i));
    if (length == 0)
      return Refusal{position_at(source, i), fmt::format("byte 0x{:02x} is not UTF-8", byte),
                     "save the file as UTF-8"};
    i += length;
  }
  return std::nullopt;
}

std::string hint_for(std::string_view source, Position position) {
  std::size_t start = 0;
  for (std::uint32_t line = 1; line < position.line && start < source.size(); ++line)
    start = std::min(source.find('\n', start), source.size() - 1) + 1;
  const std::string_view line = source.substr(start, source.find('\n', start) - start);
  const std::string_view indent =
      line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
  if (indent.find('\t') != std::string_view::npos) return "indent with spaces, not tabs";
  return "check the indentation, colons and quotes here and just above";
}

void parse_with(Builder& builder, const std::string& source) {
  std::istringstream input(source);
  YAML::Parser parser(input);
  while (parser.HandleNextDocument(builder)) {
  }
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

const Node* Node::find_key(std::string_view key) const {
  const auto found = std::ranges::find(keys, key, &Node::text);
  return found == keys.end() ? nullptr : &*found;
}

std::string normalized(std::string_view source) {
  source = without_byte_order_mark(source);
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
    text += source[i];
  }
  return text;
}

namespace {

void set_file(Node& node, std::uint32_t file) {
  node.position.file = file;
  for (Node& key : node.keys) set_file(key, file);
  for (Node& item : node.items) set_file(item, file);
}

Tree read_tree(std::string_view source) {
  Tree tree;
  const auto refuse = [&tree](Refusal refusal) {
    tree.root.reset();
    tree.diagnostics.push_back({Severity::kError, refusal.position, 1, std::move(refusal.message),
                                std::move(refusal.hint)});
  };
  if (source.size() > kFileBytesMax) {
    refuse(
        {{},
         fmt::format("the file has {} bytes, more than {} MiB", source.size(), kFileBytesMax >> 20),
         "a dataflow is far smaller: is this the right file?"});
    return tree;
  }
  const std::string text = normalized(source);
  if (auto binary = find_binary(text)) {
    refuse(std::move(*binary));
    return tree;
  }
  Builder builder(text, tree.diagnostics);
  try {
    parse_with(builder, text);
    tree.root = builder.take_root();
  } catch (Refusal& refusal) {
    refuse(std::move(refusal));
  } catch (const YAML::Exception& error) {
    const Position position = position_of(error.mark);
    refuse({position, fmt::format("this is not YAML: {}", error.msg), hint_for(text, position)});
  } catch (const std::exception& error) {
    refuse({{}, fmt::format("this is not YAML: {}", error.what()), ""});
  }
  return tree;
}

}  // namespace

Tree read_yaml(std::string_view source, std::uint32_t file) {
  Tree tree = read_tree(source);
  if (file == 0) return tree;
  if (tree.root) set_file(*tree.root, file);
  for (Diagnostic& diagnostic : tree.diagnostics) diagnostic.position.file = file;
  return tree;
}

}  // namespace gameflow::spec
