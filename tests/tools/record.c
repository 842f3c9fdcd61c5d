/* Records what a program does to the files below some folders: every write, truncate, create, rename,
 * unlink and sync, of all its threads and children, with the data, in one order.
 *
 *     record TRACE [-k N] ROOT... -- PROGRAM ARGUMENT...
 *
 * It stops the program at each system call that can change a file (seccomp hands those to ptrace, the
 * others run at full speed), so that a crate that calls the kernel by itself is seen too. Two calls that
 * change something never overlap: the second waits at its entry until the first has returned, so the
 * order of the trace is the order of the effects. Syncs overlap with everything, as they do: begin and
 * end are two lines. A thread goes on only when its line is written; an answer that a client has got is
 * therefore later than every line that led to it, and the trace's length at that moment is a sound bound.
 *
 * One line a record, fields separated by tabs; a W line is followed by its bytes and a newline:
 *     C ino path      a file came to be            M ino path      a folder came to be
 *     W ino offset length                          T ino length    truncated, or made longer with zeros
 *     D ino           the writes before, of a file opened with O_DSYNC, are durable
 *     S number ino    a sync of the file or folder begins      E number ok    it has ended
 *     R from to       renamed     U path      unlinked         X path      folder removed
 *     K               the program was killed by this tool
 *     ! text          something that is not recorded: whoever reads the trace must refuse it
 *
 * A writable shared mapping, io_uring, links, sync() and what else it cannot see through are such lines.
 * SIGTERM is passed on; SIGUSR1, and with -k N the entry of the N-th recorded call, kill the program at
 * a moment at which no change is half done. It ends with the program's own exit code, 137 if killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 4096
#define VECTORS_MAX 1024
#define DATA_MAX (64u << 20)

enum kind { NOTHING, CHANGE, SYNC };

/* A thread of the program, and the recorded call it is in. */
struct thread {
    pid_t tid;
    enum kind kind;
    int waiting;             /* stopped at the entry of a change, until the one under way has returned */
    long nr;
    uint64_t args[6];
    uint64_t number;         /* of a sync */
    int existed, durable;
    uint64_t ino, offset;
    char path[PATH_MAX], to[PATH_MAX];
};

static struct thread threads[THREADS_MAX];
static int thread_count;
static struct thread *changing;              /* the one change under way */
static char roots[8][PATH_MAX];
static int root_count, trace_fd;
static uint64_t syncs, calls, kill_at;
static pid_t program;
static volatile sig_atomic_t kill_wanted;
static int killed;
static char *data;

static void die(const char *what) {
    fprintf(stderr, "record: %s: %s\n", what, strerror(errno));
    exit(99);
}

static void put(const void *bytes, size_t length) {
    const char *from = bytes;
    while (length > 0) {
        ssize_t n = write(trace_fd, from, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) die("writing the trace");
        from += n;
        length -= (size_t)n;
    }
}

static void say(const char *format, ...) {
    char line[3 * PATH_MAX];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    if (n < 0 || (size_t)n >= sizeof line - 1) die("a line is too long");
    line[n] = '\n';
    put(line, (size_t)n + 1);
}

static int watched(const char *path) {
    for (int i = 0; i < root_count; i++) {
        size_t n = strlen(roots[i]);
        if (strncmp(path, roots[i], n) == 0 && (path[n] == '/' || path[n] == 0)) return 1;
    }
    return 0;
}

static struct thread *find(pid_t tid) {
    for (int i = 0; i < thread_count; i++)
        if (threads[i].tid == tid) return &threads[i];
    return NULL;
}

/* ---- what the program names ---- */

static int fd_path(pid_t tid, int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/%d/cwd" : "/proc/%d/fd/%d", tid, fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = 0;
    return n > 0;
}

static int fd_stat(pid_t tid, int fd, struct stat *st) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
    return stat(link, st) == 0;
}

/* Position and flags of an open file. */
static void fd_info(pid_t tid, int fd, uint64_t *position, unsigned *flags) {
    char name[64], text[256];
    snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", tid, fd);
    int f = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n = f < 0 ? -1 : read(f, text, sizeof text - 1);
    if (n <= 0) die(name);
    close(f);
    text[n] = 0;
    unsigned long long p = 0;
    if (sscanf(text, "pos: %llu flags: %o", &p, flags) != 2) die("fdinfo has another form");
    *position = p;
}

static int watched_fd(pid_t tid, int fd) {
    char path[PATH_MAX];
    return fd >= 0 && fd_path(tid, fd, path) && watched(path);
}

