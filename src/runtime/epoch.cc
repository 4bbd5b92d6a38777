#include "runtime/epoch.h"

namespace gameflow::runtime {

void EpochMemory::reset() {
  for (std::size_t i = 0; i < chunks_used_; ++i) chunks_[i].clear();
  for (std::size_t i = 0; i < deliveries_used_; ++i) deliveries_[i].clear();
  chunks_used_ = deliveries_used_ = 0;
}

void EpochMemory::release() {
  chunks_.clear();
  deliveries_.clear();
  chunks_used_ = deliveries_used_ = 0;
}

}  // namespace gameflow::runtime
