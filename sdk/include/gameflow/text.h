// Text: the strings of operators.
#pragma once

#include <compare>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include <gameflow/arena.h>

namespace gameflow {

// UTF-8 text that never dangles inside an operator: a view of the record, of a literal, or of a
// copy in the call's arena when made from anything that might go away.
class Text {
  template <class T>
  static constexpr bool is_other_text = std::is_class_v<T> && !std::is_same_v<T, Text> &&
                                        std::is_convertible_v<const T&, std::string_view>;

 public:
  constexpr Text() = default;
  Text(std::nullptr_t) = delete;
  template <std::size_t N>
  constexpr Text(const char (&literal)[N])
      : data_(literal), size_(N - 1) {}  // NOLINT: implicit as std::string
  template <std::size_t N>
  Text(char (&buffer)[N]) : Text(std::string(buffer)) {}  // NOLINT: up to its NUL
  template <class Pointer, class = std::enable_if_t<std::is_pointer_v<Pointer> &&
                                                    std::is_convertible_v<Pointer, const char*>>>
  Text(const Pointer& text) : Text(std::string(text)) {}  // NOLINT: of `x ? "a" : "other"`
  Text(const std::string& text) : Text(copy(text)) {}     // NOLINT
  Text(std::string_view text) : Text(copy(text)) {}       // NOLINT

  // A view without a copy: the caller promises that the bytes outlive the call.
  static constexpr Text view(std::string_view text) { return Text(text.data(), text.size()); }

  constexpr const char* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr std::size_t length() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr std::string_view view() const { return {data_, size_}; }
  constexpr operator std::string_view() const { return view(); }  // NOLINT: implicit on purpose
  std::string str() const { return std::string(view()); }

  // As std::string_view has them.
  static constexpr std::size_t npos = std::string_view::npos;
  constexpr const char* begin() const { return data_; }
  constexpr const char* end() const { return data_ + size_; }
  constexpr char operator[](std::size_t index) const { return view().at(index); }  // or throws
  constexpr char front() const { return view().at(0); }
  constexpr char back() const { return view().at(size_ - 1); }
  constexpr bool contains(std::string_view part) const { return find(part) != npos; }
  constexpr bool contains(char c) const { return find(c) != npos; }
  constexpr bool starts_with(std::string_view prefix) const { return view().starts_with(prefix); }
  constexpr bool ends_with(std::string_view suffix) const { return view().ends_with(suffix); }
  constexpr std::size_t find(std::string_view part, std::size_t from = 0) const {
    return view().find(part, from);
  }
  constexpr std::size_t find(char c, std::size_t from = 0) const { return view().find(c, from); }
  constexpr std::size_t rfind(std::string_view part) const { return view().rfind(part); }
  constexpr std::size_t rfind(char c) const { return view().rfind(c); }
  // Of the same bytes: no copy. Throws std::out_of_range where `from` is behind the end.
  constexpr Text substr(std::size_t from, std::size_t count = npos) const {
    return view(view().substr(from, count));
  }

  friend constexpr bool operator==(Text a, Text b) { return a.view() == b.view(); }
  friend constexpr auto operator<=>(Text a, Text b) { return a.view() <=> b.view(); }
  // With std::string and std::string_view: in place, without a copy in the arena.
  template <class Other, class = std::enable_if_t<is_other_text<Other>>>
  friend constexpr bool operator==(Text a, const Other& b) {
    return a.view() == std::string_view(b);
  }
  template <class Other, class = std::enable_if_t<is_other_text<Other>>>
  friend constexpr auto operator<=>(Text a, const Other& b) {
    return a.view() <=> std::string_view(b);
  }

  friend Text operator+(Text a, Text b) {
    if (a.empty() || b.empty()) return a.empty() ? b : a;
    char* const joined = static_cast<char*>(arena().allocate(a.size_ + b.size_, 1));
    std::memcpy(joined, a.data_, a.size_);
    std::memcpy(joined + a.size_, b.data_, b.size_);
    return {joined, a.size_ + b.size_};
  }
  Text& operator+=(Text other) { return *this = *this + other; }
  // A template because <ostream> would double the time to compile an operator.
  template <class Stream, class = typename Stream::char_type>
  friend Stream& operator<<(Stream& out, Text text) {
    out << text.view();
    return out;
  }

 private:
  constexpr Text(const char* data, std::size_t size) : data_(data), size_(size) {}
  static Text copy(std::string_view text) {
    return {arena().copy(text.data(), text.size()), text.size()};
  }

  const char* data_ = "";
  std::size_t size_ = 0;
};

}  // namespace gameflow

template <>
struct std::hash<gameflow::Text> {
  std::size_t operator()(gameflow::Text text) const noexcept {
    return std::hash<std::string_view>{}(text.view());
  }
};
