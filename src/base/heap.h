// The heap of the program: jemalloc, in builds with a sanitizer the sanitizer's own.
//
// Pages of states are small, live long, and are made by one thread and freed by another: under
// `engine/sliding` glibc's heap had 1.7 M page faults and 2.59 M events/s, jemalloc has 0.96 M and
// 2.90 M.
//
// Threads  any.
#pragma once

#include <cstdint>

namespace gameflow {

// Gives back to the system what is free. Takes milliseconds.
void release_free_memory() noexcept;

// Bytes of address space that the heap holds though nothing is in them.
std::uint64_t free_heap_bytes() noexcept;

}  // namespace gameflow
