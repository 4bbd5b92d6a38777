// YAML text as our own tree: every node knows where it stands, and nothing in it can loop or blow
// up. The only place that knows yaml-cpp.
//
// Limits   kFileBytesMax, kNodesMax and kTextBytesMax (copies made for aliases count), kDepthMax.
// Errors   diagnostics. Text that is not YAML gives one and no tree; duplicate keys and tags give
//          one each, and a tree (of duplicates the first counts).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/diagnostic.h"

namespace gameflow::spec {

inline constexpr std::size_t kFileBytesMax = 1U << 20;
inline constexpr std::size_t kNodesMax = 100'000;
inline constexpr std::size_t kTextBytesMax = 4U << 20;
inline constexpr std::size_t kDepthMax = 64;

enum class NodeKind : std::uint8_t { kNull, kScalar, kMap, kList };

enum class ScalarStyle : std::uint8_t { kPlain, kQuoted, kLiteral, kFolded };

// `no` and `0777` are texts like any other here: what a scalar means is its reader's business.
struct Node {
  NodeKind kind = NodeKind::kNull;
  ScalarStyle style = ScalarStyle::kPlain;
  Position position;
  std::uint32_t length = 1;  // columns on its first line
  std::string text;          // kScalar, without quotes
  std::vector<Node> keys;    // kMap: scalars, as many as `items`, each text once
  std::vector<Node> items;   // kMap: the values; kList: the items

  // The value of a key; null if this is not a map or does not have it.
  const Node* find(std::string_view key) const;
  // The key itself, for its position.
  const Node* find_key(std::string_view key) const;
};

struct Tree {
  std::optional<Node> root;
  std::vector<Diagnostic> diagnostics;
};

// `file`: of the positions.
Tree read_yaml(std::string_view source, std::uint32_t file = 0);

// `source` as positions count it: without byte order mark, lines ended by '\n' alone.
std::string normalized(std::string_view source);

}  // namespace gameflow::spec
