// Quantiles: how numbers are spread, with a relative error that is known, in at most 16 KiB.
//
// DDSketch (Masson, Rim, Lee: "DDSketch: A fast and fully-mergeable quantile sketch with
// relative-error guarantees", 2019): numbers are counted in buckets whose bounds are powers of
// (1 + a) / (1 - a), negative ones by their magnitude, zeros by themselves. Only buckets with
// something in them are kept. Where there would be more than 2,048 of them, each two neighbours
// become one, as in UDDSketch (Epicoco et al. 2020): the error of all quantiles doubles, instead of
// that of the lowest ones having no bound.
//
// Error    quantile(q) is within `accuracy` times its value of the number at place q (n - 1) in the
//          sorted numbers, rounded down. Buckets for accuracy 0.01 last for numbers from 1 to 10^17
//          if each of them is used; doubled, for ten times as many digits.
// Order    its bytes depend on the numbers alone, whatever was added or merged when.
#pragma once

#include <gameflow/number_buckets.h>
#include <gameflow/sketch.h>

namespace gameflow {

class Quantiles {
 public:
  static constexpr u32 kAccuracyMin = 1'000, kAccuracyMax = 100'000;  // in millionths

  // In millionths, within the limits.
  explicit Quantiles(u32 accuracy) : accuracy_(accuracy) {}
  Quantiles() : Quantiles(10'000) {}

  // Throws std::domain_error for infinity and what is no number.
  void add(f64 number) {
    if (!(number - number == 0))
      throw std::domain_error("add() of quantiles takes a finite number, not " +
                              std::to_string(number));
    if (memory_.added_count() == Memory::kAddedMax)
      join(memory_.added(), memory_.added_count(), arena());
    memory_.add(number);
  }

  // 0 is the lowest number, 0.5 the median, 1 the highest. NaN where there are none. Throws
  // std::invalid_argument where `q` is not from 0 to 1.
  f64 quantile(f64 q) const {
    if (!(q >= 0 && q <= 1))
      throw std::invalid_argument("quantile() takes a number from 0 to 1, not " +
                                  std::to_string(q));
    Local local;
    const Quantiles all = folded(local);
    return detail::quantile_of(all.head(), all.buckets(), all.bucket_count(), all.count(), q);
  }

  // How many numbers there are.
  u64 count() const {
    u64 count = memory_.added_count();
    for (u32 i = 0; i < bucket_count(); ++i) count += buckets()[i] & Buckets::kCountMax;
    return count;
  }

  u32 accuracy() const { return accuracy_; }  // in millionths

  // As if all numbers of `other` were added. Throws std::invalid_argument where its accuracy is
  // another one.
  void merge(const Quantiles& other) { merge(other, arena(), false); }

 private:
  friend detail::SketchAccess;

  using Buckets = detail::NumberBuckets;
  using Run = detail::SortedRun<Buckets>;
  using Memory = detail::SketchMemory<f64>;
  static constexpr u32 kBucketsMax = 2048;

  // The bytes: a head, then the buckets. None: empty.
  using Head = detail::NumberHead;
  static constexpr std::size_t kBytesMax = sizeof(Head) + kBucketsMax * sizeof(u64);

  u32 bucket_count() const {
    return memory_.size() == 0 ? 0
                               : static_cast<u32>((memory_.size() - sizeof(Head)) / sizeof(u64));
  }
  const u64* buckets() const {
    return memory_.size() == 0 ? nullptr
                               : reinterpret_cast<const u64*>(memory_.bytes() + sizeof(Head));
  }
  u64* own_buckets() { return reinterpret_cast<u64*>(memory_.bytes() + sizeof(Head)); }
  Head head() const {
    Head head;
    head.accuracy = accuracy_;
    if (memory_.size() != 0) std::memcpy(&head, memory_.bytes(), sizeof head);
    return head;
  }

  // Joins numbers, in any order, to the bytes; what was added is forgotten.
  void join(const f64* numbers, u32 count, Arena& arena) {
    Head joined = head();
    if (memory_.size() == 0) joined.min = joined.max = numbers[0] + 0.0;
    const detail::NumberScale scale(accuracy_, joined.level);
    u64 sorted[Memory::kAddedMax];
    for (u32 i = 0; i < count; ++i) {
      const f64 number = numbers[i] + 0.0;  // no -0
      joined.min = std::min(joined.min, number);
      joined.max = std::max(joined.max, number);
      sorted[i] = scale.place_of(number) << Buckets::kCountBits | 1;
    }
    join_sorted(sorted, Run::make(sorted, count), joined, arena, false);
  }

  void join_sorted(const u64* sorted, u32 count, Head joined, Arena& arena, bool in_place) {
    const u32 before = bucket_count();
    u32 after = Run::count_joined(buckets(), before, sorted, count);
    make_room(after, arena, in_place);
    Run::join(own_buckets(), before, sorted, count, after);
    for (; after > kBucketsMax; ++joined.level)
      after = detail::raise_level(own_buckets(), after, 1);
    set(after, joined);
  }

  // The same buckets, to be changed in place, with room for so many.
  void make_room(u32 count, Arena& arena, bool in_place) {
    const std::size_t size = sizeof(Head) + count * sizeof(u64);
    std::size_t capacity = memory_.capacity();
    char* to = memory_.bytes();
    if (!in_place || capacity < size) {
      capacity = in_place ? 2 * size : size;
      to = static_cast<char*>(arena.allocate(capacity, 8));
      if (memory_.size() != 0)
        std::memcpy(to, memory_.bytes(), std::min<std::size_t>(size, memory_.size()));
    }
    memory_.become(to, size, in_place ? capacity : 0);
  }
  void set(u32 count, const Head& head) {
    std::memcpy(memory_.bytes(), &head, sizeof head);
    memory_.become(memory_.bytes(), sizeof head + count * sizeof(u64), memory_.capacity());
  }

  void merge(const Quantiles& other, Arena& arena, bool in_place) {
    if (other.accuracy_ != accuracy_)
      throw std::invalid_argument("quantiles of another accuracy cannot be merged");
    Local local;
    const Quantiles from = other.folded(local);
    if (from.memory_.size() == 0) return;
    if (memory_.added_count() != 0) join(memory_.added(), memory_.added_count(), arena);
    const Head theirs = from.head();
    Head joined = memory_.size() == 0 ? theirs : head();
    joined.min = std::min(joined.min, theirs.min);
    joined.max = std::max(joined.max, theirs.max);
    if (theirs.level > joined.level) {
      make_room(bucket_count(), arena, in_place);
      const auto levels = static_cast<u8>(theirs.level - joined.level);
      set(detail::raise_level(own_buckets(), bucket_count(), levels), joined);
      joined.level = theirs.level;
    }
    if (theirs.level == joined.level)
      return join_sorted(from.buckets(), from.bucket_count(), joined, arena, in_place);
    u64 raised[kBucketsMax];
    std::copy_n(from.buckets(), from.bucket_count(), raised);
    const auto levels = static_cast<u8>(joined.level - theirs.level);
    join_sorted(raised, detail::raise_level(raised, from.bucket_count(), levels), joined, arena,
                in_place);
  }

  // All of it as bytes, in `local` where it is not yet.
  using Local = detail::LocalArena<kBytesMax + Memory::kAddedMax * sizeof(u64)>;
  Quantiles folded(Arena& local) const {
    Quantiles all(accuracy_);
    all.memory_.become(memory_.bytes(), memory_.size());
    if (memory_.added_count() != 0) all.join(memory_.added(), memory_.added_count(), local);
    return all;
  }

  void settle(Arena& arena) {
    if (memory_.added_count() != 0) return join(memory_.added(), memory_.added_count(), arena);
    if (memory_.size() != 0) make_room(bucket_count(), arena, false);
  }

  bool read(std::string_view bytes) {
    memory_.become(nullptr, 0);
    if (bytes.empty()) return true;
    if (bytes.size() <= sizeof(Head) || bytes.size() > kBytesMax || bytes.size() % sizeof(u64) != 0)
      return false;
    Head read;
    std::memcpy(&read, bytes.data(), sizeof read);
    constexpr u8 kLevelMax = 20;
    if (read.kind != 'Q' || read.level > kLevelMax || read.accuracy < kAccuracyMin ||
        read.accuracy > kAccuracyMax || !(read.min <= read.max))
      return false;
    memory_.become(bytes.data(), bytes.size());
    accuracy_ = read.accuracy;
    return std::is_sorted(buckets(), buckets() + bucket_count());
  }

  Memory memory_;
  u32 accuracy_;
  [[maybe_unused]] u32 zero_ = 0;
};

}  // namespace gameflow
