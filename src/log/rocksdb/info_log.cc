#include "log/rocksdb/info_log.h"

#include <array>
#include <cstdarg>
#include <cstdio>

#include <spdlog/spdlog.h>

namespace gameflow::log {
namespace {

class InfoLog final : public rocksdb::Logger {
 public:
  InfoLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    if (!spdlog::should_log(spdlog::level::debug)) return;
    std::array<char, 1024> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    spdlog::debug("rocksdb: {}", line.data());
  }
  // Its options, at each start.
  void LogHeader(const char* /*format*/, va_list /*arguments*/) override {}
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_info_log() {
  return std::make_shared<InfoLog>();
}

}  // namespace gameflow::log