static void peek(pid_t tid, uint64_t at, void *to, size_t length) {
    struct iovec here = {to, length}, there = {(void *)at, length};
    if (process_vm_readv(tid, &here, 1, &there, 1, 0) != (ssize_t)length) die("reading the program");
}

static void peek_text(pid_t tid, uint64_t at, char *to) {
    for (size_t n = 0; n < PATH_MAX - 1;) {
        size_t step = 4096 - (at + n) % 4096;        /* never past the page the text ends in */
        if (step > PATH_MAX - 1 - n) step = PATH_MAX - 1 - n;
        peek(tid, at + n, to + n, step);
        if (memchr(to + n, 0, step)) return;
        n += step;
    }
    to[0] = 0;
}

/* The absolute path of what a call names: its folder resolved, its last part as it is. */
static void named(pid_t tid, int dirfd, uint64_t at, char *out) {
    char text[PATH_MAX], whole[2 * PATH_MAX], base[PATH_MAX], folder[PATH_MAX];
    out[0] = 0;
    peek_text(tid, at, text);
    if (text[0] == '/') {
        snprintf(whole, sizeof whole, "%s", text);
    } else {
        if (!fd_path(tid, dirfd, base)) return;
        snprintf(whole, sizeof whole, "%s/%s", base, text);
    }
    size_t n = strlen(whole);
    while (n > 1 && whole[n - 1] == '/') whole[--n] = 0;
    char *last = strrchr(whole, '/');
    if (!last) return;
    *last = 0;
    if (!realpath(whole[0] ? whole : "/", folder)) return;
    snprintf(out, PATH_MAX, "%.2000s/%.2000s", folder, last + 1);
}

/* ---- calls ---- */

#define NR(name) SYS_##name
static const int traced[] = {
    NR(write), NR(pwrite64), NR(writev), NR(pwritev), NR(pwritev2), NR(sendfile), NR(copy_file_range),
    NR(splice), NR(ftruncate), NR(truncate), NR(fallocate), NR(fsync), NR(fdatasync), NR(sync),
    NR(syncfs), NR(openat), NR(openat2), NR(renameat), NR(renameat2), NR(unlinkat), NR(mkdirat),
    NR(linkat), NR(symlinkat), NR(mmap), NR(io_uring_setup), NR(mknodat),
#ifdef SYS_open
    NR(open), NR(creat), NR(rename), NR(unlink), NR(mkdir), NR(rmdir), NR(link), NR(symlink), NR(mknod),
#endif
};

/* What the older names of calls are in terms of the newer ones. */
static void modernise(struct thread *t) {
#ifdef SYS_open
    uint64_t *a = t->args;
    switch (t->nr) {
    case SYS_creat: t->nr = SYS_openat; a[2] = O_CREAT | O_WRONLY | O_TRUNC; a[1] = a[0]; break;
    case SYS_open: t->nr = SYS_openat; a[3] = a[2]; a[2] = a[1]; a[1] = a[0]; break;
    case SYS_rename: t->nr = SYS_renameat2; a[3] = a[1]; a[1] = a[0]; a[2] = (uint64_t)AT_FDCWD; a[4] = 0; break;
    case SYS_unlink: t->nr = SYS_unlinkat; a[1] = a[0]; a[2] = 0; break;
    case SYS_rmdir: t->nr = SYS_unlinkat; a[1] = a[0]; a[2] = AT_REMOVEDIR; break;
    case SYS_mkdir: t->nr = SYS_mkdirat; a[1] = a[0]; break;
    case SYS_link: t->nr = SYS_linkat; a[3] = a[1]; a[2] = (uint64_t)AT_FDCWD; break;
    case SYS_symlink: t->nr = SYS_symlinkat; a[2] = a[1]; a[1] = (uint64_t)AT_FDCWD; return;
    case SYS_mknod: t->nr = SYS_mknodat; a[1] = a[0]; break;
    default:
        if (t->nr == SYS_renameat) { t->nr = SYS_renameat2; a[4] = 0; }
        return;
    }
    a[0] = (uint64_t)AT_FDCWD;
#else
    if (t->nr == SYS_renameat) { t->nr = SYS_renameat2; t->args[4] = 0; }
#endif
}

static int out_fd(const struct thread *t) {
    return (int)(t->nr == SYS_copy_file_range || t->nr == SYS_splice ? t->args[2] : t->args[0]);
}

