#include "spec/packages.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "record/type.h"
#include "spec/names.h"
#include "spec/sections.h"
#include "spec/state_reader.h"

namespace gameflow::spec {
namespace {

template <class Named>
std::string suggest(const std::string& name, const Named& there) {
  std::vector<std::string_view> names;
  names.reserve(there.size());
  for (const auto& [known, value] : there) names.emplace_back(known);
  return did_you_mean(name, names);
}

}  // namespace

Imports PackageReader::import(const Node* imports, const Node* dev, std::uint32_t file,
                              TypeReader& types) {
  Imports into;
  const std::map<std::string, Place> places = read_dev(dev, file);
  if (file == 0) dev_ = places;
  for (const Node* const node :
       maps_of(report_, imports, "'imports'", "for example '- pkg: examples/words@0.1.0'")) {
    const Fields fields(report_, *node, kImport);
    const auto wanted = read_wanted(fields);
    if (!wanted) {
      take(fields, nullptr, types, into);
      continue;
    }
    std::optional<Place> place;
    const Node* const path = fields.find("path");
    if (const auto said = places.find(wanted->id()); said != places.end()) {
      place = said->second;
    } else if (path != nullptr) {
      const auto text = read_text(report_, *path, "'path'");
      if (text) place = Place{beside(file, *text), path};
    } else if (const auto root = dev_.find(wanted->id()); root != dev_.end()) {
      place = root->second;
    }
    take(fields, find(*wanted, place), types, into);
  }
  return into;
}

std::optional<PackageReader::Wanted> PackageReader::read_wanted(const Fields& fields) {
  const auto text = fields.text("pkg");
  if (!text) return std::nullopt;
  const Node* const node = fields.find("pkg");
  const std::size_t slash = text->find('/'), at = text->find('@');
  Wanted wanted{node, {}, {}, {}};
  if (slash != std::string::npos && at != std::string::npos && slash < at) {
    wanted.space = text->substr(0, slash);
    wanted.name = text->substr(slash + 1, at - slash - 1);
    wanted.version = text->substr(at + 1);
    const bool is_fine = kDataflowName.is_valid(wanted.space) &&
                         kDataflowName.is_valid(wanted.name) && !wanted.version.empty() &&
                         wanted.version.find('/') == std::string::npos;
    if (is_fine) return wanted;
  }
  report_.error(*node,
                fmt::format("a package is NAMESPACE/NAME@VERSION, not '{}'", text->substr(0, 60)),
                "for example 'pkg: examples/words@0.1.0'");
  return std::nullopt;
}

std::map<std::string, PackageReader::Place> PackageReader::read_dev(const Node* dev,
                                                                    std::uint32_t file) {
  std::map<std::string, Place> places;
  if (dev == nullptr) return places;
  const Fields fields(report_, *dev, kDev);
  if (!fields.is_map()) return places;
  fields.word("converter");
  for (const Node* const node :
       maps_of(report_, fields.find("imports"), "'imports' of 'dev'",
               "for example '- { pkg: examples/words@0.1.0, path: ./packages/words }'")) {
    const Fields import(report_, *node, kDevImport);
    const auto wanted = read_wanted(import);
    const auto path = import.text("path");
    if (wanted && path) places[wanted->id()] = Place{beside(file, *path), node->find("path")};
  }
  return places;
}

// The package file in a folder named in another file.
std::string PackageReader::beside(std::uint32_t file, std::string_view path) const {
  const std::filesystem::path folder(files_[file].name);
  return (folder.parent_path() / path / kPackageFile).lexically_normal().string();
}

const PackageReader::Package* PackageReader::find(const Wanted& wanted,
                                                  const std::optional<Place>& place) {
  if (is_cycle(wanted)) return nullptr;
  if (const auto known = packages_.find(wanted.id()); known != packages_.end())
    return known->second.get();
  for (const auto& [id, package] : packages_) {
    if (!id.starts_with(wanted.space + "/" + wanted.name + "@")) continue;
    report_.error(*wanted.node,
                  fmt::format("package '{}' is imported already, as {}", wanted.id(), package->id),
                  "a dataflow uses one version of a package");
    return nullptr;
  }
  const auto read = [this](const std::string& name) {
    return search_.read ? search_.read(name) : std::nullopt;
  };
  if (place) {
    if (auto text = read(place->file)) return load(wanted, place->file, std::move(*text));
    report_.error(*place->said_at,
                  fmt::format("there is no package here: '{}' cannot be read", place->file),
                  fmt::format("a package is a folder with {}", kPackageFile));
    return nullptr;
  }
  for (const std::string& folder : search_.folders) {
    const std::string names[] = {fmt::format("{}/{}", wanted.space, wanted.name), wanted.name,
                                 wanted.id(), fmt::format("{}@{}", wanted.name, wanted.version)};
    for (const std::string& name : names) {
      const std::string file =
          (std::filesystem::path(folder) / name / kPackageFile).lexically_normal().string();
      if (auto text = read(file)) return load(wanted, file, std::move(*text));
    }
  }
  report_.error(
      *wanted.node, fmt::format("package '{}' is not found", wanted.id()),
      search_.folders.empty()
          ? fmt::format("say where it is: 'path: ./packages/{}' below it, or --package-path",
                        wanted.name)
          : fmt::format("looked for {0}/{1} and {1} in {2}", wanted.space, wanted.name,
                        fmt::join(search_.folders, ", ")));
  return nullptr;
}

bool PackageReader::is_cycle(const Wanted& wanted) {
  const auto start = std::ranges::find(loading_, wanted.id());
  if (start == loading_.end()) return false;
  report_.error(*wanted.node,
                fmt::format("packages import each other: {} -> {}",
                            fmt::join(start, loading_.end(), " -> "), wanted.id()),
                "take what both need into a third one");
  return true;
}

const PackageReader::Package* PackageReader::load(const Wanted& wanted, const std::string& name,
                                                  std::string text) {
  const auto file = static_cast<std::uint32_t>(files_.size());
  files_.push_back({name, fmt::format("{}/{}", wanted.id(), kPackageFile), std::move(text)});
  Package& package = *(packages_[wanted.id()] = std::make_unique<Package>());
  package.id = wanted.id();
  loading_.push_back(wanted.id());
  Tree tree = read_yaml(files_[file].text, file);
  for (Diagnostic& diagnostic : tree.diagnostics) report_.add(std::move(diagnostic));
  package.root = std::move(tree.root);
  Position whole;
  whole.file = file;
  const bool is_empty = !package.root || package.root->kind == NodeKind::kNull;
  if (is_empty && tree.diagnostics.empty()) report_.error(whole, "the file is empty");
  bool is_right = false;
  if (!is_empty) {
    is_right = check_meta(*package.root, wanted);
    if (is_right) read(*package.root, file, package);
  }
  loading_.pop_back();
  return is_right ? &package : nullptr;
}

// Whether it is what the import asks for.
bool PackageReader::check_meta(const Node& root, const Wanted& wanted) {
  const Node* const meta = root.find("meta");
  if (meta == nullptr || meta->kind != NodeKind::kMap) return true;  // told by read()
  const std::pair<std::string_view, std::string_view> parts[] = {
      {"namespace", wanted.space}, {"name", wanted.name}, {"version", wanted.version}};
  for (const auto& [key, text] : parts) {
    const Node* const node = meta->find(key);
    if (node == nullptr || node->kind != NodeKind::kScalar || node->text == text) continue;
    const auto& [line, column, file] = node->position;
    report_.error(
        *wanted.node,
        fmt::format("the package in {} has {} '{}', not '{}'", files_[file].name, key,
                    node->text.substr(0, 60), text),
        fmt::format("it says so in line {}, column {}: change one of them", line, column));
    return false;
  }
  return true;
}

void PackageReader::read(const Node& root, std::uint32_t file, Package& package) {
  const Fields fields(report_, root, kPackage);
  if (!fields.is_map()) return;
  const auto version = fields.word("apiVersion");
  if (const auto meta = fields.map("meta")) {
    for (const std::string_view key : {"namespace", "name", "version"}) meta->text(key);
  }
  const Naming naming = version == 2U ? Naming::kAsWritten : Naming::kAsSdf5;
  package.types = std::make_unique<TypeReader>(report_, naming, space_);
  package.imports = import(fields.find("imports"), fields.find("dev"), file, *package.types);
  if (const Node* const section = fields.find("types")) package.types->read_section(*section);
  const std::string source = normalized(files_[file].text);
  FunctionReader functions(report_, source, package.imports);
  if (const Node* const section = fields.find("states")) read_states(*section, functions, package);
  if (const Node* const section = fields.find("functions"))
    read_functions(*section, functions, file, package);
  if (const Node* const section = fields.find("states")) read_expiries(*section, source, package);
}

// A state may use functions of its package.
void PackageReader::read_expiries(const Node& section, const std::string& source,
                                  Package& package) {
  Imports known = package.imports;
  known.functions.insert(package.functions.begin(), package.functions.end());
  FunctionReader functions(report_, source, known);
  StateReader reader(report_, *package.types, functions, known, {}, false);
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    std::optional<State>& state = package.states[section.keys[i].text];
    if (state) reader.read_expiry(section.items[i], *state);
  }
  // Services that use a function get its states.
  for (auto& [name, function] : package.functions) {
    if (function.signature == nullptr || function.kind == FunctionKind::kOnExpire) continue;
    auto signature = std::make_shared<Signature>(*function.signature);
    for (State& state : signature->states) {
      const auto own = package.states.find(state.name);
      if (own != package.states.end() && own->second) state.on_expire = own->second->on_expire;
    }
    function.signature = std::move(signature);
  }
}

