#include "base/priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gameflow {

void lower_thread_priority() {
  // On Linux a priority belongs to a thread. That it cannot be lowered is no reason to stop.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 10);
}

}  // namespace gameflow
