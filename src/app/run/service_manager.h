// What a service manager such as systemd is told of the server (Type=notify): the protocol of
// sd_notify(3), whose manual gives these few lines to programs that do not link to libsystemd.
//
// Threads  one.
// Errors   none: a manager that does not listen changes nothing for the server.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace gameflow::app {

class ServiceManager {
 public:
  // Takes $NOTIFY_SOCKET and $WATCHDOG_USEC out of the environment: they are not for compilers and
  // other children. Without them there is nobody to tell.
  ServiceManager();

  // `status` is a line for `systemctl status`.
  void ready(const std::string& status);
  void reloading();  // ready() follows
  void stopping();
  void alive();  // for the watchdog

  // How often alive() is due, so that the manager does not take the program as hung.
  std::optional<std::chrono::milliseconds> alive_every() const { return alive_every_; }

 private:
  void tell(std::string_view lines);

  std::string socket_;  // a path; with '@' in front an abstract one; empty: none
  std::optional<std::chrono::milliseconds> alive_every_;
};

}  // namespace gameflow::app
