#include "app/run/file_watch.h"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace gameflow::app {

void FileWatch::watch(std::vector<std::string> files) {
  if (files == files_) return;
  const std::vector<std::string> before = std::exchange(files_, std::move(files));
  Look known = look(), last = known;
  // What has become of a file since it was last looked at is still to be told.
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const auto found = std::ranges::find(before, files_[i]);
    if (found == before.end()) continue;
    if (known_) known[i] = (*known_)[static_cast<std::size_t>(found - before.begin())];
    last[i] = last_[static_cast<std::size_t>(found - before.begin())];
  }
  known_ = std::move(known);
  last_ = std::move(last);
}

void FileWatch::follow(std::vector<std::string> files) {
  if (files == files_) return;
  files_ = std::move(files);
  known_.reset();
  last_ = look();
}

FileWatch::Look FileWatch::look() const {
  Look look;
  for (const std::string& name : files_) {
    struct stat found = {};
    const bool is_there = ::stat(name.c_str(), &found) == 0;
    look.push_back({.is_there = is_there,
                    .inode = found.st_ino,
                    .size = static_cast<std::uint64_t>(found.st_size),
                    .written_at = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec});
  }
  return look;
}

bool FileWatch::has_changed() {
  Look now = look();
  const bool is_settled = now == last_;
  last_ = std::move(now);
  if (!is_settled || last_ == known_) return false;
  if (!std::ranges::all_of(last_, &File::is_there)) return false;
  known_ = last_;
  return true;
}

}  // namespace gameflow::app
