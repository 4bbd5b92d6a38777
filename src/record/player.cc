#include "record/player.h"

#include <algorithm>
#include <concepts>
#include <optional>
#include <type_traits>

#include <fmt/format.h>

#include <gameflow/types.h>

#include "record/batch.h"
#include "record/codec.h"
#include "record/json_split.h"
#include "record/slot.h"
#include "record/visit.h"

namespace gameflow::record {
namespace {

bool is_of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == '@' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The text of a JSON string, as it stands with its quotes.
std::optional<std::string> unescape(std::string_view quoted) {
  std::string object = fmt::format("{{\"v\":{}}}", quoted);
  const std::size_t size = object.size();
  object.append(kPaddingBytes, '\0');
  return json_field(std::string_view(object).substr(0, size), "v");
}

}  // namespace

// Copies a JSON value without what is the player's. Goes by where tokens end; that records are JSON
// has been checked when they came.
class Player::Cutter {
 public:
  Cutter(const Player& player, std::string_view json, std::string& rest)
      : player_(player), at_(json.data()), end_(at_ + json.size()), rest_(rest) {}

  // Of a text that is no JSON value: nothing.
  std::optional<Part> run() {
    const bool is_all = value(Naming::kNot, 0);
    skip_space();
    if (!is_json_ || at_ != end_) return std::nullopt;
    return is_all ? Part::kAll : has_cut_ ? Part::kSome : Part::kNone;
  }

 private:
  // Whether the value is the player's. `naming`: what the field of it says of players.
  bool value(Naming naming, std::size_t depth) {
    skip_space();
    if (at_ == end_ || depth > kJsonDepthMax) return fail();
    if (*at_ == '{') return object(naming, depth);
    if (*at_ == '[') return list(naming, depth);
    const std::string_view token = *at_ == '"' ? string() : scalar();
    rest_ += token;
    if (naming == Naming::kNot || token.empty()) return false;
    return token[0] == '"' ? is_named(naming, token) : token == player_.id_;
  }

  bool object(Naming naming, std::size_t depth) {
    bool is_all = false;
    items('}', [&] {
      skip_space();
      if (at_ == end_ || *at_ != '"') return fail();
      const std::string_view name = string();
      rest_ += name;
      skip_space();
      if (at_ == end_ || *at_ != ':') return fail();
      rest_ += *at_++;
      const bool is_of_player = value(naming_of(name), depth + 1);
      if (is_named(naming, name)) return true;  // an object by player
      is_all = is_all || is_of_player;
      return false;
    });
    return is_all;
  }

  bool list(Naming naming, std::size_t depth) {
    items(']', [&] { return value(naming, depth + 1); });
    return false;
  }

  // Those that item() says true of are left out.
  template <class Item>
  void items(char close, Item&& item) {
    rest_ += *at_++;
    const std::size_t begin = rest_.size();
    for (skip_space(); at_ != end_ && *at_ != close; skip_space()) {
      const std::size_t before = rest_.size();
      if (before != begin) rest_ += ',';
      if (item()) {
        rest_.resize(before);
        has_cut_ = true;
      }
      skip_space();
      if (!is_json_ || at_ == end_) break;
      if (*at_ == ',') {
        ++at_;
      } else if (*at_ != close) {
        break;
      }
    }
    if (at_ == end_ || *at_ != close) {
      fail();
      return;
    }
    rest_ += *at_++;
  }

  std::string_view string() {
    const char* const begin = at_++;
    while (at_ != end_ && *at_ != '"') {
      if (*at_ == '\\' && ++at_ == end_) break;
      ++at_;
    }
    if (at_ == end_) {
      fail();
      return {};
    }
    ++at_;
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }
  std::string_view scalar() {
    const char* const begin = at_;
    while (at_ != end_ && (is_of_word(*at_) || *at_ == '+')) ++at_;
    if (at_ == begin) fail();
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }
  void skip_space() {
    while (at_ != end_ && is_space(*at_)) ++at_;
  }
  bool fail() {
    is_json_ = false;
    at_ = end_;
    return false;
  }

