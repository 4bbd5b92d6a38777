#include "query/sqlite_process.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include <malloc.h>
#include <sqlite3.h>

#include "base/memory_reserve.h"
#include "base/time.h"

namespace gameflow::query {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

// Bytes SQLite still may allocate on this thread. It frees what earlier calls allocated, too, so
// the figure may rise above where it began; that errs by what the connection held before.
thread_local std::int64_t budget_bytes = kNoLimit;
thread_local bool clock_allowed = true;
thread_local bool clock_was_read = false;

bool take(std::int64_t bytes) {
  if (budget_bytes == kNoLimit) return true;
  if (bytes > budget_bytes) return false;
  budget_bytes -= bytes;
  return true;
}

void give_back(std::int64_t bytes) {
  if (budget_bytes != kNoLimit) budget_bytes += bytes;
}

int memory_size(void* memory) {
  return static_cast<int>(malloc_usable_size(memory));
}

void* memory_allocate(int size) {
  if (!take(size)) return nullptr;
  void* memory = std::malloc(static_cast<std::size_t>(size));
  if (memory == nullptr) count_memory_failure();
  give_back(memory == nullptr ? size : size - memory_size(memory));
  return memory;
}

void memory_free(void* memory) {
  give_back(memory_size(memory));
  std::free(memory);
}

void* memory_resize(void* memory, int size) {
  const int before = memory_size(memory);
  if (!take(size)) return nullptr;
  void* resized = std::realloc(memory, static_cast<std::size_t>(size));
  if (resized == nullptr) {
    count_memory_failure();
    give_back(size);
    return nullptr;
  }
  give_back(size + before - memory_size(resized));
  return resized;
}

int memory_round_up(int size) {
  return (size + 7) & ~7;
}
int memory_init(void*) {
  return SQLITE_OK;
}
void memory_shutdown(void*) {}

int vfs_open(sqlite3_vfs*, const char*, sqlite3_file* file, int, int*) {
  file->pMethods = nullptr;
  return SQLITE_CANTOPEN;
}
int vfs_delete(sqlite3_vfs*, const char*, int) {
  return SQLITE_IOERR_DELETE;
}
int vfs_access(sqlite3_vfs*, const char*, int, int* result) {
  *result = 0;
  return SQLITE_OK;
}
int vfs_full_path(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}
void* vfs_dl_open(sqlite3_vfs*, const char*) {
  return nullptr;
}
void vfs_dl_error(sqlite3_vfs*, int size, char* message) {
  sqlite3_snprintf(size, message, "libraries cannot be loaded");
}
void vfs_dl_close(sqlite3_vfs*, void*) {}
int vfs_randomness(sqlite3_vfs*, int size, char* out) {
  sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
  return system->xRandomness(system, size, out);
}
int vfs_sleep(sqlite3_vfs*, int) {
  return 0;
}
int vfs_time_ms(sqlite3_vfs*, sqlite3_int64* julian_ms) {
  clock_was_read = true;
  if (!clock_allowed) return SQLITE_ERROR;
  constexpr std::int64_t kEpochInJulianMs = 210'866'760'000'000;
  *julian_ms = SystemClock().now().ms + kEpochInJulianMs;
  return SQLITE_OK;
}
int vfs_time(sqlite3_vfs* vfs, double* julian_days) {
  sqlite3_int64 ms = 0;
  const int status = vfs_time_ms(vfs, &ms);
  *julian_days = static_cast<double>(ms) / 86'400'000.0;
  return status;
}
int vfs_last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

Status install() {
  static sqlite3_mem_methods memory = {&memory_allocate, &memory_free,     &memory_resize,
                                       &memory_size,     &memory_round_up, &memory_init,
                                       &memory_shutdown, nullptr};
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs fields{};
    fields.iVersion = 2;
    fields.szOsFile = sizeof(sqlite3_file);
    fields.mxPathname = 64;
    fields.zName = kVfsName;
    fields.xOpen = &vfs_open;
    fields.xDelete = &vfs_delete;
    fields.xAccess = &vfs_access;
    fields.xFullPathname = &vfs_full_path;
    fields.xDlOpen = &vfs_dl_open;
    fields.xDlError = &vfs_dl_error;
    fields.xDlClose = &vfs_dl_close;
    fields.xRandomness = &vfs_randomness;
    fields.xSleep = &vfs_sleep;
    fields.xCurrentTime = &vfs_time;
    fields.xGetLastError = &vfs_last_error;
    fields.xCurrentTimeInt64 = &vfs_time_ms;
    return fields;
  }();
  if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK ||
      sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
      sqlite3_initialize() != SQLITE_OK || sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) {
    return fail(ErrorCode::kInternal, "SQLite was initialised by something else than gameflow");
  }
  return {};
}

}  // namespace

Status init_sqlite() {
  static const Status installed = install();
  return installed;
}

Allowance::Allowance(std::int64_t memory_bytes_max, bool clock) {
  budget_bytes = memory_bytes_max;
  clock_allowed = clock;
  clock_was_read = false;
}

bool Allowance::read_clock() const {
  return clock_was_read;
}

Allowance::~Allowance() {
  budget_bytes = kNoLimit;
  clock_allowed = true;
}

void* allocate_in_budget(std::size_t bytes) {
  void* memory = sqlite3_malloc64(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void free_in_budget(void* memory) {
  sqlite3_free(memory);
}

}  // namespace gameflow::query
