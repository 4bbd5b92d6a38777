// The C++ types that stand for the types of dataflow.yaml.
//
// YAML            C++                         YAML            C++
// bool            bool                        string          Text
// i8 … i64        i8 … i64                    bytes           Bytes
// u8 … u64        u8 … u64                    list            List<T>
// f32, f64        f32, f64                    optional: true  Optional<T>
// object          a struct of the fields, in the same order
// timestamp       Timestamp, in time.h        decimal         Decimal<N>, in decimal.h
// map             Map<T>, in map.h            json            Json, in json.h
// enum            an enum class, or a class derived from Union, in union.h
//
// All are trivially copyable and laid out as the engine's schema plans compute it: generated code
// checks that with static_asserts. None owns memory: bytes live in a batch or in an arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <gameflow/text.h>

namespace gameflow {

using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using f32 = float;
using f64 = double;

// Bytes; in JSON they are base64 text.
struct Bytes {
  const u8* data = nullptr;
  std::size_t size = 0;

  const u8* begin() const { return data; }
  const u8* end() const { return data + size; }
};

// A sequence in the arena. Copying a List copies the view, not the items.
template <class T>
class List {
  static_assert(std::is_trivially_copyable_v<T>, "a List holds types of dataflow.yaml only");

 public:
  using value_type = T;

  constexpr List() = default;
  List(std::initializer_list<T> items) {
    reserve(items.size());
    for (const T& item : items) push_back(item);
  }

  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Throws std::out_of_range past the end: a mistake costs a record, not the server.
  T& operator[](std::size_t index) { return data_[checked(index)]; }
  const T& operator[](std::size_t index) const { return data_[checked(index)]; }
  T& front() { return data_[checked(0)]; }
  const T& front() const { return data_[checked(0)]; }
  T& back() { return data_[checked(size_ - std::size_t{1})]; }
  const T& back() const { return data_[checked(size_ - std::size_t{1})]; }

  void push_back(const T& item) {
    if (size_ == capacity_) reserve(capacity_ == 0 ? 8 : std::size_t{capacity_} * 2);
    data_[size_++] = item;
  }
  template <class... Values>
  T& emplace_back(const Values&... values) {
    push_back(T{values...});
    return back();
  }
  void pop_back() { size_ = static_cast<u32>(checked(size_ - std::size_t{1})); }
  void clear() { size_ = 0; }

  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    if (capacity > UINT32_MAX) throw std::length_error("a List holds at most 2^32 - 1 items");
    auto* grown = static_cast<T*>(arena().allocate(capacity * sizeof(T), alignof(T)));
    if (size_ != 0) std::memcpy(static_cast<void*>(grown), data_, size_ * sizeof(T));
    data_ = grown;
    capacity_ = static_cast<u32>(capacity);
  }

  void resize_down(std::size_t size) {
    if (size < size_) size_ = static_cast<u32>(size);
  }

 private:
  std::size_t checked(std::size_t index) const {
    if (index >= size_)
      throw std::out_of_range("List index " + std::to_string(index) + " of " +
                              std::to_string(size_));
    return index;
  }

  T* data_ = nullptr;
  u32 size_ = 0;
  u32 capacity_ = 0;
};

// A field that may be absent. Used like std::optional; its layout is fixed: the value, then a flag.
template <class T>
class Optional {
 public:
  constexpr Optional() = default;
  constexpr Optional(std::nullopt_t) {}  // NOLINT: implicit, as all of these
  constexpr Optional(const T& value)
      : value_(value), has_value_(true) {}  // NOLINT: implicit as std::optional
  // From what becomes a T, as "text" does.
  template <class Other, class = std::enable_if_t<!std::is_same_v<Other, T> &&
                                                  !std::is_same_v<Other, Optional> &&
                                                  std::is_convertible_v<const Other&, T>>>
  constexpr Optional(const Other& value) : Optional(T(value)) {}  // NOLINT

  constexpr bool has_value() const { return has_value_; }
  constexpr explicit operator bool() const { return has_value_; }
  constexpr const T& value() const {
    if (!has_value_) throw std::logic_error("the optional field has no value");
    return value_;
  }
  constexpr const T& operator*() const { return value(); }
  constexpr const T* operator->() const { return &value(); }
  constexpr T value_or(T otherwise) const { return has_value_ ? value_ : otherwise; }
  void reset() { *this = Optional(); }
  template <class... Values>
  T& emplace(const Values&... values) {
    *this = T{values...};
    return value_;
  }

  // As those of std::optional; a plain value becomes an Optional.
  friend constexpr bool operator==(const Optional& a, const Optional& b) {
    return a.has_value_ == b.has_value_ && (!a.has_value_ || a.value_ == b.value_);
  }

 private:
  T value_{};
  bool has_value_ = false;
};

// A value with a key for its record, of a function that gives the record another one.
template <class T>
struct KeyValue {
  Optional<Text> key;
  T value;
};

}  // namespace gameflow