static int moves_data(long nr) {
    return nr == SYS_write || nr == SYS_pwrite64 || nr == SYS_writev || nr == SYS_pwritev ||
           nr == SYS_pwritev2 || nr == SYS_sendfile || nr == SYS_copy_file_range || nr == SYS_splice;
}

/* Whether the call is one to record; what can be known without holding others off. */
static enum kind classify(struct thread *t) {
    pid_t tid = t->tid;
    uint64_t *a = t->args;
    if (moves_data(t->nr)) return watched_fd(tid, out_fd(t)) ? CHANGE : NOTHING;
    switch (t->nr) {
    case SYS_ftruncate:
    case SYS_fallocate: return watched_fd(tid, (int)a[0]) ? CHANGE : NOTHING;
    case SYS_fsync:
    case SYS_fdatasync: return watched_fd(tid, (int)a[0]) ? SYNC : NOTHING;
    case SYS_sync:
    case SYS_syncfs: say("!\ta sync of everything"); return NOTHING;
    case SYS_io_uring_setup: say("!\tio_uring"); return NOTHING;
    case SYS_truncate:
        named(tid, AT_FDCWD, a[0], t->path);
        if (watched(t->path)) say("!\ttruncate by path of %s", t->path);
        return NOTHING;
    case SYS_openat2: {
        struct { uint64_t flags, mode, resolve; } how;
        peek(tid, a[2], &how, sizeof how);
        a[2] = how.flags;
        t->nr = SYS_openat;
    } /* fall through */
    case SYS_openat:
        if (((unsigned)a[2] & (O_CREAT | O_TRUNC)) == 0 && ((unsigned)a[2] & O_TMPFILE) != O_TMPFILE)
            return NOTHING;
        named(tid, (int)a[0], a[1], t->path);
        if (!watched(t->path)) return NOTHING;
        if (((unsigned)a[2] & O_TMPFILE) == O_TMPFILE) say("!\tO_TMPFILE in %s", t->path);
        return CHANGE;
    case SYS_renameat2:
        named(tid, (int)a[0], a[1], t->path);
        named(tid, (int)a[2], a[3], t->to);
        if (!watched(t->path) && !watched(t->to)) return NOTHING;
        if (a[4] != 0) say("!\trenameat2 with flags");
        if (!watched(t->path) || !watched(t->to)) say("!\ta rename across the recorded folders");
        return CHANGE;
    case SYS_unlinkat:
    case SYS_mkdirat:
        named(tid, (int)a[0], a[1], t->path);
        return watched(t->path) ? CHANGE : NOTHING;
    case SYS_linkat: named(tid, (int)a[2], a[3], t->path); break;
    case SYS_symlinkat: named(tid, (int)a[1], a[2], t->path); break;
    case SYS_mknodat: named(tid, (int)a[0], a[1], t->path); break;
    case SYS_mmap: {
        if ((a[3] & MAP_TYPE) == MAP_PRIVATE || (a[3] & MAP_ANONYMOUS) || !watched_fd(tid, (int)a[4]))
            return NOTHING;
        uint64_t position;
        unsigned flags;
        fd_info(tid, (int)a[4], &position, &flags);
        /* Read-only now, but a file open for writing may be mapped writable later. */
        if ((a[2] & PROT_WRITE) || (flags & O_ACCMODE) != O_RDONLY) say("!\ta writable shared mapping");
        return NOTHING;
    }
    default: return NOTHING;
    }
    if (watched(t->path)) say("!\ta link or node %s", t->path);
    return NOTHING;
}

/* Where a write will go, looked at while no other change is under way. */
static void before_data(struct thread *t) {
    int fd = out_fd(t);
    unsigned flags;
    struct stat st;
    if (!fd_stat(t->tid, fd, &st)) die("stat of an open file");
    fd_info(t->tid, fd, &t->offset, &flags);
    t->ino = st.st_ino;
    t->durable = (flags & O_DSYNC) != 0;
    int append = (flags & O_APPEND) != 0;
    if (t->nr == SYS_pwrite64 || t->nr == SYS_pwritev) t->offset = t->args[3];
    if (t->nr == SYS_pwritev2) {
        if ((int64_t)t->args[3] != -1) t->offset = t->args[3];
        t->durable |= (t->args[5] & (RWF_DSYNC | RWF_SYNC)) != 0;
        append |= (t->args[5] & RWF_APPEND) != 0;
    }
    if ((t->nr == SYS_copy_file_range || t->nr == SYS_splice) && t->args[3] != 0)
        peek(t->tid, t->args[3], &t->offset, sizeof t->offset);
    if (append) t->offset = (uint64_t)st.st_size;
}

