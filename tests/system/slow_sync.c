/* A disk that stalls: with LD_PRELOAD, fsync and fdatasync take as many ms longer as the file
 * SLOW_SYNC_FILE says; below 0 they fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Whether the disk is there. */
static int stall(void) {
  const char* name = getenv("SLOW_SYNC_FILE");
  FILE* file = name ? fopen(name, "r") : NULL;
  long ms = 0;
  if (!file) return 1;
  if (fscanf(file, "%ld", &ms) != 1) ms = 0;
  fclose(file);
  if (ms < 0) {
    errno = EIO;
    return 0;
  }
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&left, NULL);
  return 1;
}

int fsync(int fd) {
  static int (*next)(int);
  if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return stall() ? next(fd) : -1;
}

int fdatasync(int fd) {
  static int (*next)(int);
  if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return stall() ? next(fd) : -1;
}
