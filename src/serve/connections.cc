#include "serve/connections.h"

namespace gameflow::serve {

Connections::Lease::~Lease() {
  if (owner_ == nullptr) return;
  const MutexLock lock(owner_->mutex_);
  owner_->sessions_.erase(id_);
  if (owner_->sessions_.empty()) owner_->none_.notify_all();
}

void Connections::Lease::hold(const std::weak_ptr<Session>& session) {
  State state;
  {
    const MutexLock lock(owner_->mutex_);
    owner_->sessions_[id_] = session;
    state = owner_->state_;
  }
  tell(session, state);
}

std::optional<Connections::Lease> Connections::admit() {
  const MutexLock lock(mutex_);
  if (state_ != State::kServing || sessions_.size() >= max_ + kRefusedMax) return std::nullopt;
  const bool over = sessions_.size() >= max_;
  sessions_.emplace(++next_id_, std::weak_ptr<Session>());
  return Lease(this, next_id_, over);
}

void Connections::stop_all() {
  tell(State::kStopping);
}

void Connections::abort_all() {
  tell(State::kAborting);
}

void Connections::tell(State state) {
  std::vector<std::weak_ptr<Session>> sessions;
  {
    const MutexLock lock(mutex_);
    state_ = state;
    for (const auto& [id, session] : sessions_) sessions.push_back(session);
  }
  for (const auto& session : sessions) tell(session, state);  // outside the lock
}

void Connections::tell(const std::weak_ptr<Session>& session, State state) {
  const auto target = session.lock();
  if (!target) return;
  if (state == State::kStopping) target->stop();
  if (state == State::kAborting) target->abort();
}

bool Connections::wait_until_none(std::chrono::milliseconds time_max) {
  MutexLock lock(mutex_);
  return none_.wait_for(lock.native(), time_max,
                        [this]() GF_REQUIRES(mutex_) { return sessions_.empty(); });
}

void Connections::wait_until_none() {
  MutexLock lock(mutex_);
  none_.wait(lock.native(), [this]() GF_REQUIRES(mutex_) { return sessions_.empty(); });
}

std::size_t Connections::count() const {
  const MutexLock lock(mutex_);
  return sessions_.size();
}

}  // namespace gameflow::serve
