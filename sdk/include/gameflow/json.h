// Json: any value of JSON, as the text that it came as.
#pragma once

#include <gameflow/types.h>

namespace gameflow {

class Json {
 public:
  constexpr Json() = default;
  // Text that is no JSON is written as a string of JSON.
  explicit Json(Text text) : data_(text.data()), size_(checked(text.size())) {}

  // "null" where nothing else was said.
  constexpr Text text() const {
    return size_ == 0 ? Text("null") : Text::view({data_, std::size_t{size_}});
  }
  friend constexpr bool operator==(const Json& a, const Json& b) { return a.text() == b.text(); }

 private:
  static u32 checked(std::size_t size) {
    if (size > UINT32_MAX) throw std::length_error("a Json has at most 2^32 - 1 bytes");
    return static_cast<u32>(size);
  }

  const char* data_ = nullptr;
  u32 size_ = 0;
  [[maybe_unused]] u32 is_of_record_ = 0;  // 1: the engine has read it, so it is JSON
};

}  // namespace gameflow