void PackageReader::read_states(const Node& section, FunctionReader& functions, Package& package) {
  if (section.kind != NodeKind::kMap) {
    report_.error(section,
                  fmt::format("'states' has to be a map, this is {}", describe(section.kind)));
    return;
  }
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    const Node& key = section.keys[i];
    check_name(report_, key, kStateName, key.text);
    StateReader reader(report_, *package.types, functions, package.imports, {}, false);
    if (package.imports.states.contains(key.text))
      report_.error(key, fmt::format("state '{}' is imported already", key.text),
                    "rename this one");
    package.states[key.text] = reader.read_definition(key, section.items[i]);
  }
}

void PackageReader::read_functions(const Node& section, FunctionReader& functions,
                                   std::uint32_t file, Package& package) {
  if (section.kind != NodeKind::kMap) {
    report_.error(section,
                  fmt::format("'functions' has to be a map, this is {}", describe(section.kind)),
                  "for example 'mask-ssn: { operator: map, inputs: …, output: …, run: … }'");
    return;
  }
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    const Node& key = section.keys[i];
    check_name(report_, key, kFunctionName, key.text);
    package.functions[key.text] = read_function(key, section.items[i], functions, file, package);
  }
}

// What an import names; where the package is null its names count as mistaken, which is told.
void PackageReader::take(const Fields& fields, const Package* package, TypeReader& types,
                         Imports& into) {
  const bool is_read = package != nullptr && package->types != nullptr;
  const auto names = [&](std::string_view key) {
    std::vector<const Node*> found;
    for (const Node* const node :
         maps_of(report_, fields.find(key), fmt::format("'{}' of an import", key),
                 fmt::format("for example '{}: [{{ name: … }}]'", key))) {
      const Fields item(report_, *node, kImportName);
      if (item.text("name")) found.push_back(node->find("name"));
    }
    return found;
  };
  const auto missing = [&](const Node& at, std::string_view what, std::string hint) {
    if (is_read)
      report_.error(at, fmt::format("package '{}' has no {} '{}'", package->id, what, at.text),
                    std::move(hint));
  };
  for (const Node* const name : names("types")) {
    const auto type = is_read ? package->types->find(name->text) : std::nullopt;
    if (!type) {
      std::vector<std::string_view> known;
      if (is_read) known = package->types->candidates();
      missing(*name, "type", did_you_mean(name->text, known));
    }
    types.import(*name, type.value_or(nullptr));
  }
  // Of the package's own, or of those that it imports itself.
  const auto take_all = [&](std::string_view what, auto own, auto imported) {
    auto& taken = into.*imported;
    for (const Node* const name : names(fmt::format("{}s", what))) {
      std::remove_cvref_t<decltype(taken.begin()->second)> value{};
      if (is_read) {
        const auto found = (package->*own).find(name->text);
        const auto passed_on = (package->imports.*imported).find(name->text);
        if (found != (package->*own).end()) {
          value = found->second;
        } else if (passed_on != (package->imports.*imported).end()) {
          value = passed_on->second;
        } else {
          missing(*name, what, suggest(name->text, package->*own));
        }
      }
      if (!taken.emplace(name->text, std::move(value)).second)
        report_.error(*name, fmt::format("{} '{}' is imported already", what, name->text),
                      "remove one");
    }
  };
  take_all("function", &Package::functions, &Imports::functions);
  take_all("state", &Package::states, &Imports::states);
}

}  // namespace gameflow::spec
