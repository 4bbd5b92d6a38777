// A program that runs beside a case: what it prints is ours to read, what it says on standard error
// goes to a file, and into the message where it fails.
//
// Threads  one.
// Errors   std::exception, also where it cannot be started.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace gameflow::bench {

// `gameflow`, as it was built with this.
std::filesystem::path gameflow_program();

// Ended with the object, by SIGTERM.
class Program {
 public:
  // Looked for in PATH where there is no '/' in its name.
  Program(std::vector<std::string> command, const std::filesystem::path& log);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // What it prints next, without the line end.
  std::string read_line();
  // The port of the line "listening on http://127.0.0.1:3001".
  std::uint16_t read_port();
  // The most memory that it has held so far.
  std::size_t resident_bytes_max() const;
  // And that it holds now.
  std::size_t resident_bytes() const;
  // Throws if it has ended.
  void check_running();
  // Returns once it has ended by itself; throws where that was no success.
  void wait();

 private:
  // Of /proc/PID/status: "VmHWM:".
  std::size_t status_bytes(std::string_view field) const;
  [[noreturn]] void fail(const std::string& what) const;

  const std::string name_;
  const std::filesystem::path log_;
  pid_t process_ = 0;
  int output_ = -1;
};

}  // namespace gameflow::bench
