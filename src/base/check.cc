#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace gameflow {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr,
               "gameflow: a check failed that must always hold: %s (%s:%d). This is a bug: please "
               "report it. Nothing that was committed is lost\n",
               condition, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace gameflow