/* The bytes that were written: from the program's memory, or, where the kernel moved them, from the file. */
static void bytes_of(struct thread *t, uint64_t length) {
    if (length > DATA_MAX) die("one write is too long");
    if (t->nr == SYS_write || t->nr == SYS_pwrite64) {
        peek(t->tid, t->args[1], data, length);
        return;
    }
    if (t->nr == SYS_writev || t->nr == SYS_pwritev || t->nr == SYS_pwritev2) {
        static struct iovec parts[VECTORS_MAX];
        size_t count = t->args[2] < VECTORS_MAX ? t->args[2] : VECTORS_MAX, done = 0;
        peek(t->tid, t->args[1], parts, count * sizeof *parts);
        for (size_t i = 0; i < count && done < length; i++) {
            size_t n = parts[i].iov_len < length - done ? parts[i].iov_len : length - done;
            if (n) peek(t->tid, (uint64_t)parts[i].iov_base, data + done, n);
            done += n;
        }
        return;
    }
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/fd/%d", t->tid, out_fd(t));
    int f = open(name, O_RDONLY | O_CLOEXEC);
    for (size_t done = 0; done < length;) {
        ssize_t n = f < 0 ? -1 : pread(f, data + done, length - done, (off_t)(t->offset + done));
        if (n <= 0) die("reading a copy back");
        done += (size_t)n;
    }
    close(f);
}

static void enter_change(struct thread *t) {
    struct stat st;
    if (moves_data(t->nr)) {
        before_data(t);
    } else if (t->nr == SYS_openat) {
        t->existed = lstat(t->path, &st) == 0;
    } else if (t->nr == SYS_fallocate && t->args[1] != 0) {
        say("!\tfallocate with a mode");
    }
}

static void after_change(struct thread *t, int64_t result) {
    struct stat st;
    if (result < 0) return;
    if (moves_data(t->nr)) {
        if (result == 0) return;
        bytes_of(t, (uint64_t)result);
        say("W\t%lu\t%lu\t%ld", t->ino, t->offset, result);
        put(data, (size_t)result);
        put("\n", 1);
        if (t->durable) say("D\t%lu", t->ino);
        return;
    }
    switch (t->nr) {
    case SYS_openat:
        if (!fd_stat(t->tid, (int)result, &st)) die("stat of an opened file");
        if (!t->existed) say("C\t%lu\t%s", st.st_ino, t->path);
        else if (t->args[2] & O_TRUNC) say("T\t%lu\t0", st.st_ino);
        break;
    case SYS_ftruncate:
    case SYS_fallocate:
        if (!fd_stat(t->tid, (int)t->args[0], &st)) die("stat of an open file");
        say("T\t%lu\t%ld", st.st_ino, (long)st.st_size);
        break;
    case SYS_renameat2: say("R\t%s\t%s", t->path, t->to); break;
    case SYS_unlinkat: say("%c\t%s", t->args[2] & AT_REMOVEDIR ? 'X' : 'U', t->path); break;
    case SYS_mkdirat:
        if (lstat(t->path, &st) != 0) die("stat of a new folder");
        say("M\t%lu\t%s", st.st_ino, t->path);
        break;
    }
}

/* ---- the program's threads ---- */

static void go(pid_t tid, int how, int with) {
    if (ptrace(how, tid, 0, (void *)(long)with) != 0 && errno != ESRCH) die("resuming");
}

static void kill_program(void) {
    if (!killed) {
        killed = 1;
        kill(program, SIGKILL);
        say("K");
    }
}

/* Lets a recorded call happen, or keeps it waiting. */
static void begin(struct thread *t) {
    if (t->kind == CHANGE) {
        t->waiting = changing != NULL;
        if (t->waiting) return;
        if (killed) return;
        changing = t;
        enter_change(t);
    } else {
        struct stat st;
        if (killed) return;
        if (!fd_stat(t->tid, (int)t->args[0], &st)) die("stat of a synced file");
        t->number = ++syncs;
        say("S\t%lu\t%lu", t->number, st.st_ino);
    }
    go(t->tid, PTRACE_SYSCALL, 0);
}

/* The change under way is over: the next one may begin, or the program be killed. */
static void released(void) {
    changing = NULL;
    if (kill_wanted) kill_program();
    for (int i = 0; i < thread_count && !changing && !killed; i++)
        if (threads[i].waiting) begin(&threads[i]);
}

