#include "http/static_files.h"

#include <array>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <xxhash.h>

#include "http/gzip.h"

namespace gameflow::http {
namespace {

struct FileKind {
  std::string_view extension;
  std::string_view content_type;
  bool compressible;
};
constexpr std::array<FileKind, 13> kFileKinds{{
    {".html", "text/html; charset=utf-8", true},
    {".js", "text/javascript; charset=utf-8", true},
    {".mjs", "text/javascript; charset=utf-8", true},
    {".css", "text/css; charset=utf-8", true},
    {".svg", "image/svg+xml", true},
    {".json", "application/json", true},
    {".webmanifest", "application/manifest+json", true},
    {".txt", "text/plain; charset=utf-8", true},
    {".png", "image/png", false},
    {".jpg", "image/jpeg", false},
    {".ico", "image/vnd.microsoft.icon", false},
    {".woff2", "font/woff2", false},
    {".wasm", "application/wasm", true},
}};

const FileKind& kind_of(std::string_view name) {
  static constexpr FileKind kUnknown{"", "application/octet-stream", false};
  for (const FileKind& kind : kFileKinds)
    if (name.ends_with(kind.extension)) return kind;
  return kUnknown;
}

}  // namespace

StaticFiles::StaticFiles(std::span<const EmbeddedFile> embedded,
                         std::optional<std::filesystem::path> folder)
    : embedded_(embedded), folder_(std::move(folder)) {}

StaticFiles::File StaticFiles::make_file(std::string_view name, std::string_view bytes) {
  constexpr std::size_t kWorthCompressing = 1024;
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  File file{bytes, fmt::format("{:016x}{:016x}", hash.high64, hash.low64), {}, {}};
  if (kind_of(name).compressible && bytes.size() >= kWorthCompressing) file.gzipped = gzip(bytes);
  return file;
}

// Names are compared with what is in the folder and never joined to a path, so that no name can
// lead out of it. Links are not followed.
std::shared_ptr<const StaticFiles::File> StaticFiles::load(std::string_view name) const {
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(*folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string own_name = entry->path().filename().string();
    std::error_code ignored;
    if (own_name.starts_with('.') || own_name == "node_modules") {
      if (entry->is_directory(ignored)) entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file(ignored) || entry->is_symlink(ignored)) continue;
    if (entry->path().lexically_relative(*folder_).generic_string() != name) continue;
    std::ifstream stream(entry->path(), std::ios::binary);
    auto file = std::make_shared<File>();
    file->owned.assign(std::istreambuf_iterator<char>(stream), {});
    std::string owned = std::move(file->owned);
    *file = make_file(name, owned);
    file->owned = std::move(owned);
    file->bytes = file->owned;
    return file;
  }
  return nullptr;
}

std::shared_ptr<const StaticFiles::File> StaticFiles::find(std::string_view name) const {
  if (folder_)
    if (auto file = load(name)) return file;
  const MutexLock lock(mutex_);
  if (const auto made = made_.find(std::string(name)); made != made_.end()) return made->second;
  for (const EmbeddedFile& embedded : embedded_) {
    if (embedded.name != name) continue;
    auto file = std::make_shared<const File>(make_file(name, embedded.bytes));
    made_.emplace(name, file);
    return file;
  }
  return nullptr;
}

Reply StaticFiles::serve(std::string_view name, const serve::Request& request) const {
  const auto file = find(name);
  if (!file) return error_reply(404, "not_found", fmt::format("there is no page \"{}\"", name));
  Reply reply;
  reply.content_type = kind_of(name).content_type;
  // The browser keeps its copy but asks each time: a new program shows its new pages at once.
  reply.headers.emplace_back("Cache-Control", "no-cache");
  reply.headers.emplace_back("Vary", "Accept-Encoding");
  const bool gzipped = !file->gzipped.empty() && serve::list_has(request.accept_encoding, "gzip");
  reply.headers.emplace_back("ETag", fmt::format("\"{}{}\"", file->etag, gzipped ? "-gzip" : ""));
  if (serve::trimmed(request.if_none_match) == "*" ||
      request.if_none_match.find(file->etag) != std::string::npos) {
    reply.status = 304;
    return reply;
  }
  if (gzipped) reply.headers.emplace_back("Content-Encoding", "gzip");
  reply.body = gzipped ? file->gzipped : std::string(file->bytes);
  return reply;
}

}  // namespace gameflow::http
