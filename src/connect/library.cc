#include "connect/library.h"

#include <algorithm>
#include <string>

#include <dlfcn.h>
#include <fmt/format.h>

#include "connect/kinds.h"

namespace gameflow::connect {
namespace {

Status invalid(const std::filesystem::path& library, std::string_view why) {
  return fail(ErrorCode::kLibraryInvalid,
              fmt::format("the library '{}' cannot be used: {}", library.string(), why));
}

Status check(const std::filesystem::path& library, const Kind& kind,
             const std::vector<Kind>& others) {
  if (std::ranges::count(others, kind.type, &Kind::type) != 0)
    return invalid(library, fmt::format("there is a kind '{}' already", kind.type));
  if ((kind.make_source == nullptr) == (kind.make_sink == nullptr)) {
    return invalid(library,
                   fmt::format("kind '{}' has to make either a source or a sink", kind.type));
  }
  const std::string_view end = kind.make_source != nullptr ? "-source" : "-sink";
  if (!kind.type.ends_with(end))
    return invalid(library,
                   fmt::format("the name of kind '{}' has to end with '{}'", kind.type, end));
  if (kind.section.empty() || kind.section == "meta" || kind.section == "apiVersion" ||
      kind.section == "route" || kind.section == "transforms")
    return invalid(library,
                   fmt::format("kind '{}' cannot have the section '{}'", kind.type, kind.section));
  return {};
}

}  // namespace

Result<std::vector<Kind>> kinds_with(const std::filesystem::path& library) {
  std::vector<Kind> all(kinds().begin(), kinds().end());
  if (library.empty()) return all;
  // A name without a slash would be looked for elsewhere.
  const std::filesystem::path path = std::filesystem::absolute(library);
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const why = ::dlerror();
    return fail(invalid(library, why != nullptr ? why : "it does not load").error());
  }
  using Entry = const Library* (*)();
  const auto entry = reinterpret_cast<Entry>(::dlsym(handle, "gameflow_connectors"));
  if (entry == nullptr) {
    return fail(
        invalid(library, "it has no connectors: put GAMEFLOW_CONNECTORS(…) into one of its files")
            .error());
  }
  const Library* const found = entry();
  if (found->version != kVersion) {
    return fail(
        invalid(library, fmt::format("it was built for version {} of the interface, this is "
                                     "version {}: build it again",
                                     found->version, kVersion))
            .error());
  }
  for (const Kind& kind : found->kinds) {
    GF_TRY(check(library, kind, all));
    all.push_back(kind);
  }
  return all;
}

}  // namespace gameflow::connect
