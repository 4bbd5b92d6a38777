/* A bad disk, with LD_PRELOAD. What the file BAD_DISK_FILE says holds from then on:
 *   N >= 0  fsync and fdatasync take N ms longer
 *   -1      they fail
 *   -2      the disk is full: what is written to a file fails, and statvfs says that nothing is free */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name)                                \
  static __typeof__(&name) next;                  \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static long state(void) {
  const char* name = getenv("BAD_DISK_FILE");
  FILE* file = name ? fopen(name, "r") : NULL;
  long is = 0;
  if (!file) return 0;
  if (fscanf(file, "%ld", &is) != 1) is = 0;
  fclose(file);
  return is;
}

/* Whether the disk is there. */
static int sync_now(void) {
  const long ms = state();
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  if (ms == -1) errno = EIO;
  if (ms > 0) nanosleep(&left, NULL);
  return ms != -1;
}

static int is_full(int fd) {
  struct stat about;
  if (fd <= 2 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || state() != -2) return 0;
  errno = ENOSPC;
  return 1;
}

int fsync(int fd) {
  NEXT(fsync);
  return sync_now() ? next(fd) : -1;
}

int fdatasync(int fd) {
  NEXT(fdatasync);
  return sync_now() ? next(fd) : -1;
}

ssize_t write(int fd, const void* bytes, size_t size) {
  NEXT(write);
  return is_full(fd) ? -1 : next(fd, bytes, size);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  NEXT(pwrite64);
  return is_full(fd) ? -1 : next(fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  NEXT(pwrite);
  return is_full(fd) ? -1 : next(fd, bytes, size, offset);
}

int statvfs64(const char* path, struct statvfs64* about) {
  NEXT(statvfs64);
  const int result = next(path, about);
  if (result == 0 && state() == -2) about->f_bfree = about->f_bavail = 0;
  return result;
}

int statvfs(const char* path, struct statvfs* about) {
  NEXT(statvfs);
  const int result = next(path, about);
  if (result == 0 && state() == -2) about->f_bfree = about->f_bavail = 0;
  return result;
}
