// The folder of built libraries. What is in it is complete or absent: files are written under
// another name and renamed, and a library carries its own checksum.
//
// Threads  any number of threads and processes may use one folder at the same time.
// Errors   kDataUnwritable.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gameflow::opbuild {

// Lower-case hexadecimal SHA-256 of the parts and their lengths.
std::string sha256_of(const std::vector<std::string_view>& parts);

class Cache {
 public:
  // Makes the folder, for its owner alone, where there is none. It may be root's, or read-only,
  // until there is something to write.
  static Result<Cache> open(const std::filesystem::path& folder);

  // Where things are; whether they exist is another matter.
  std::filesystem::path path_of(std::string_view key) const;
  // A name in the folder that no other thread and process uses. Whoever makes the file removes it.
  std::filesystem::path temporary() const;

  // Writes a file of the folder (`name` may have a folder in front), unless it has this content.
  Result<std::filesystem::path> write(const std::filesystem::path& name, std::string_view content);

  // Moves a finished shared object to path_of(key), with its checksum.
  Status add(const std::filesystem::path& built, std::string_view key);
  // Whether path_of(key) is there, whole. Marks it as used.
  bool has(std::string_view key) const;

  // The keys of the libraries that are there and whose key is `prefix`, a '-' and something more.
  std::vector<std::string> keys_of(std::string_view prefix) const;

  // Removes all but the `keep` libraries used last, and what crashed builds left behind.
  void prune(std::size_t keep) const;

 private:
  explicit Cache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path folder_;
};

}  // namespace gameflow::opbuild
