/* Preloaded into the program by tests/forensics: the hands of the clock, an attic, a kill at the n-th
 * call, and a dump of the process's own memory.
 *
 * The program itself knows nothing of it and has no hook: only functions of the C library are wrapped.
 * Calls that go to the kernel directly (the anchor's own reads and writes) are not seen, but each of them
 * stands between two that are: the look whether the file is there, and the closing of its descriptor.
 *
 *   OUBLIETTE_SHIM_CONTROL   file of 40 bytes, mapped: see struct control
 *   OUBLIETTE_SHIM_COUNTS    set for the server alone, whose calls are counted and which may be killed
 *   OUBLIETTE_SHIM_ATTIC     folder in which every keyring file is kept that the program deletes or replaces
 *   OUBLIETTE_SHIM_DUMP      file to which the memory is written when asked for
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
static const char zeros[PAGE];

struct control {
    _Atomic int64_t clock_ms;  /* what it is now, in milliseconds since 1970 */
    _Atomic int64_t since_ms;  /* "now" by the clock of the machine's start; 0: whoever asks first sets it */
    _Atomic int64_t left;      /* kills when it comes down to 0; below 0: does not count */
    _Atomic int64_t dump;      /* 1: dump; the shim sets 2 when done, 3 when it could not */
    _Atomic int64_t counted;   /* calls seen */
};

static struct control *control;
static const char *attic;
static int counts;

static int (*real_clock)(clockid_t, struct timespec *);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_open64)(const char *, int, ...);

/* One numbered step of the program ends between two of these. */
static void step(void) {
    if (!control || !counts) return;
    control->counted++;
    if (control->left < 0) return;
    if (--control->left <= 0) syscall(SYS_kill, getpid(), SIGKILL);
}

static int regular(int fd) {
    struct stat what;
    return fstat(fd, &what) == 0 && (S_ISREG(what.st_mode) || S_ISDIR(what.st_mode));
}

/* A second name for a keyring file that is about to lose its own. */
static void keep(const char *path) {
    const char *name = strrchr(path, '/');
    if (!control || !attic || !name || strncmp(name, "/keyring.", 9) != 0) return;
    char kept[4096];
    struct stat what;
    if (stat(path, &what) != 0) return;
    long inode = (long)what.st_ino, size = (long)what.st_size;
    if (snprintf(kept, sizeof kept, "%s/%ld-%ld-%s", attic, inode, size, name + 1) >= (int)sizeof kept)
        abort();
    if (link(path, kept) != 0 && errno != EEXIST) abort();
}

int clock_gettime(clockid_t which, struct timespec *out) {
    int shifted = control && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE);
    int done = real_clock ? real_clock(shifted ? CLOCK_MONOTONIC : which, out)
                          : (int)syscall(SYS_clock_gettime, which, out);
    if (done == 0 && shifted) {
        int64_t now = out->tv_sec * 1000 + out->tv_nsec / 1000000, none = 0;
        atomic_compare_exchange_strong(&control->since_ms, &none, now);
        int64_t ms = control->clock_ms + now - control->since_ms;
        out->tv_sec = ms / 1000;
        out->tv_nsec = ms % 1000 * 1000000;
    }
    return done;
}

int unlink(const char *path) { keep(path); step(); return real_unlink(path); }
int rename(const char *from, const char *to) { keep(to); step(); return real_rename(from, to); }
int fsync(int fd) { step(); return real_fsync(fd); }
int fdatasync(int fd) { step(); return real_fdatasync(fd); }

/* Descriptors of what is only read are no step; those of the anchor are, since it is always opened for both. */
int close(int fd) {
    if (control && regular(fd) && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY) step();
    return real_close ? real_close(fd) : (int)syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *from, size_t size) {
    if (control && regular(fd)) step();
    return real_write ? real_write(fd, from, size) : syscall(SYS_write, fd, from, size);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = va_arg(more, mode_t);
    va_end(more);
    if (flags & O_CREAT) step();
    return real_open64(path, flags, mode);
}

/* Writes start and length of each stretch of pages that hold anything, then the pages. Read through the
 * kernel, so that a page that vanishes meanwhile is an error and no crash. */
static void stretch(int out, char *room, size_t size, uint64_t from, uint64_t to) {
    for (uint64_t at = from; at < to; at += size) {
        size_t part = to - at < size ? to - at : size;
        struct iovec here = {room, part}, there = {(void *)at, part};
        if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != (ssize_t)part) continue;
        for (size_t page = 0; page < part;) {
            size_t end = page;
            while (end < part && memcmp(room + end, zeros, PAGE) != 0) end += PAGE;
            if (end == page) { page += PAGE; continue; }
            uint64_t head[2] = {at + page, end - page};
            if (syscall(SYS_write, out, head, sizeof head) < 0) return;
            if (syscall(SYS_write, out, room + page, end - page) < 0) return;
            page = end;
        }
    }
}

static int dump(void) {
    const size_t size = 1 << 20;
    const char *path = getenv("OUBLIETTE_SHIM_DUMP");
    int out = path ? real_open64(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    int maps = real_open64("/proc/self/maps", O_RDONLY);
    if (out < 0 || maps < 0) return 0;
    static char names[1 << 20];
    size_t length = 0;
    for (ssize_t got; (got = read(maps, names + length, sizeof names - 1 - length)) > 0;) length += got;
    names[length] = 0;
    real_close(maps);
    /* Made after the list was read, so that it is not dumped itself. */
    char *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return 0;
    for (char *line = names; *line;) {
        uint64_t from, to;
        char rights[8];
        char *end = strchr(line, '\n');
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[0] == 'r' && rights[1] == 'w')
            stretch(out, room, size, from, to);
        line = end ? end + 1 : line + strlen(line);
    }
    munmap(room, size);
    real_close(out);
    /* Beside it, the names of the mappings. */
    char list[4096];
    snprintf(list, sizeof list, "%s.maps", path);
    out = real_open64(list, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0 || syscall(SYS_write, out, names, length) != (long)length) return 0;
    return real_close(out) == 0;
}

static void *watch(void *none) {
    (void)none;
    for (;;) {
        struct timespec little = {0, 2000000};
        nanosleep(&little, NULL);
        if (control->dump == 1) control->dump = dump() ? 2 : 3;
    }
    return NULL;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("OUBLIETTE_SHIM_CONTROL");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_write = dlsym(RTLD_NEXT, "write");
    real_open64 = dlsym(RTLD_NEXT, "open64");
    real_close = dlsym(RTLD_NEXT, "close");
    real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    attic = getenv("OUBLIETTE_SHIM_ATTIC");
    counts = getenv("OUBLIETTE_SHIM_COUNTS") != NULL;
    int fd = path ? real_open64(path, O_RDWR | O_CLOEXEC, 0) : -1;
    if (fd < 0) return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    real_close(fd);
    if (mapped == MAP_FAILED) abort();
    control = mapped;
    pthread_t watcher;
    if (getenv("OUBLIETTE_SHIM_DUMP")) pthread_create(&watcher, NULL, watch, NULL);
}
