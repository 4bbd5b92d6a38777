// What a WebSocket or an endless reply is sent: pulled, one message at a time, once the last one is
// written. Who reads slowly costs nobody else anything, because there is no queue.
//
// Threads  next(), receive(): the connection's, one at a time. wake(): any.
#pragma once

#include <string_view>

#include "base/error.h"

namespace gameflow::serve {

struct Message {
  enum class Kind : std::uint8_t {
    kText,      // `text`; good until the next call
    kNone,      // nothing for now: the waiter is woken when there may be more
    kEnd,       // there will never be more; `text` says why
    kUnwanted,  // the client sends what nobody reads here; `text` says so, and it ends
  } kind = Kind::kNone;
  std::string_view text;
};

class Messages {
 public:
  virtual ~Messages() = default;
  // A failure breaks the connection off, so that the other side knows that something is missing.
  virtual Result<Message> next() = 0;
  // What the client of a WebSocket sends. It is asked for the next message after that.
  virtual void receive(std::string_view) {}
};

// A connection that waits for more messages.
class Waiter {
 public:
  virtual ~Waiter() = default;
  // "Look again". Calls between two looks count as one.
  virtual void wake() = 0;
};

}  // namespace gameflow::serve
