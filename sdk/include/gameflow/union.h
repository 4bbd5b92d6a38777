// What the types of `enum` become: generated code derives from Union, or asks for names. Not for
// operators.
#pragma once

#include <span>

#include <gameflow/types.h>

namespace gameflow::detail {

// The name of variant `number`.
inline Text variant_name(std::span<const Text> names, std::size_t number) {
  if (number >= names.size())
    throw std::out_of_range("an enum has no variant " + std::to_string(number));
  return names[number];
}

// A value of one of several types: the value, then which one it is. A new one is the first variant,
// all zeros.
template <std::size_t Size, std::size_t Align>
class Union {
 public:
 protected:
  // No variant has a name like these. `number` is its place in the dataflow.
  bool is_(u16 number) const { return number_ == number; }
  Text name_(std::span<const Text> names) const { return variant_name(names, number_); }
  template <class Self, class T>
  static Self make_(u16 number, const T& value) {
    static_assert(sizeof(T) <= Size && alignof(T) <= Align && std::is_trivially_copyable_v<T>);
    Self made = make_<Self>(number);
    std::memcpy(made.bytes_, &value, sizeof value);
    return made;
  }
  template <class Self>
  static Self make_(u16 number) {
    Self made;
    made.number_ = number;
    return made;
  }
  // Null: it is another one.
  template <class T>
  const T* get_(u16 number) const {
    return number_ == number ? reinterpret_cast<const T*>(bytes_) : nullptr;
  }

 private:
  alignas(Align) unsigned char bytes_[Size] = {};
  u16 number_ = 0;
};

}  // namespace gameflow::detail
