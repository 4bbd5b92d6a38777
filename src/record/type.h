// Types of dataflow.yaml as the engine sees them: schema plans with the exact C++ layout.
//
// A Type is immutable once its TypeTable is finished and lives as long as the table. `size`,
// `align` and `offset` are those of the SDK types (sdk/include/gameflow/types.h) that generated
// code uses; generated static_asserts compare the two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::record {

enum class Kind : std::uint8_t {
  kBool,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kF32,
  kF64,
  kString,
  kBytes,
  kObject,
  kList,
};

// As written in YAML: "u32", "string", "object".
std::string_view to_string(Kind kind);
bool is_integer(Kind kind);
bool is_signed(Kind kind);

struct Type;

// `,"name":` as encode_json() copies it: whole blocks, which is one instruction for most names.
class JsonName {
 public:
  static constexpr std::size_t kBlock = 16;

  JsonName() = default;
  explicit JsonName(std::string_view name);

  std::string_view text() const { return std::string_view(padded_).substr(0, size_); }
  // The text and what fills its last block.
  const char* data() const { return padded_.data(); }
  std::size_t blocks() const { return padded_.size(); }  // bytes

 private:
  std::string padded_;
  std::size_t size_ = 0;
};

struct Field {
  std::string name;
  const Type* type = nullptr;
  bool optional = false;          // then the slot is an Optional<T>: the value, then a bool
  std::uint32_t offset = 0;       // of the slot in the struct, bytes
  std::uint32_t flag_offset = 0;  // optional only: of the bool in the struct, bytes
  JsonName json_name{};
};

struct Type {
  Kind kind = Kind::kBool;
  std::string name{};      // the YAML name of a named or nested object type; empty for others
  std::uint32_t size = 0;  // bytes
  std::uint32_t align = 1;
  std::vector<Field> fields{};  // kObject
  const Type* item = nullptr;   // kList
  std::uint32_t id = 0;  // position among the table's object types; the SDK's TypeId. kObject only

  const Field* find(std::string_view field) const;
};

// Owns types. Scalars are shared; lists are made once per item type.
class TypeTable {
 public:
  TypeTable();
  TypeTable(const TypeTable&) = delete;
  TypeTable& operator=(const TypeTable&) = delete;

  const Type* scalar(Kind kind) const;  // any kind but kObject and kList
  const Type* list_of(const Type* item);
  // An object with computed layout; the offsets and JSON names given in `fields` are ignored. Field
  // types must be finished.
  const Type* object(std::string name, std::vector<Field> fields);
  // Every object in order of creation: a type comes after the types it contains. Index = Type::id.
  const std::vector<const Type*>& objects() const { return objects_; }

 private:
  std::vector<std::unique_ptr<Type>> types_;
  std::vector<const Type*> objects_;
};

// True where values of both have the same bytes and meaning: kinds, field names, order and
// optionality. The names of object types do not matter.
bool same_shape(const Type& a, const Type& b);

// One line that two types share exactly where same_shape holds: "{count:u32,last?:string}".
// Persisted with state.
std::string shape_of(const Type& type);

}  // namespace gameflow::record
