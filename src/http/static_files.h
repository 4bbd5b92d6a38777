// The pages: inside the program, or from a folder while somebody works on them.
//
// Threads  serve() may be called from any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "http/reply.h"
#include "serve/request.h"

namespace gameflow::http {

// As cmake/EmbedFiles.cmake generates them.
struct EmbeddedFile {
  std::string_view name;  // path below web/, with '/': "index.html"
  std::string_view bytes;
};

// The files of web/, generated at build time.
std::span<const EmbeddedFile> web_files();

class StaticFiles {
 public:
  // What `folder` does not have comes from the program: libraries are not in web/ itself.
  StaticFiles(std::span<const EmbeddedFile> embedded, std::optional<std::filesystem::path> folder);

  // The file, 304 where the browser has it, or 404. ETag is a hash of the content; gzip where
  // accepted and worth it.
  Reply serve(std::string_view name, const serve::Request& request) const;

 private:
  struct File {
    std::string_view bytes;
    std::string etag;
    std::string gzipped;  // empty: not worth it
    std::string owned;    // folder mode: what `bytes` shows
  };
  static File make_file(std::string_view name, std::string_view bytes);
  std::shared_ptr<const File> find(std::string_view name) const;
  std::shared_ptr<const File> load(std::string_view name) const;

  std::span<const EmbeddedFile> embedded_;
  std::optional<std::filesystem::path> folder_;
  mutable Mutex mutex_;
  // Made at first use: compressing all pages at the start would cost it some 50 ms.
  mutable std::unordered_map<std::string, std::shared_ptr<const File>> made_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::http
