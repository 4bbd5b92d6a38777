// Names of the network library, for the few files that use it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace gameflow::serve {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorOf = boost::system::error_code;  // what an operation of the network library ended with

}  // namespace gameflow::serve
