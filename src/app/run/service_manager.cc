#include "app/run/service_manager.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"

namespace gameflow::app {
namespace {

// The value of a variable, which then is gone.
std::string take_variable(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value != nullptr ? value : "";
  ::unsetenv(name);
  return text;
}

std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

ServiceManager::ServiceManager() : socket_(take_variable("NOTIFY_SOCKET")) {
  const std::string pid = take_variable("WATCHDOG_PID");
  const std::optional<std::uint64_t> us = to_number<std::uint64_t>(take_variable("WATCHDOG_USEC"));
  const bool is_for_us = pid.empty() || pid == std::to_string(::getpid());
  if (us && *us > 0 && is_for_us) {
    // Twice as often as it must be.
    alive_every_ = std::chrono::milliseconds(std::max<std::uint64_t>(1, *us / 2'000));
  }
}

void ServiceManager::ready(const std::string& status) {
  tell(fmt::format("READY=1\nSTATUS={}\n", status));
}

void ServiceManager::reloading() {
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n", monotonic_us()));
}

void ServiceManager::stopping() {
  tell("STOPPING=1\nSTATUS=stopping\n");
}

void ServiceManager::alive() {
  tell("WATCHDOG=1\n");
}

void ServiceManager::tell(std::string_view lines) {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() > sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int file = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0) return;
  (void)::sendto(file, lines.data(), lines.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), length);
  ::close(file);
}

}  // namespace gameflow::app
