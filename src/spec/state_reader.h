// Section `states` of a service.
#pragma once

#include <optional>
#include <vector>

#include "record/type.h"
#include "spec/code_reader.h"
#include "spec/reader.h"
#include "spec/type_reader.h"

namespace gameflow::spec {

class StateReader {
 public:
  StateReader(Report& report, TypeReader& types, FunctionReader& functions, const Imports& imports,
              const ExampleNames& names, bool is_in_window)
      : report_(report),
        types_(types),
        functions_(functions),
        imports_(imports),
        names_(names),
        is_in_window_(is_in_window) {}

  // Fills the service's states and references.
  void read(const Node& map, Service& service);
  // A state as a package defines it.
  // Without what its rows say when they run out, which may be a function that is read later:
  std::optional<State> read_definition(const Node& key, const Node& body);
  void read_expiry(const Node& body, State& state);

 private:
  std::optional<State> read_state(const Node& key, const Node& body);
  std::optional<State> read_use(const Node& key, const Node& name);
  std::optional<StateReference> read_reference(const Node& key, const Node& body);
  const record::Type* read_row(const Fields& fields, const Node& body, State& state);
  const record::Type* read_primitive(const Node& columns);
  void read_merges(const Node& columns, const record::Type* row, State& state);
  void read_ttl(const Fields& fields, const Node& body, State& state);
  void read_on_expire(const Fields& fields, const Node& body, State& state);
  void check_keys(const Node& map, const std::vector<State>& states);

  Report& report_;
  TypeReader& types_;
  FunctionReader& functions_;
  const Imports& imports_;
  ExampleNames names_;
  bool is_in_window_;
  bool is_in_package_ = false;
};

}  // namespace gameflow::spec