  // The text of a JSON string; `quoted`: as it stands, with its quotes.
  template <class Use>
  static auto with_text(std::string_view quoted, Use&& use) {
    if (quoted.size() < 2) return use(std::string_view());
    if (quoted.find('\\') != quoted.npos) return use(unescape(quoted).value_or(""));
    return use(quoted.substr(1, quoted.size() - 2));
  }
  bool is_named(Naming naming, std::string_view quoted) const {
    return naming != Naming::kNot &&
           with_text(quoted, [&](std::string_view text) { return player_.is_named(naming, text); });
  }
  Naming naming_of(std::string_view quoted) const {
    return with_text(quoted, [&](std::string_view text) { return player_.naming_of(text); });
  }

  const Player& player_;
  const char* at_;
  const char* const end_;
  std::string& rest_;
  bool has_cut_ = false, is_json_ = true;
};

bool Player::may_be_in(std::string_view text) const {
  return text.find(id_) != text.npos || text.find('\\') != text.npos;
}

bool Player::is_word_of(std::string_view text) const {
  for (std::size_t at = text.find(id_); at != text.npos; at = text.find(id_, at + 1)) {
    const std::size_t end = at + id_.size();
    if ((at == 0 || !is_of_word(text[at - 1])) && (end == text.size() || !is_of_word(text[end])))
      return true;
  }
  return false;
}

Player::Part Player::part_of(std::string_view json, std::string& rest) const {
  rest.clear();
  if (!may_be_in(json)) return Part::kNone;
  if (const auto part = Cutter(*this, json, rest).run()) return *part;
  return is_word_of(json) ? Part::kAll : Part::kNone;
}

Player::Naming Player::naming_of(std::string_view name) const {
  if (std::ranges::count(fields_, name) != 0) return Naming::kId;
  return std::ranges::count(mentions_, name) != 0 ? Naming::kWord : Naming::kNot;
}

Player::Naming Player::naming_of(const Field& field) const {
  for (const std::string* const name : {&field.name, &field.read_name, &field.write_name}) {
    if (const Naming naming = naming_of(*name); naming != Naming::kNot) return naming;
  }
  return Naming::kNot;
}

bool Player::is_named(Naming naming, std::string_view text) const {
  return naming == Naming::kId ? text == id_ : naming == Naming::kWord && is_word_of(text);
}

bool Player::has_field(const Type& row) const {
  return std::ranges::any_of(row.fields,
                             [&](const Field& field) { return naming_of(field) != Naming::kNot; });
}

bool Player::is_value(Naming naming, const Type& type, const void* slot) const {
  return visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, Text>) return is_named(naming, load<Text>(slot));
    if constexpr (IntegerSlot<T>) return fmt::format("{}", load<T>(slot)) == id_;
    return false;
  });
}

bool Player::empty_field(Naming naming, const Type& type, void* slot) const {
  if (type.kind != Kind::kList) {
    if (!is_value(naming, type, slot)) return false;
    type.clear(slot);
    return true;
  }
  const ListLayout& list = *static_cast<const ListLayout*>(slot);
  bool has_emptied = false;
  for (std::uint32_t i = 0; i < list.size; ++i) {
    char* const item = list.data + std::size_t{i} * type.item->size;
    if (!is_value(naming, *type.item, item)) continue;
    type.item->clear(item);
    has_emptied = true;
  }
  return has_emptied;
}

bool Player::empty_fields(const Type& row, void* slot) const {
  bool has_emptied = false;
  for (const Field& field : row.fields) {
    const Naming naming = naming_of(field);
    if (naming == Naming::kNot) continue;
    char* const at = static_cast<char*>(slot);
    if (field.optional && at[field.flag_offset] == 0) continue;
    if (!empty_field(naming, *field.type, at + field.offset)) continue;
    if (field.optional && field.type->kind != Kind::kList) at[field.flag_offset] = 0;
    has_emptied = true;
  }
  return has_emptied;
}

}  // namespace gameflow::record
