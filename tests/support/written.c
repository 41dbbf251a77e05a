/* Preloaded into a process: puts every write, truncation, sync and removal under a folder into a log, in order;
   and lets its disk be full: `room` counts the writes that still find room, -1 stands for any number.

   Entries: one byte for what was done, then, little-endian, the length of the path (4 bytes), the offset or size
   (8), the length of the data (8), the path, the data. WATCHED names the folder, WRITTEN the log. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;
long room = -1;

static void note(char what, const char *path, int64_t offset, const void *data, uint64_t length) {
    const char *watched = getenv("WATCHED"), *written = getenv("WRITTEN");
    if (!watched || !written || strncmp(path, watched, strlen(watched)) != 0) return;
    ssize_t (*put)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    uint32_t size = (uint32_t)strlen(path);
    pthread_mutex_lock(&guard);
    if (log_file < 0) log_file = open(written, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (put(log_file, &what, 1) < 0 || put(log_file, &size, 4) < 0 || put(log_file, &offset, 8) < 0 ||
        put(log_file, &length, 8) < 0 || put(log_file, path, size) < 0 || (length && put(log_file, data, length) < 0))
        abort();
    pthread_mutex_unlock(&guard);
}

static int is_full(int file, const char *path) {
    const char *watched = getenv("WATCHED");
    if (room < 0 || file == log_file || !watched || strncmp(path, watched, strlen(watched)) != 0) return 0;
    if (room > 0) return room--, 0;
    errno = ENOSPC;
    return 1;
}

static const char *path_of(int file, char *space, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, space, size - 1);
    space[length < 0 ? 0 : length] = 0;
    return space;
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

ssize_t pwrite(int file, const void *data, size_t length, off_t offset) {
    char space[4096];
    if (is_full(file, path_of(file, space, sizeof space))) return -1;
    ssize_t done = REAL(ssize_t, "pwrite", int, const void *, size_t, off_t)(file, data, length, offset);
    if (done > 0) note('w', path_of(file, space, sizeof space), offset, data, (uint64_t)done);
    return done;
}
ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
    return pwrite(file, data, length, (off_t)offset);
}
ssize_t write(int file, const void *data, size_t length) {
    char space[4096];
    off_t offset = lseek(file, 0, SEEK_CUR);
    ssize_t done = REAL(ssize_t, "write", int, const void *, size_t)(file, data, length);
    if (done > 0 && file != log_file) note('w', path_of(file, space, sizeof space), offset, data, (uint64_t)done);
    return done;
}
int ftruncate(int file, off_t size) {
    char space[4096];
    note('t', path_of(file, space, sizeof space), size, NULL, 0);
    return REAL(int, "ftruncate", int, off_t)(file, size);
}
int ftruncate64(int file, off64_t size) { return ftruncate(file, (off_t)size); }
int fdatasync(int file) {
    char space[4096];
    int done = REAL(int, "fdatasync", int)(file);
    if (done == 0) note('s', path_of(file, space, sizeof space), 0, NULL, 0);
    return done;
}
int fsync(int file) {
    char space[4096];
    int done = REAL(int, "fsync", int)(file);
    if (done == 0) note('s', path_of(file, space, sizeof space), 0, NULL, 0);
    return done;
}
int unlink(const char *path) {
    note('u', path, 0, NULL, 0);
    return REAL(int, "unlink", const char *)(path);
}
