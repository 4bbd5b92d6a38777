#include "serve/connections.h"

#include <algorithm>

#include <fmt/format.h>

namespace gameflow::serve {

Connections::Lease::~Lease() {
  if (owner_ == nullptr) return;
  const MutexLock lock(owner_->mutex_);
  const auto open = owner_->open_.find(id_);
  if (open->second.stays) --owner_->staying_;
  if (open->second.place == Place::kRefused) --owner_->refused_;
  const auto of_address = owner_->by_address_.find(open->second.address);
  if (of_address != owner_->by_address_.end() && --of_address->second == 0)
    owner_->by_address_.erase(of_address);
  owner_->open_.erase(open);
  if (owner_->open_.empty()) owner_->none_.notify_all();
}

void Connections::Lease::hold(const std::weak_ptr<Session>& session) {
  State state;
  {
    const MutexLock lock(owner_->mutex_);
    Open& open = owner_->open_[id_];
    open.session = session;
    state = open.is_stopped ? std::max(owner_->state_, State::kStopping) : owner_->state_;
  }
  tell(session, state);
}

bool Connections::Lease::stay(const auth::Caller& caller) {
  const MutexLock lock(owner_->mutex_);
  Open& open = owner_->open_[id_];
  open.caller = caller;
  if (open.stays) return true;
  if (owner_->staying_ >= owner_->staying_max_) return false;
  ++owner_->staying_;
  open.stays = true;
  return true;
}

void Connections::Lease::leave() {
  const MutexLock lock(owner_->mutex_);
  if (std::exchange(owner_->open_[id_].stays, false)) --owner_->staying_;
}

Connections::Connections(std::size_t connections_max, std::size_t per_address_max)
    : max_(std::max<std::size_t>(1, connections_max)),
      reserved_(max_ / 16),
      per_address_max_(per_address_max != 0 ? per_address_max : (max_ + 1) / 2),
      staying_max_((max_ * 3 + 3) / 4) {}

std::optional<Connections::Lease> Connections::admit(const std::string& address) {
  const MutexLock lock(mutex_);
  if (state_ != State::kServing) return std::nullopt;
  const auto found = by_address_.find(address);
  const std::size_t of_address = found == by_address_.end() ? 0 : found->second;
  const std::size_t served = open_.size() - refused_;
  Place place = Place::kOrdinary;
  if (served >= max_ || of_address >= per_address_max_)
    place = Place::kRefused;
  else if (served >= max_ - reserved_)
    place = Place::kReserved;
  const bool is_even_that_too_much =
      refused_ >= kRefusedMax || of_address >= per_address_max_ + kRefusedPerAddressMax;
  if (place == Place::kRefused && is_even_that_too_much) return std::nullopt;
  if (place == Place::kRefused) ++refused_;
  if (!address.empty()) ++by_address_[address];
  open_.emplace(++next_id_, Open{{}, address, place});
  return Lease(this, next_id_, place);
}

std::string Connections::why(const Lease& lease) const {
  const MutexLock lock(mutex_);
  if (lease.place() == Place::kRefused && open_.size() - refused_ < max_) {
    return fmt::format(
        "too many connections from this address: {} are open, which is the most for "
        "one (--max-connections-per-address)",
        per_address_max_);
  }
  if (lease.place() == Place::kOrdinary) {
    return fmt::format(
        "too many WebSockets and streams: {} are open, of {} connections "
        "(--max-connections)",
        staying_, max_);
  }
  return fmt::format("too many connections: {} is the most (--max-connections); try again later",
                     max_);
}

void Connections::stop_all() {
  tell(State::kStopping);
}

void Connections::abort_all() {
  tell(State::kAborting);
}

void Connections::stop_of(const std::function<bool(const auth::Caller&)>& is_one) {
  std::vector<std::weak_ptr<Session>> sessions;
  {
    const MutexLock lock(mutex_);
    for (auto& [id, open] : open_) {
      if (!open.stays || !is_one(open.caller)) continue;
      open.is_stopped = true;
      sessions.push_back(open.session);
    }
  }
  for (const auto& session : sessions) tell(session, State::kStopping);  // outside the lock
}

void Connections::tell(State state) {
  std::vector<std::weak_ptr<Session>> sessions;
  {
    const MutexLock lock(mutex_);
    state_ = state;
    for (const auto& [id, open] : open_) sessions.push_back(open.session);
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
                        [this]() GF_REQUIRES(mutex_) { return open_.empty(); });
}

void Connections::wait_until_none() {
  MutexLock lock(mutex_);
  none_.wait(lock.native(), [this]() GF_REQUIRES(mutex_) { return open_.empty(); });
}

std::size_t Connections::count() const {
  const MutexLock lock(mutex_);
  return open_.size();
}

std::size_t Connections::staying() const {
  const MutexLock lock(mutex_);
  return staying_;
}

}  // namespace gameflow::serve
