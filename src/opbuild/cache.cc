#include "opbuild/cache.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"

namespace gameflow::opbuild {
namespace {

namespace fs = std::filesystem;

// Stands behind the shared object, which does not mind: this, then the SHA-256 of all before it.
constexpr std::string_view kSeal = "\ngameflow-sha256 ";
constexpr std::size_t kSealBytes = kSeal.size() + 64;

std::optional<std::string> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return std::nullopt;
  return content;
}

bool write_file(const fs::path& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  return file.good();
}

tl::unexpected<Error> unwritable(const fs::path& path, std::string_view why) {
  return fail(ErrorCode::kDataUnwritable,
              fmt::format("cannot keep built operators in {}: {}", path.string(), why));
}

// Whoever can write here, or put another folder in its place, can run code as this user. So it is
// this user's, or root's, as where one image builds and another runs, and nobody else's.
Status check_owner(const fs::path& folder, const struct stat& status) {
  const auto refused = [&](const std::string& why, std::string_view way_out) {
    return unwritable(folder, fmt::format("{}, and could run code as this user: {}, or choose "
                                          "another folder with --cache DIR",
                                          why, way_out));
  };
  if (status.st_uid != ::geteuid() && status.st_uid != 0)
    return refused(fmt::format("it belongs to user {}, not to this one ({}) or root", status.st_uid,
                               ::geteuid()),
                   "let one of them own it");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return refused("other users can write there", "chmod go-w it");
  struct stat above {};
  std::error_code error;
  const fs::path parent = fs::canonical(folder, error).parent_path();
  if (error || ::stat(parent.c_str(), &above) != 0) return unwritable(folder, "it has no parent");
  if ((above.st_mode & S_IWOTH) != 0 && (above.st_mode & S_ISVTX) == 0)
    return refused(fmt::format("others can put another folder in its place, as all may write to {}",
                               parent.string()),
                   fmt::format("chmod +t {}", parent.string()));
  return {};
}

// Why this user cannot, of a folder that is there.
tl::unexpected<Error> no_access(const fs::path& folder, std::string_view what, int error) {
  struct stat status {};
  if (error == EACCES && ::stat(folder.c_str(), &status) == 0 && status.st_uid != ::geteuid()) {
    return unwritable(
        folder, fmt::format("user {} may not {} there, it belongs to user {}: build there as that "
                            "user and let others read (chmod -R a+rX), or choose a folder of your "
                            "own with --cache DIR",
                            ::geteuid(), what, status.st_uid));
  }
  return unwritable(folder, std::strerror(error));
}

bool is_sealed(std::string_view content) {
  if (content.size() < kSealBytes) return false;
  const std::string_view body = content.substr(0, content.size() - kSealBytes);
  const std::string_view seal = content.substr(body.size());
  return seal.starts_with(kSeal) && seal.substr(kSeal.size()) == sha256_of({body});
}

}  // namespace

std::string sha256_of(const std::vector<std::string_view>& parts) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  bool ok = context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1;
  for (const std::string_view part : parts) {
    const std::string length = std::to_string(part.size()) + ":";
    ok = ok && EVP_DigestUpdate(context, length.data(), length.size()) == 1 &&
         EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  }
  ok = ok && EVP_DigestFinal_ex(context, digest.data(), &size) == 1;
  EVP_MD_CTX_free(context);
  if (!ok) throw std::bad_alloc();  // the only way SHA-256 can fail
  return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

Result<Cache> Cache::open(const fs::path& folder) {
  std::error_code error;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  if (error) return unwritable(folder, error.message());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    // A read-only file system says so even of a folder that is there.
    const int why = errno;
    if (!fs::exists(folder, error)) return unwritable(folder, std::strerror(why));
  }
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return unwritable(folder, std::strerror(errno));
  if (!S_ISDIR(status.st_mode)) return unwritable(folder, "it is not a folder");
  GF_TRY(check_owner(folder, status));
  if (::access(folder.c_str(), R_OK | X_OK) != 0) return no_access(folder, "read", errno);
  // The compiler gets paths, whatever the working directory.
  const fs::path absolute = fs::absolute(folder, error);
  if (error) return unwritable(folder, error.message());
  return Cache(absolute);
}

fs::path Cache::path_of(std::string_view key) const {
  return folder_ / fmt::format("{}.so", key);
}

fs::path Cache::temporary() const {
  static std::atomic<std::uint64_t> count = 0;
  return folder_ / fmt::format("{}-{}.tmp", ::getpid(), count.fetch_add(1));
}

Result<fs::path> Cache::write(const fs::path& name, std::string_view content) {
  const fs::path path = folder_ / name;
  if (const auto existing = read_file(path); existing && *existing == content) return path;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const fs::path written = temporary();
  if (!write_file(written, content)) {
    const int why = errno;
    fs::remove(written, error);
    return no_access(folder_, "write", why);
  }
  fs::rename(written, path, error);
  if (error) return unwritable(path, error.message());
  return path;
}

Status Cache::add(const fs::path& built, std::string_view key) {
  const auto body = read_file(built);
  std::error_code error;
  fs::remove(built, error);
  if (!body) return unwritable(built, "the built library cannot be read");
  const std::string seal = std::string(kSeal) + sha256_of({*body});
  GF_TRY(write(path_of(key).filename(), *body + seal));
  return {};
}

bool Cache::has(std::string_view key) const {
  const auto content = read_file(path_of(key));
  if (!content || !is_sealed(*content)) return false;
  ::utimensat(AT_FDCWD, path_of(key).c_str(), nullptr, 0);  // now; only prune() cares
  return true;
}

std::vector<std::string> Cache::keys_of(std::string_view prefix) const {
  std::vector<std::string> keys;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    const fs::path name = entry.path().filename();
    if (name.extension() == ".so" && name.string().starts_with(fmt::format("{}-", prefix)))
      keys.push_back(name.stem().string());
  }
  return keys;
}

void Cache::prune(std::size_t keep) const {
  struct Entry {
    fs::file_time_type used;
    fs::path path;
  };
  std::vector<Entry> libraries, temporaries;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    const fs::file_time_type used = entry.last_write_time(error);
    if (error) continue;  // somebody else has just removed it
    if (entry.path().extension() == ".so") libraries.push_back({used, entry.path()});
    if (entry.path().extension() == ".tmp") temporaries.push_back({used, entry.path()});
  }
  std::ranges::sort(libraries, std::greater{}, &Entry::used);
  for (std::size_t i = keep; i < libraries.size(); ++i) {
    fs::remove(libraries[i].path, error);  // a process that has it loaded keeps it
    fs::remove(fs::path(libraries[i].path).replace_extension(".cc"), error);
  }
  // By now the newest library is as old as this call; nothing is compiled for an hour.
  for (const Entry& entry : temporaries) {
    if (!libraries.empty() && libraries[0].used - entry.used > std::chrono::hours(1))
      fs::remove(entry.path, error);
  }
}

}  // namespace gameflow::opbuild
