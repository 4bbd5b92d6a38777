#include "app/generate/event_stream.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "record/codec.h"

namespace gameflow::app {
namespace {

constexpr std::string_view kBlankLine = "\n\n";
// Of one call, towards a record far ahead: it takes some milliseconds.
constexpr int kBlocksAtOnce = 64;

void append_record(const generate::FeedEvent& event, std::string& out) {
  out += R"({"key":)";
  record::encode_json_string(event.key, out);
  out += R"(,"event":)";
  if (event.is_corrupt) {
    record::encode_json_string(event.json, out);
  } else {
    out += event.json;
  }
  out += '}';
  out += kBlankLine;
}

}  // namespace

class EventStream::Cursor final : public serve::Messages {
 public:
  Cursor(EventStream& stream, std::uint64_t next) : stream_(stream), next_(next) {}

  Result<serve::Message> next() override {
    using Kind = serve::Message::Kind;
    block_ = nullptr;  // before it asks for the next: one block a client at a time
    GF_ASSIGN(Found found, stream_.find(next_));
    if (found.never) return serve::Message{Kind::kEnd, "there are no more events"};
    if (!found.block) return serve::Message{};
    block_ = std::move(found.block);
    std::string_view text = block_->text;
    // JSON of one line has no blank one.
    for (std::uint64_t passed = block_->first; passed < next_; ++passed)
      text.remove_prefix(text.find(kBlankLine) + kBlankLine.size());
    next_ = block_->end();
    return serve::Message{Kind::kText, text};
  }

 private:
  EventStream& stream_;
  std::uint64_t next_;
  BlockPtr block_;  // that is being sent
};

EventStream::EventStream(std::unique_ptr<generate::Feed> feed, Options options)
    : options_(std::move(options)), feed_(std::move(feed)) {}

void EventStream::advance() {
  const MutexLock lock(mutex_);
  if (options_.on_demand) {
    const auto next = feed_->next_time();
    if (!next || *next <= options_.until()) wake();
    return;
  }
  bool any = false;
  while (make()) any = true;
  if (any || ended_) wake();
}

bool EventStream::make() {
  const Timestamp until = options_.until();
  const std::uint64_t before = end_;
  Block block;
  bool more = true;
  while (more && end_ == before) {  // a full block, or all there is
    const auto events = feed_->next(until);
    more = !events.empty();
    for (const generate::FeedEvent& event : events) {
      if (!event.is_corrupt)
        newest_[static_cast<std::size_t>(event.kind)] = {end_ + block.count,
                                                         std::string(event.json)};
      append_record(event, block.text);
      ++block.count;
      if (block.text.size() >= options_.block_bytes) append(std::exchange(block, {}));
    }
  }
  if (block.count > 0) append(std::move(block));
  ended_ = !feed_->next_time();
  return end_ > before;
}

void EventStream::append(Block block) {
  block.first = end_;
  block.text.shrink_to_fit();
  end_ = block.end();
  bytes_ += block.text.size();
  blocks_.push_back(std::make_shared<const Block>(std::move(block)));
  while (bytes_ > options_.bytes_max && blocks_.size() > 1) {
    bytes_ -= blocks_.front()->text.size();
    blocks_.pop_front();
  }
}

void EventStream::wake() {
  std::erase_if(waiters_, [](const auto& waiter) {
    const auto waiting = waiter.lock();
    if (waiting) waiting->wake();
    return waiting == nullptr;
  });
}

EventStream::Range EventStream::range() const {
  const MutexLock lock(mutex_);
  return {blocks_.empty() ? end_ : blocks_.front()->first, end_};
}

Result<EventStream::Found> EventStream::find(std::uint64_t number) {
  const MutexLock lock(mutex_);
  for (int i = 0; options_.on_demand && number >= end_ && i < kBlocksAtOnce; ++i)
    if (!make()) break;
  if (number >= end_) return Found{nullptr, ended_};
  if (number < blocks_.front()->first)
    return fail(ErrorCode::kOffsetOutOfRange,
                fmt::format("a client reads too slowly: record {} is not in memory any more, the "
                            "oldest is {}",
                            number, blocks_.front()->first));
  const auto behind = std::ranges::upper_bound(blocks_, number, {},
                                               [](const BlockPtr& block) { return block->first; });
  return Found{*(behind - 1)};
}

std::unique_ptr<serve::Messages> EventStream::follow(std::uint64_t first,
                                                     const std::shared_ptr<serve::Waiter>& waiter) {
  const MutexLock lock(mutex_);
  std::erase_if(waiters_, [](const auto& known) { return known.expired(); });
  waiters_.push_back(waiter);
  return std::make_unique<Cursor>(*this, first);
}

std::optional<EventStream::Event> EventStream::newest(generate::EventKind kind) {
  const MutexLock lock(mutex_);
  const auto& newest = newest_[static_cast<std::size_t>(kind)];
  const std::optional<std::uint64_t> known = newest ? std::optional(newest->number) : std::nullopt;
  // Where nobody reads the stream, it stands still. Some kinds are rare, but not that rare.
  for (int i = 0; options_.on_demand && i < 100 && make(); ++i)
    if (newest && newest->number != known) break;
  return newest;
}

}  // namespace gameflow::app
