// A TCP connection that is written to.
//
// Threads  one at a time.
// Errors   Retry where the other side is away or takes nothing for `timeout`; std::runtime_error
// for
//          an address that is none.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <gameflow/connect/connector.h>

#include "base/file_handle.h"

namespace gameflow::connect {

class TcpStream {
 public:
  // `address` as "HOST:PORT", "[::1]:PORT"; without a port, `default_port`.
  TcpStream(std::string_view address, std::string_view default_port,
            std::chrono::milliseconds timeout, Host& host);

  void send(std::string_view bytes);
  // Returns once the other machine has acknowledged all bytes. That its program has read them, TCP
  // does not tell.
  void wait_until_received();

 private:
  [[noreturn]] void fail(std::string_view what) const;
  void wait_for(short events, std::string_view what);
  void check_alive();

  std::string address_;
  std::chrono::milliseconds timeout_;
  Host& host_;
  FileHandle socket_;
};

}  // namespace gameflow::connect
