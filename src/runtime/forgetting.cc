#include "runtime/forgetting.h"

#include <charconv>

#include <gameflow/key.h>

namespace gameflow::runtime {
namespace {

// The key that an operator gives for the integer; nothing: the id is none.
template <class Integer>
std::optional<std::string> encoded(std::string_view id) {
  Integer number{};
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size()) return std::nullopt;
  return encode_key(number).str();
}

}  // namespace

bool Forgetting::is_key(std::string_view service, record::Kind kind, std::string_view key) const {
  if (!services_.contains(service)) return false;
  if (kind == record::Kind::kString) return player_.is_word_of(key);
  if (!record::is_integer(kind)) return false;
  const auto own = record::is_signed(kind) ? encoded<std::int64_t>(player_.id())
                                           : encoded<std::uint64_t>(player_.id());
  return own == key;
}

}  // namespace gameflow::runtime
