#include "state/shard.h"

#include <utility>

#include "base/check.h"

namespace gameflow::state {

Shard::Window& Shard::touch(Timestamp start) {
  std::unique_ptr<Window>& window = windows_[start];
  if (window == nullptr) window = std::make_unique<Window>(start, layout_);
  if (!std::exchange(window->touched_, true)) touched_.push_back(window.get());
  return *window;
}

Shard::Window* Shard::find(Timestamp start) {
  const auto found = windows_.find(start);
  return found == windows_.end() ? nullptr : found->second.get();
}

void Shard::drop_empty() {
  std::erase_if(touched_, [this](const Window* window) {
    bool is_empty = window->is_new_;
    for (std::size_t state = 0; is_empty && state < layout_.state_count(); ++state)
      is_empty = window->table.rows(state) == 0;
    if (is_empty) windows_.erase(window->start);
    return is_empty;
  });
}

void Shard::discount(const Window& window) {
  bytes_ -= window.bytes_;
  for (std::size_t state = 0; state < window.rows_.size(); ++state)
    rows_[state] -= window.rows_[state];
}

// The window as it is now is what the next epoch finds.
void Shard::settle(Window& window) {
  discount(window);
  window.touched_ = window.is_new_ = false;
  window.bytes_ = window.table.bytes();
  window.keys_ = window.table.keys();
  window.rows_.resize(layout_.state_count());
  for (std::size_t state = 0; state < window.rows_.size(); ++state) {
    window.rows_[state] = window.table.rows(state);
    rows_[state] += window.rows_[state];
  }
  bytes_ += window.bytes_;
}

void Shard::set_sealed() {
  for (Window* window : unsealed_) window->is_sealed_ = true;
  unsealed_.clear();
}

void Shard::revert() {
  for (Window* window : touched_) {
    if (window->is_new_) {
      windows_.erase(window->start);
      continue;
    }
    window->table.revert();
    window->touched_ = false;
  }
  touched_.clear();
}

std::unique_ptr<Shard::Window> Shard::take(Timestamp start) {
  const auto found = windows_.find(start);
  if (found == windows_.end()) return nullptr;
  GF_CHECK(!found->second->touched_);
  discount(*found->second);
  auto window = std::move(found->second);
  windows_.erase(found);
  if (!window->is_sealed_) std::erase(unsealed_, window.get());
  return window;
}

}  // namespace gameflow::state
