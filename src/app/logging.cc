#include "app/logging.h"

#include <memory>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "app/terminal.h"

namespace gameflow::app {

void set_up_logging(const std::string& level) {
  auto logger = spdlog::stderr_color_mt(
      "gameflow", use_colour() ? spdlog::color_mode::always : spdlog::color_mode::never);
  logger->set_level(spdlog::level::from_str(level == "error" ? "err" : level));
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%dT%H:%M:%S.%eZ %^%-5l%$ %v", spdlog::pattern_time_type::utc));
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace gameflow::app
