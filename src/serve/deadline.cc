#include "serve/deadline.h"

namespace gameflow::serve {
namespace {

constexpr std::chrono::milliseconds kTellEvery{50};

}  // namespace

// Most deadlines are moved or lifted long before they are due. So the timer is set anew only where
// it would run out too late, and then looks at what is due: once in 10 s, not four times a request,
// each with a system call.
void Deadline::set(Instant due) {
  has_passed_ = false;
  due_ = due;
  if (!is_waiting_ || due_ < timer_.expiry()) wait(due_);
}

void Deadline::wait(Instant until) {
  is_waiting_ = true;
  timer_.expires_at(until);
  timer_.async_wait([deadline = weak_from_this()](const ErrorOf& error) {
    const auto self = deadline.lock();
    if (error || !self) return;  // set anew since, or the connection has ended
    self->is_waiting_ = false;
    if (self->due_ == Instant::max()) return;
    const Instant now = std::chrono::steady_clock::now();
    if (now < self->due_) return self->wait(self->due_);
    self->has_passed_ = true;
    ErrorOf ignored;
    self->transport_.next_layer().cancel(ignored);
    self->wait(now + kTellEvery);
  });
}

}  // namespace gameflow::serve
