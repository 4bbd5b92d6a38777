// What a server shows of itself over TLS: a certificate, those that signed it, and its key; from
// files in PEM, which can be read again while it runs.
//
// Threads  any.
#pragma once

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/mutex.h"

namespace boost::asio::ssl {
class context;
}

namespace gameflow::serve {

struct TlsFiles {
  std::filesystem::path certificate;  // the server's own first, those that signed it behind it
  std::filesystem::path key;
};

class Certificate {
 public:
  // Logs how long it is good. One that has expired is taken, and a warning.
  //   kFileUnreadable, kInvalidArgument: no PEM, an encrypted key, a key of another certificate
  static Result<std::unique_ptr<Certificate>> open(const TlsFiles& files);

  // The files once more, for connections from now on. Errors as open(); then the one before stays.
  Status reload();

  // TLS 1.2 and 1.3 with it. A connection that has begun keeps its own.
  std::shared_ptr<boost::asio::ssl::context> context() const;

 private:
  explicit Certificate(TlsFiles files) : files_(std::move(files)) {}

  const TlsFiles files_;
  mutable Mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::serve
