#include "spec/secret_texts.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace gameflow::spec {
namespace {

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

struct Found {
  SecretReference reference;
  std::size_t length = 0;  // of its text
};

// The reference that `text` begins with; nothing if it is none.
std::optional<Found> read_reference(std::string_view text) {
  using Kind = SecretReference::Kind;
  if (text.starts_with("${{")) {
    const std::size_t end = text.find("}}");
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view name = trim(text.substr(3, end - 3));
    if (!name.starts_with("secrets.")) return std::nullopt;
    name.remove_prefix(std::string_view("secrets.").size());
    return Found{{Kind::kNamed, std::string(name)}, end + 2};
  }
  const std::size_t end = text.find('}');
  if (end == std::string_view::npos) return std::nullopt;
  for (const auto& [kind, prefix] :
       {std::pair(Kind::kEnvironment, std::string_view("${env:")), {Kind::kFile, "${file:"}}) {
    if (text.starts_with(prefix) && end > prefix.size())
      return Found{{kind, std::string(text.substr(prefix.size(), end - prefix.size()))}, end + 1};
  }
  return std::nullopt;
}

class Filler {
 public:
  Filler(Report& report, const std::vector<std::string>& declared, const FindSecret& find)
      : report_(report), declared_(declared), find_(find) {}

  void fill(Node& node) {
    if (node.kind == NodeKind::kScalar) {
      fill_text(node);
      return;
    }
    if (const Node* const name = secret_name(node)) {
      Node text;
      text.kind = NodeKind::kScalar;
      text.position = name->position;
      text.length = name->length;
      text.text = "${{ secrets." + name->text + " }}";
      node = std::move(text);
      fill_text(node);
      return;
    }
    for (Node& item : node.items) fill(item);
  }

 private:
  // Of `{ secret: { name: NAME } }`.
  static const Node* secret_name(const Node& node) {
    const Node* const secret = node.items.size() == 1 ? node.find("secret") : nullptr;
    const Node* const name = secret != nullptr ? secret->find("name") : nullptr;
    return name != nullptr && name->kind == NodeKind::kScalar ? name : nullptr;
  }

  std::optional<std::string> find(const Node& node, const SecretReference& reference) {
    if (reference.kind == SecretReference::Kind::kNamed &&
        std::ranges::count(declared_, reference.name) == 0) {
      report_.error(node,
                    fmt::format("secret '{}' is not among 'secrets' of 'meta'", reference.name),
                    fmt::format("add it there: 'secrets: [{{ name: {} }}]'", reference.name));
      return std::nullopt;
    }
    if (!find_) return std::nullopt;
    auto secret = find_(reference);
    if (secret) return std::move(*secret);
    report_.error(node, secret.error().message);
    return std::nullopt;
  }

  void fill_text(Node& node) {
    std::string filled;
    std::string_view rest = node.text;
    for (std::size_t at = 0; (at = rest.find("${")) != std::string_view::npos;) {
      if (at > 0 && rest[at - 1] == '$') {  // "$${" is "${"
        filled.append(rest.substr(0, at - 1)).append("${");
        rest.remove_prefix(at + 2);
        continue;
      }
      filled.append(rest.substr(0, at));
      rest.remove_prefix(at);
      const auto found = read_reference(rest);
      if (!found) {
        report_.error(node, "'${' begins a reference to a secret, but this is none",
                      "write '${env:NAME}', '${file:PATH}', '${{ secrets.NAME }}', or '$${' for "
                      "'${' itself");
        return;
      }
      const auto secret = find(node, found->reference);
      filled.append(secret ? *secret : rest.substr(0, found->length));
      rest.remove_prefix(found->length);
    }
    if (find_) node.text = filled.append(rest);
  }

  Report& report_;
  const std::vector<std::string>& declared_;
  const FindSecret& find_;
};

}  // namespace

void fill_secrets(Report& report, Node& node, const std::vector<std::string>& declared,
                  const FindSecret& find) {
  Filler(report, declared, find).fill(node);
}

bool refers_to_secret(const std::string& text) {
  return text.find("${") != std::string::npos;
}

}  // namespace gameflow::spec
