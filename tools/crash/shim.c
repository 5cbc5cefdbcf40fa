/* Fails the Nth call of one kind that touches a file in one folder. Loaded with LD_PRELOAD, armed from Python by ctypes.
 * Calls: open (for writing), write, fsync, close, rename. Anything else, and anything elsewhere, goes through.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[PATH_MAX], kind[16];
static int failing_at, error_number, seen, is_short;

/* Fail call number `at` (from 1) of `call` in `path` with `error`; is_short: let half of a write through instead. */
void crash_arm(const char *path, const char *call, int at, int error, int half) {
    snprintf(folder, sizeof folder, "%s/", path);
    snprintf(kind, sizeof kind, "%s", call);
    failing_at = at, error_number = error, is_short = half, seen = 0;
}

/* The number of calls of that kind so far. */
int crash_seen(void) { return seen; }

static int strikes(const char *call) { return !strcmp(call, kind) && ++seen == failing_at; }

static int is_inside(const char *path) {
    char full[2 * PATH_MAX];
    if (!folder[0]) return 0;
    if (path[0] == '/') return !strncmp(path, folder, strlen(folder));
    if (!getcwd(full, PATH_MAX)) return 0;
    strcat(full, "/");
    return !strncmp(full, folder, strlen(folder)); /* commands run in the folder */
}

static int is_file_inside(int descriptor) {
    char link[64], path[PATH_MAX];
    if (!folder[0] || descriptor < 3) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 2);
    if (length < 0) return 0;
    path[length] = '/', path[length + 1] = 0; /* the folder itself, which is synced, too */
    return !strncmp(path, folder, strlen(folder));
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
#define MODE(flags, mode)                          \
    mode_t mode = 0;                               \
    if ((flags) & O_CREAT) {                       \
        va_list rest;                              \
        va_start(rest, flags);                     \
        mode = va_arg(rest, mode_t);               \
        va_end(rest);                              \
    }
#define OPEN(name)                                                                      \
    int name(const char *path, int flags, ...) {                                        \
        MODE(flags, mode)                                                               \
        if ((flags & O_ACCMODE) != O_RDONLY && is_inside(path) && strikes("open")) {    \
            errno = error_number;                                                       \
            return -1;                                                                  \
        }                                                                               \
        return REAL(name)(path, flags, mode);                                           \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int descriptor, const void *data, size_t size) {
    if (is_file_inside(descriptor) && strikes("write")) {
        if (is_short) return REAL(write)(descriptor, data, size > 1 ? size / 2 : size);
        errno = error_number;
        return -1;
    }
    return REAL(write)(descriptor, data, size);
}

int fsync(int descriptor) {
    if (is_file_inside(descriptor) && strikes("fsync")) {
        errno = error_number;
        return -1;
    }
    return REAL(fsync)(descriptor);
}

int close(int descriptor) {
    if (is_file_inside(descriptor) && strikes("close")) {
        REAL(close)(descriptor); /* as on Linux: the descriptor is gone all the same */
        errno = error_number;
        return -1;
    }
    return REAL(close)(descriptor);
}

int rename(const char *from, const char *to) {
    if (is_inside(to) && strikes("rename")) {
        errno = error_number;
        return -1;
    }
    return REAL(rename)(from, to);
}
