// Map<T>: an object of JSON with any keys.
#pragma once

#include <gameflow/types.h>

namespace gameflow {

template <class T>
struct MapEntry {
  Text key{};
  T value{};
};

// Keys and values in the order in which they came, each key once. A copy shares the entries, as
// that of a List does. Looking a key up goes through them: it is for a few.
template <class T>
class Map {
 public:
  using Entry = MapEntry<T>;

  constexpr Map() = default;
  Map(std::initializer_list<Entry> entries) {
    for (const Entry& entry : entries) set(entry.key, entry.value);
  }

  Entry* begin() { return entries_.begin(); }
  Entry* end() { return entries_.end(); }
  const Entry* begin() const { return entries_.begin(); }
  const Entry* end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  // Null: there is none.
  const T* find(std::string_view key) const {
    for (const Entry& entry : *this) {
      if (entry.key.view() == key) return &entry.value;
    }
    return nullptr;
  }
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  // Throws std::out_of_range where there is none.
  const T& operator[](std::string_view key) const {
    if (const T* const value = find(key)) return *value;
    throw std::out_of_range("the map has no key \"" + std::string(key) + "\"");
  }
  // A key that is there keeps its place.
  void set(Text key, const T& value) {
    for (Entry& entry : *this) {
      if (entry.key == key) {
        entry.value = value;
        return;
      }
    }
    entries_.push_back({key, value});
  }

 private:
  List<Entry> entries_;
};

}  // namespace gameflow
