#include "connect/connector_file.h"

#include <exception>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace gameflow::connect {
namespace {

class NoHost final : public Host {
 public:
  bool is_stopping() const override { return true; }
  void tell(const std::string&) override {}
};

Result<std::string> text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || file.bad() || std::filesystem::is_directory(path)) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("the connector's file '{}' cannot be read", path.string()));
  }
  return std::move(text).str();
}

// What of several settings does not go together only the kind itself knows.
Status try_settings(const spec::Connector& connector, const Secrets* secrets) {
  NoHost host;
  try {
    if (connector.is_source()) {
      (void)connector.kind.make_source(connector.settings, host);
    } else {
      (void)connector.kind.make_sink(connector.settings, host);
    }
  } catch (const std::exception& error) {
    const std::string message =
        fmt::format("{}: error: {}", connector.file_name, std::string(error.what()));
    return fail(ErrorCode::kInvalidArgument,
                secrets != nullptr ? secrets->redact(message) : message);
  }
  return {};
}

Result<spec::Connector> parse(const std::filesystem::path& path, std::span<const Kind> kinds,
                              const spec::FindSecret& find, const Secrets* secrets) {
  GF_ASSIGN(const std::string text, text_of(path));
  spec::ConnectorResult result = spec::parse_connector(text, path.string(), kinds, find);
  if (!result.connector) {
    std::string told = spec::render(result.diagnostics, path.string(), text);
    while (told.ends_with('\n')) told.pop_back();
    return fail(ErrorCode::kInvalidArgument, secrets != nullptr ? secrets->redact(told) : told);
  }
  return std::move(*result.connector);
}

}  // namespace

Result<ConnectorFile> read_connector(const std::filesystem::path& path,
                                     const std::filesystem::path& secrets_file,
                                     std::span<const Kind> kinds) {
  GF_ASSIGN(Secrets opened, Secrets::open(secrets_file, path.parent_path()));
  const auto secrets = std::make_shared<Secrets>(std::move(opened));
  const auto find = [&](const spec::SecretReference& reference) {
    return secrets->find(reference);
  };
  GF_ASSIGN(spec::Connector connector, parse(path, kinds, find, secrets.get()));
  GF_TRY(try_settings(connector, secrets.get()));
  return ConnectorFile{std::move(connector), secrets};
}

Result<spec::Connector> check_connector(const std::filesystem::path& path,
                                        std::span<const Kind> kinds) {
  return parse(path, kinds, nullptr, nullptr);
}

}  // namespace gameflow::connect
