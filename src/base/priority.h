// How urgent a thread is to the system.
#pragma once

namespace gameflow {

// From now on the calling thread yields to those of normal priority, and gets at least a tenth of
// what one of them gets: for work whose result nobody's record waits for.
void lower_thread_priority();

}  // namespace gameflow
