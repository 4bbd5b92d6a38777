// Whether files have changed: a look at each now and then, which works on every file system and
// however an editor writes.
//
// Threads  one.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gameflow::app {

class FileWatch {
 public:
  explicit FileWatch(std::vector<std::string> files) { watch(std::move(files)); }

  // Watches these from now on, instead of those before; those that it watches already go on.
  void watch(std::vector<std::string> files);

  // The same where the list itself may be what has changed.
  void follow(std::vector<std::string> files);

  // Takes a look. True once the files are others than at the last true (at first: than when they
  // were first watched) and have been so for two looks, so that nobody is still writing; not while
  // one is missing.
  bool has_changed();

 private:
  struct File {
    bool is_there = false;
    std::uint64_t inode = 0, size = 0;
    std::int64_t written_at = 0;  // ns
    friend auto operator<=>(const File&, const File&) = default;
  };
  using Look = std::vector<File>;
  Look look() const;

  std::vector<std::string> files_;
  std::optional<Look> known_;  // nothing: others than these are known
  Look last_;
};

}  // namespace gameflow::app
