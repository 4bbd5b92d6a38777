// Packages: types, states and functions that dataflows share. A package is a folder with
// gameflow-package.yaml, which is read once, however many files import it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/type.h"
#include "spec/code_reader.h"
#include "spec/imports.h"
#include "spec/model.h"
#include "spec/reader.h"
#include "spec/type_reader.h"

namespace gameflow::spec {

inline constexpr std::string_view kPackageFile = "gameflow-package.yaml";

class PackageReader {
 public:
  // All outlive it. `files` has the dataflow, and gets the files of packages.
  PackageReader(Report& report, const PackageSearch& search, TypeSpace& space,
                std::vector<SourceFile>& files)
      : report_(report), search_(search), space_(space), files_(files) {}

  // What the sections `imports` and `dev` (either may be null) of the file number `file` bring:
  // types into `types`, all else into the result.
  Imports import(const Node* imports, const Node* dev, std::uint32_t file, TypeReader& types);

 private:
  struct Package {
    std::string id;  // "examples/words@0.1.0"
    std::optional<Node> root;
    std::unique_ptr<TypeReader> types;
    Imports imports;
    std::map<std::string, Function, std::less<>> functions;  // without code where it has mistakes
    std::map<std::string, std::optional<State>, std::less<>> states;
  };
  // What an import asks for.
  struct Wanted {
    const Node* node;  // of `pkg`
    std::string space, name, version;

    std::string id() const { return space + "/" + name + "@" + version; }
  };
  struct Place {
    std::string file;
    const Node* said_at = nullptr;  // null: found along --package-path
  };

  // Of a function.
  struct Input {
    const Node* node;
    const record::Type* type;  // null: it has mistakes
  };

  std::optional<Wanted> read_wanted(const Fields& fields);
  std::map<std::string, Place> read_dev(const Node* dev, std::uint32_t file);
  std::string beside(std::uint32_t file, std::string_view path) const;
  // Null after a report.
  const Package* find(const Wanted& wanted, const std::optional<Place>& place);
  bool is_cycle(const Wanted& wanted);
  const Package* load(const Wanted& wanted, const std::string& name, std::string text);
  void read(const Node& root, std::uint32_t file, Package& package);
  bool check_meta(const Node& root, const Wanted& wanted);
  void read_states(const Node& section, FunctionReader& functions, Package& package);
  void read_expiries(const Node& section, const std::string& source, Package& package);
  void read_functions(const Node& section, FunctionReader& functions, std::uint32_t file,
                      Package& package);
  Function read_function(const Node& key, const Node& body, FunctionReader& functions,
                         std::uint32_t file, Package& package);
  void read_inputs(const Fields& fields, const Node& body, FunctionKind kind,
                   const Package& package, Signature& signature);
  void check_inputs(const Node& body, FunctionKind kind, const std::vector<Input>& inputs,
                    Signature& signature);
  void read_output(const Fields& fields, const Node& body, FunctionKind kind,
                   const Package& package, Signature& signature);
  void read_states_of(const Node& list, const Package& package, Signature& signature);
  std::optional<Code> read_source(const Node& node, std::uint32_t file, const Package& package);
  void take(const Fields& fields, const Package* package, TypeReader& types, Imports& into);

  Report& report_;
  const PackageSearch& search_;
  TypeSpace& space_;
  std::vector<SourceFile>& files_;
  std::map<std::string, std::unique_ptr<Package>> packages_;  // by id
  std::map<std::string, Place> dev_;                          // of the dataflow
  std::vector<std::string> loading_;                          // the chain of packages being read
};

}  // namespace gameflow::spec
