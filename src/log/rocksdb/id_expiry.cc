#include "log/rocksdb/id_expiry.h"

#include <string_view>
#include <utility>

#include "log/id_book.h"
#include "log/rocksdb/database.h"
#include "log/rocksdb/keys.h"

namespace gameflow::log {
namespace {

class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(std::shared_ptr<const IdExpiry::Horizon> horizon)
      : horizon_(std::move(horizon)) {}

  bool Filter(int /*level*/, const rocksdb::Slice& key, const rocksdb::Slice& value,
              std::string* /*new_value*/, bool* /*is_changed*/) const override {
    const TopicId topic = topic_of_id(view(key));
    const auto found = horizon_->begins.find(topic);
    if (found == horizon_->begins.end()) return topic < horizon_->next_topic;
    const auto record = decode_id(view(value));
    if (!record) return false;  // it is told of when it is asked for
    const std::uint32_t partition = record->place.partition;
    const Offset begin = partition < found->second.size() ? found->second[partition] : Offset{};
    return is_forgotten(*record, begin, horizon_->ages_now);
  }
  const char* Name() const override { return "gameflow.id-expiry"; }

 private:
  const std::shared_ptr<const IdExpiry::Horizon> horizon_;
};

}  // namespace

void IdExpiry::set(Horizon horizon) {
  auto next = std::make_shared<const Horizon>(std::move(horizon));
  const MutexLock lock(mutex_);
  horizon_ = std::move(next);
}

std::unique_ptr<rocksdb::CompactionFilter> IdExpiry::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context& /*context*/) {
  const MutexLock lock(mutex_);
  if (horizon_ == nullptr) return nullptr;
  return std::make_unique<ExpiryFilter>(horizon_);
}

}  // namespace gameflow::log