static void entry(struct thread *t) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) < 0) {
        if (errno == ESRCH) return;
        die("PTRACE_GET_SYSCALL_INFO");
    }
    t->nr = (long)info.seccomp.nr;
    memcpy(t->args, info.seccomp.args, sizeof t->args);
    modernise(t);
    t->kind = classify(t);
    if (t->kind == NOTHING) {
        go(t->tid, PTRACE_CONT, 0);
        return;
    }
    if (++calls == kill_at) kill_wanted = 1;
    if (kill_wanted && !changing) {
        kill_program();
        return;
    }
    begin(t);
}

static void leave(struct thread *t) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) < 0) {
        if (errno == ESRCH) return;
        die("PTRACE_GET_SYSCALL_INFO");
    }
    enum kind kind = t->kind;
    t->kind = NOTHING;
    if (kind == CHANGE) after_change(t, info.exit.rval);
    if (kind == SYNC) say("E\t%lu\t%d", t->number, info.exit.rval == 0);
    go(t->tid, PTRACE_CONT, 0);
    if (kind == CHANGE) released();
}

static void gone(pid_t tid) {
    struct thread *t = find(tid);
    if (!t) return;
    int held = changing == t;
    if (held && !killed) say("!\ta thread ended in the middle of a change");
    struct thread *last = &threads[--thread_count];
    if (last != t) {
        *t = *last;
        if (changing == last) changing = t;
    }
    if (held) released();
}

static struct thread *known(pid_t tid, int *is_new) {
    struct thread *t = find(tid);
    *is_new = t == NULL;
    if (t) return t;
    if (thread_count == THREADS_MAX) die("too many threads");
    t = &threads[thread_count++];
    memset(t, 0, sizeof *t);
    t->tid = tid;
    return t;
}

/* Until all of it has ended; the program's exit code. */
static int follow(void) {
    int code = 99;
    for (;;) {
        int status, is_new;
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && errno == EINTR) {
            if (kill_wanted && !changing) kill_program();
            continue;
        }
        if (tid < 0) return code;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (tid == program) code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            gone(tid);
            continue;
        }
        struct thread *t = known(tid, &is_new);
        int sig = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_SECCOMP) entry(t);
        else if (event != 0 || (is_new && sig == SIGSTOP)) go(tid, PTRACE_CONT, 0);
        else if (sig == (SIGTRAP | 0x80)) leave(t);
        else go(tid, PTRACE_CONT, sig);
    }
}

/* ---- start ---- */

static void filter(void) {
    enum { COUNT = sizeof traced / sizeof *traced };
    struct sock_filter code[COUNT + 3];
    int n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < COUNT; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)traced[i],
                                                 (unsigned char)(COUNT - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    struct sock_fprog whole = {(unsigned short)n, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("no_new_privs");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) != 0) die("seccomp");
}

static void pass_on(int sig) {
    if (sig == SIGUSR1) kill_wanted = 1;
    else if (program > 0) kill(program, sig);
}

int main(int argc, char **argv) {
    int at = 2;
    if (argc > 4 && strcmp(argv[at], "-k") == 0) {
        kill_at = strtoull(argv[at + 1], NULL, 10);
        at += 2;
    }
    for (; at < argc && strcmp(argv[at], "--") != 0 && root_count < 8; at++, root_count++)
        if (!realpath(argv[at], roots[root_count])) die(argv[at]);
    if (at + 1 >= argc || root_count == 0 || strcmp(argv[at], "--") != 0) {
        fprintf(stderr, "record TRACE [-k N] ROOT... -- PROGRAM ARGUMENT...\n");
        return 2;
    }
    trace_fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    data = malloc(DATA_MAX);
    if (trace_fd < 0 || !data) die(argv[1]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct sigaction act = {.sa_handler = pass_on};
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGUSR1, &act, NULL);
    program = fork();
    if (program < 0) die("fork");
    if (program == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGUSR1, SIG_DFL);
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) die("ptrace");
        raise(SIGSTOP);
        filter();
        execvp(argv[at + 1], argv + at + 1);
        die(argv[at + 1]);
    }
    int status, is_new;
    if (waitpid(program, &status, 0) != program || !WIFSTOPPED(status)) die("the program does not stop");
    known(program, &is_new);
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, program, 0, (void *)options) != 0) die("PTRACE_SETOPTIONS");
    go(program, PTRACE_CONT, 0);
    return follow();
}
