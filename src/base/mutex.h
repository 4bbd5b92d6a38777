// Mutexes that name what they guard: GF_GUARDED_BY(mutex_) at a member, GF_REQUIRES(mutex_) at a
// function that wants it held. Clang checks that at each use (`make lint`); other compilers do not
// see it.
//
// A condition takes the lock as `changed_.wait(lock.native(), …)`; its predicate says what it
// needs: `[this]() GF_REQUIRES(mutex_) { return … }`.
#pragma once

#include <mutex>

#if defined(__clang__)
#define GF_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define GF_THREAD_ATTRIBUTE(x)
#endif

#define GF_GUARDED_BY(mutex) GF_THREAD_ATTRIBUTE(guarded_by(mutex))
#define GF_REQUIRES(...) GF_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
// Where the analysis cannot know what holds; say why.
#define GF_UNCHECKED GF_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace gameflow {

class GF_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Holds a mutex to the end of its scope, or to unlock().
class GF_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) GF_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : lock_(mutex.mutex_) {}
  ~MutexLock() GF_THREAD_ATTRIBUTE(release_capability()) = default;
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() GF_THREAD_ATTRIBUTE(release_capability()) { lock_.unlock(); }
  void lock() GF_THREAD_ATTRIBUTE(acquire_capability()) { lock_.lock(); }
  std::unique_lock<std::mutex>& native() { return lock_; }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace gameflow
