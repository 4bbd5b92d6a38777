// A connector's file, read with its secrets.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "connect/secrets.h"
#include "spec/connector.h"

namespace gameflow::connect {

struct ConnectorFile {
  spec::Connector connector;
  std::shared_ptr<const Secrets> secrets;
};

// kFileUnreadable; kInvalidArgument with all mistakes, each with its line. The settings of its kind
// have been tried, too.
Result<ConnectorFile> read_connector(const std::filesystem::path& path,
                                     const std::filesystem::path& secrets_file,
                                     std::span<const Kind> kinds);

// The same without a look at secrets, which this machine may not have.
Result<spec::Connector> check_connector(const std::filesystem::path& path,
                                        std::span<const Kind> kinds);

}  // namespace gameflow::connect
