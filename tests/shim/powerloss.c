/*
 * What a power cut would leave: an LD_PRELOAD library that writes down, while a program runs, what it has made durable.
 *
 * kill -9 cannot show a missing fsync: what was written stays in the page cache and the next process reads it. So this
 * library notes, in a journal that outlives its process, which bytes and which directory entries have been synced; the
 * harness then cuts the files back to that (tests/src/power). It changes nothing that the program does, unless told to.
 *
 * The journal is text, one event a line, written by one write(2) each, after the event (but K and O before it), so that a line never
 * promises more than has happened. What was done and not yet noted when the process died, the harness finds by comparing.
 *
 *   C dir name ino        a file was created           S ino len       its first len bytes are durable
 *   M dir name ino        a directory was created      T ino len       it was cut to len bytes; pending until its sync
 *   R dir old new ino     an entry was renamed         D dir n         dir holds what its events up to this process's
 *                                                                      n-th event have made of it
 *   U dir name            an entry was removed         H ino from to   a failed sync has lost these bytes for ever
 *   F path                its sync was made to fail    X what          something was done that this model does not know
 *   O ino at hex          bytes were there before a write that is about to replace them
 *   K ino len file        what stands behind its first len bytes, which are about to be all, is kept in this file aside
 *   P pid                 a process begins; the events C, M, R and U are counted from here
 *
 * What a rename replaced or an unlink removed is kept under its inode's number in a directory aside, until a sync of
 * the directory has made that final; what was cut off a file, in a new file there, until a sync of that file has.
 *
 * Environment:
 *   HALCYON_SHIM_DIR            watch what is below this directory (absolute, without symbolic links); unset: do nothing
 *   HALCYON_SHIM_JOURNAL        the journal's file, elsewhere
 *   HALCYON_SHIM_ASIDE          the directory aside, elsewhere on the same file system
 *   HALCYON_SHIM_SYNC_DELAY_US  before every sync, wait so long: widens the time in which a kill meets unsynced bytes
 *   HALCYON_SHIM_FAIL_SYNC_AT   n: the n-th sync of this process returns EIO
 *   HALCYON_SHIM_FAIL_SYNC_OF   only those are counted whose file or directory has a name that begins or ends so
 *   HALCYON_SHIM_FAIL_SYNC_HOW  "kept": though it has done its work; "lost": the bytes are gone, whatever is synced later
 *   HALCYON_SHIM_IGNORE_SYNC    1: a sync does nothing and says that it has
 *
 * Not modelled, because neither RocksDB as Halcyon sets it up nor Halcyon itself does it, and noted as X, which fails the
 * harness: writing over more than a few bytes that are there, writable shared mappings, writing through stdio, hard links, renames from
 * one directory to another, exchanging renames, writes with flags. sync_file_range makes nothing durable, nor do
 * sync and syncfs: that errs on the side of losing more.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS 65536
#define WATCHED 1
#define SYNCED 2 /* opened with O_SYNC or O_DSYNC */
#define REMOVED 4096
#define REPLACED 256 /* bytes that one write may replace */

static char watched[DESCRIPTORS];
static char root[PATH_MAX], aside[PATH_MAX], fail_of[64];
static size_t root_len;
static int journal = -1;
static long delay_us, fail_at, fail_lost, ignoring, syncs;

/* Directory events and what they have put aside: one at a time, so that a sync knows which it covers. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long events_of_dirs;
static struct { unsigned long dir, ino; long event; } removed[REMOVED];
static int removed_count;

#define REAL(name, type, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static long number(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

static ssize_t raw_write(int fd, const void *bytes, size_t count) {
    REAL("write", ssize_t, int, const void *, size_t);
    return real(fd, bytes, count);
}

static void note(const char *format, ...) {
    char line[PATH_MAX + 128];
    int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length <= 0 || length >= (int)sizeof line || raw_write(journal, line, (size_t)length) != length) {
        static const char full[] = "powerloss: the journal cannot be written\n";
        (void)!raw_write(2, full, sizeof full - 1);
        abort();
    }
    errno = saved;
}

__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("HALCYON_SHIM_DIR"), *file = getenv("HALCYON_SHIM_JOURNAL");
    const char *kept = getenv("HALCYON_SHIM_ASIDE"), *how = getenv("HALCYON_SHIM_FAIL_SYNC_HOW");
    const char *of = getenv("HALCYON_SHIM_FAIL_SYNC_OF");
    if (!dir || !file || !kept) return;
    REAL("open", int, const char *, int, ...);
    snprintf(aside, sizeof aside, "%s", kept);
    snprintf(root, sizeof root, "%s", dir);
    snprintf(fail_of, sizeof fail_of, "%s", of ? of : "");
    delay_us = number("HALCYON_SHIM_SYNC_DELAY_US");
    fail_at = number("HALCYON_SHIM_FAIL_SYNC_AT");
    ignoring = number("HALCYON_SHIM_IGNORE_SYNC");
    fail_lost = how && !strcmp(how, "lost");
    journal = real(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (journal < 0) abort();
    note("P %d\n", (int)getpid());
    root_len = strlen(root);
}

/* -- where a path is ------------------------------------------------------------------------------------------------ */

static int is_below(const char *path) {
    return root_len && !strncmp(path, root, root_len) && (path[root_len] == '/' || !path[root_len]);
}

/* The absolute path of `path` at `at`. */
static int absolute(int at, const char *path, char *out) {
    char base[PATH_MAX], link[64];
    if (path[0] == '/') return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
    if (at == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
    }
    return snprintf(out, PATH_MAX, "%s/%s", base, path) < PATH_MAX;
}

struct place {
    char path[PATH_MAX];
    const char *name; /* the last part of path */
    unsigned long dir; /* the inode of its directory */
    unsigned long ino; /* its own; 0: there is none */
};

/* Whether the entry `path` is one of ours; and which. */
static int locate(int at, const char *path, struct place *found) {
    struct stat data;
    char dir[PATH_MAX];
    if (!root_len || !path || !absolute(at, path, found->path) || !is_below(found->path)) return 0;
    size_t length = strlen(found->path);
    while (length > 1 && found->path[length - 1] == '/') found->path[--length] = 0;
    char *slash = strrchr(found->path, '/');
    if (length <= root_len || !slash) return 0;
    found->name = slash + 1;
    memcpy(dir, found->path, (size_t)(slash - found->path));
    dir[slash - found->path] = 0;
    int saved = errno, there = !stat(dir, &data);
    found->dir = data.st_ino;
    found->ino = lstat(found->path, &data) ? 0 : data.st_ino;
    errno = saved;
    return there;
}

/* -- directory events; with the lock held --------------------------------------------------------------------------- */

static void keep(const struct place *what) {
    char name[PATH_MAX + 32];
    REAL("link", int, const char *, const char *);
    snprintf(name, sizeof name, "%s/%lu", aside, what->ino);
    int saved = errno;
    if (real(what->path, name) && errno != EEXIST && errno != EPERM) note("X cannot keep %s\n", what->path);
    errno = saved;
}

static void forget_at_sync(const struct place *what) {
    events_of_dirs++;
    if (!what || removed_count == REMOVED) return; /* what is left over, the harness clears away */
    removed[removed_count].dir = what->dir;
    removed[removed_count].ino = what->ino;
    removed[removed_count++].event = events_of_dirs;
}

static void made_final(unsigned long dir, long upto) {
    char name[PATH_MAX + 32];
    REAL("unlinkat", int, int, const char *, int);
    int left = 0;
    for (int i = 0; i < removed_count; i++) {
        if (removed[i].dir == dir && removed[i].event <= upto) {
            snprintf(name, sizeof name, "%s/%lu", aside, removed[i].ino);
            int saved = errno;
            if (real(AT_FDCWD, name, 0)) real(AT_FDCWD, name, AT_REMOVEDIR);
            errno = saved;
        } else {
            removed[left++] = removed[i];
        }
    }
    removed_count = left;
}

/* -- cutting off ---------------------------------------------------------------------------------------------------- */

static int kept_ends;

static int copy_end(int from, int to, off_t at) {
    char bytes[65536];
    ssize_t count;
    while ((count = pread(from, bytes, sizeof bytes, at)) > 0) {
        if (raw_write(to, bytes, (size_t)count) != count) return 0;
        at += count;
    }
    return !count;
}

/* Before the file `path` is cut to `length` bytes: keeps what is behind them. Whether anything is. */
static int keep_end(const char *path, off_t length) {
    char name[64], whole[PATH_MAX + 64];
    struct stat data;
    int saved = errno, shorter = !stat(path, &data) && S_ISREG(data.st_mode) && data.st_size > length;
    if (shorter) {
        snprintf(name, sizeof name, "end-%d-%d", (int)getpid(), __sync_add_and_fetch(&kept_ends, 1));
        snprintf(whole, sizeof whole, "%s/%s", aside, name);
        int from = open(path, O_RDONLY | O_CLOEXEC), to = open(whole, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (from >= 0 && to >= 0 && copy_end(from, to, length))
            note("K %lu %lld %s\n", (unsigned long)data.st_ino, (long long)length, name);
        else
            note("X cannot keep the end of %s\n", path);
        if (from >= 0) close(from);
        if (to >= 0) close(to);
    }
    errno = saved;
    return shorter;
}

/* -- opening and closing -------------------------------------------------------------------------------------------- */

static void watch(int fd, int flags) {
    if (fd >= 0 && fd < DESCRIPTORS) watched[fd] = flags & O_DSYNC ? WATCHED | SYNCED : WATCHED;
    else if (fd >= 0) note("X descriptor %d\n", fd);
}

static int is_watched(int fd) {
    return fd >= 0 && fd < DESCRIPTORS && watched[fd];
}

typedef int (*opener)(int, const char *, int, mode_t);

static int opened(opener open_it, int at, const char *path, int flags, mode_t mode) {
    struct place place;
    struct stat data;
    if (!locate(at, path, &place)) {
        char whole[PATH_MAX];
        int fd = open_it(at, path, flags, mode);
        if (fd >= 0 && path && root_len && absolute(at, path, whole) && is_below(whole)) watch(fd, flags); /* the root */
        return fd;
    }
    if (!(flags & (O_CREAT | O_TRUNC))) {
        int fd = open_it(at, path, flags, mode);
        if (fd >= 0) watch(fd, flags);
        return fd;
    }
    pthread_mutex_lock(&lock);
    locate(at, path, &place);
    int shorter = flags & O_TRUNC && place.ino && keep_end(place.path, 0);
    int fd = open_it(at, path, flags, mode);
    if (fd >= 0 && !fstat(fd, &data)) {
        watch(fd, flags);
        if (!place.ino) {
            note("C %lu %s %lu\n", place.dir, place.name, (unsigned long)data.st_ino);
            forget_at_sync(NULL);
        } else if (shorter) {
            note("T %lu 0\n", (unsigned long)data.st_ino);
        }
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static int really_openat(int at, const char *path, int flags, mode_t mode) {
    REAL("openat", int, int, const char *, int, ...);
    return real(at, path, flags, mode);
}

#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode = va_arg(arguments, mode_t); \
        va_end(arguments); \
    }

int open(const char *path, int flags, ...) { MODE_OF(flags) return opened(really_openat, AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags) return opened(really_openat, AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE_OF(flags) return opened(really_openat, at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE_OF(flags) return opened(really_openat, at, path, flags, mode); }
int creat(const char *path, mode_t mode) {
    return opened(really_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

static void stdio(const char *path, const char *mode) {
    struct place place;
    if (strpbrk(mode, "wa+") && locate(AT_FDCWD, path, &place)) note("X stdio %s\n", place.path);
}

FILE *fopen(const char *path, const char *mode) {
    REAL("fopen", FILE *, const char *, const char *);
    stdio(path, mode);
    return real(path, mode);
}

FILE *fopen64(const char *path, const char *mode) { return fopen(path, mode); }

int close(int fd) {
    REAL("close", int, int);
    if (fd >= 0 && fd < DESCRIPTORS) watched[fd] = 0;
    return real(fd);
}

static int copied(int from, int to) {
    if (to >= 0 && to < DESCRIPTORS) watched[to] = is_watched(from) ? watched[from] : 0;
    return to;
}

int dup(int fd) {
    REAL("dup", int, int);
    return copied(fd, real(fd));
}

int dup2(int fd, int to) {
    REAL("dup2", int, int, int);
    return copied(fd, real(fd, to));
}

int dup3(int fd, int to, int flags) {
    REAL("dup3", int, int, int, int);
    return copied(fd, real(fd, to, flags));
}

static int controlled(int fd, int command, void *argument) {
    REAL("fcntl", int, int, int, ...);
    int result = real(fd, command, argument);
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? copied(fd, result) : result;
}

int fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return controlled(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return controlled(fd, command, argument);
}

/* -- writing -------------------------------------------------------------------------------------------------------- */

static size_t total(const struct iovec *parts, int count) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
    return bytes;
}

/* Before a write of `count` bytes at `at`, or where the descriptor stands if that is -1: what it is about to replace. */
static void before_write(int fd, off_t at, size_t count) {
    struct stat data;
    unsigned char old[REPLACED];
    char hex[2 * REPLACED + 1];
    int saved = errno;
    if (!fstat(fd, &data) && S_ISREG(data.st_mode)) {
        unsigned long ino = data.st_ino;
        if (at < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? data.st_size : lseek(fd, 0, SEEK_CUR);
        if (at < data.st_size && count) {
            if ((off_t)count > data.st_size - at) count = (size_t)(data.st_size - at);
            if (count > REPLACED || pread(fd, old, count, at) != (ssize_t)count) {
                note("X a write over %zu bytes of inode %lu\n", count, ino);
            } else {
                for (size_t i = 0; i < count; i++) snprintf(hex + 2 * i, 3, "%02x", old[i]);
                note("O %lu %lld %s\n", ino, (long long)at, hex);
            }
        }
    }
    errno = saved;
}

static ssize_t after_write(int fd, ssize_t result) {
    struct stat data;
    if (result > 0 && watched[fd] & SYNCED && !ignoring && !fstat(fd, &data))
        note("S %lu %lld\n", (unsigned long)data.st_ino, (long long)data.st_size);
    return result;
}

#define WRITE(name, at, bytes_of_it, parameters, types, arguments) \
    ssize_t name parameters { \
        static ssize_t(*real) types; \
        if (!real) real = (ssize_t(*) types)dlsym(RTLD_NEXT, #name); \
        if (!is_watched(fd)) return real arguments; \
        before_write(fd, at, bytes_of_it); \
        return after_write(fd, real arguments); \
    }

WRITE(write, -1, count, (int fd, const void *bytes, size_t count), (int, const void *, size_t), (fd, bytes, count))
WRITE(writev, -1, total(parts, count), (int fd, const struct iovec *parts, int count), (int, const struct iovec *, int), (fd, parts, count))
WRITE(pwrite, offset, count, (int fd, const void *bytes, size_t count, off_t offset), (int, const void *, size_t, off_t),
      (fd, bytes, count, offset))
WRITE(pwrite64, offset, count, (int fd, const void *bytes, size_t count, off_t offset), (int, const void *, size_t, off_t),
      (fd, bytes, count, offset))
WRITE(pwritev, offset, total(parts, count), (int fd, const struct iovec *parts, int count, off_t offset),
      (int, const struct iovec *, int, off_t), (fd, parts, count, offset))
WRITE(pwritev64, offset, total(parts, count), (int fd, const struct iovec *parts, int count, off_t offset),
      (int, const struct iovec *, int, off_t), (fd, parts, count, offset))

static ssize_t flagged(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    REAL("pwritev2", ssize_t, int, const struct iovec *, int, off_t, int);
    if (!is_watched(fd)) return real(fd, parts, count, offset, flags);
    if (flags) note("X pwritev2 with flags %d\n", flags);
    before_write(fd, offset, total(parts, count));
    return after_write(fd, real(fd, parts, count, offset, flags));
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    return flagged(fd, parts, count, offset, flags);
}
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    return flagged(fd, parts, count, offset, flags);
}

int ftruncate(int fd, off_t length) {
    REAL("ftruncate", int, int, off_t);
    char link[64];
    struct stat data;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int shorter = is_watched(fd) && keep_end(link, length), result = real(fd, length);
    if (!result && shorter && !fstat(fd, &data)) note("T %lu %lld\n", (unsigned long)data.st_ino, (long long)length);
    return result;
}

int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int truncate(const char *path, off_t length) {
    REAL("truncate", int, const char *, off_t);
    struct place place;
    int shorter = locate(AT_FDCWD, path, &place) && keep_end(place.path, length), result = real(path, length);
    if (!result && shorter) note("T %lu %lld\n", place.ino, (long long)length);
    return result;
}

int truncate64(const char *path, off_t length) { return truncate(path, length); }

/* Preallocation keeps the length, or makes the file longer by zeros, which is an unsynced tail like another. */
int fallocate(int fd, int mode, off_t from, off_t length) {
    REAL("fallocate", int, int, int, off_t, off_t);
    if (mode & ~FALLOC_FL_KEEP_SIZE && is_watched(fd)) note("X fallocate of mode %d\n", mode);
    return real(fd, mode, from, length);
}

int fallocate64(int fd, int mode, off_t from, off_t length) { return fallocate(fd, mode, from, length); }

static void mapped(int protection, int flags, int fd) {
    if (fd >= 0 && is_watched(fd) && protection & PROT_WRITE && (flags & MAP_TYPE) != MAP_PRIVATE)
        note("X a writable shared mapping\n");
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    REAL("mmap", void *, void *, size_t, int, int, int, off_t);
    mapped(protection, flags, fd);
    return real(at, length, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap(at, length, protection, flags, fd, offset);
}

/* -- syncing -------------------------------------------------------------------------------------------------------- */

static void path_of(int fd, char *path) {
    char link[64];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    errno = saved;
}

static void failed(int fd) {
    char path[PATH_MAX];
    path_of(fd, path);
    note("F %s\n", path);
}

/* Whether this sync is one that counts, and the one that is to fail. */
static int is_to_fail(int fd) {
    char path[PATH_MAX];
    if (!fail_at) return 0;
    path_of(fd, path);
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t length = strlen(fail_of), whole = strlen(name);
    if (whole < length || (strncmp(name, fail_of, length) && strcmp(name + whole - length, fail_of))) return 0;
    return __sync_add_and_fetch(&syncs, 1) == fail_at;
}

static int synced(int fd, int (*sync_it)(int)) {
    struct stat data;
    if (!is_watched(fd) || fstat(fd, &data)) return sync_it(fd);
    if (ignoring) return 0;
    /* What is there now is what this sync covers: whatever is done while it is under way may come too late for it. */
    pthread_mutex_lock(&lock);
    long covers = events_of_dirs;
    pthread_mutex_unlock(&lock);
    if (delay_us > 0) {
        struct timespec pause = {delay_us / 1000000, delay_us % 1000000 * 1000};
        nanosleep(&pause, NULL);
    }
    int fails = is_to_fail(fd);
    if (fails && fail_lost) {
        if (!S_ISDIR(data.st_mode)) note("H %lu 0 %lld\n", (unsigned long)data.st_ino, (long long)data.st_size);
        failed(fd);
        errno = EIO;
        return -1;
    }
    if (sync_it(fd)) return -1;
    if (S_ISDIR(data.st_mode)) {
        pthread_mutex_lock(&lock);
        note("D %lu %ld\n", (unsigned long)data.st_ino, covers);
        made_final(data.st_ino, covers);
        pthread_mutex_unlock(&lock);
    } else {
        note("S %lu %lld\n", (unsigned long)data.st_ino, (long long)data.st_size);
    }
    if (fails) {
        failed(fd);
        errno = EIO;
        return -1;
    }
    return 0;
}

int fsync(int fd) {
    REAL("fsync", int, int);
    return synced(fd, real);
}

int fdatasync(int fd) {
    REAL("fdatasync", int, int);
    return synced(fd, real);
}

/* -- directories ---------------------------------------------------------------------------------------------------- */

int mkdirat(int at, const char *path, mode_t mode) {
    REAL("mkdirat", int, int, const char *, mode_t);
    struct place place;
    if (!locate(at, path, &place)) return real(at, path, mode);
    pthread_mutex_lock(&lock);
    int result = real(at, path, mode);
    if (!result && locate(at, path, &place)) {
        note("M %lu %s %lu\n", place.dir, place.name, place.ino);
        forget_at_sync(NULL);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* Removes a directory by moving it aside: there, it holds its number until that is final. */
static int move_aside(const struct place *what) {
    char name[PATH_MAX + 32];
    REAL("rename", int, const char *, const char *);
    DIR *dir = opendir(what->path);
    if (!dir) return -1;
    struct dirent *entry;
    int entries = 0;
    while ((entry = readdir(dir))) entries++;
    closedir(dir);
    if (entries > 2) {
        errno = ENOTEMPTY;
        return -1;
    }
    snprintf(name, sizeof name, "%s/%lu", aside, what->ino);
    return real(what->path, name);
}

int unlinkat(int at, const char *path, int flags) {
    REAL("unlinkat", int, int, const char *, int);
    struct place place;
    if (!locate(at, path, &place)) return real(at, path, flags);
    pthread_mutex_lock(&lock);
    locate(at, path, &place);
    if (place.ino && !(flags & AT_REMOVEDIR)) keep(&place);
    int result = place.ino && flags & AT_REMOVEDIR ? move_aside(&place) : real(at, path, flags);
    if (!result) {
        note("U %lu %s\n", place.dir, place.name);
        forget_at_sync(&place);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int remove(const char *path) {
    struct stat data;
    return unlinkat(AT_FDCWD, path, !lstat(path, &data) && S_ISDIR(data.st_mode) ? AT_REMOVEDIR : 0);
}

int renameat2(int at, const char *old, int to, const char *new, unsigned flags) {
    REAL("renameat2", int, int, const char *, int, const char *, unsigned);
    struct place source, target;
    int from_here = locate(at, old, &source), to_here = locate(to, new, &target);
    if (!from_here && !to_here) return real(at, old, to, new, flags);
    if (!from_here || !to_here || source.dir != target.dir || flags & RENAME_EXCHANGE)
        note("X a rename from %s to %s\n", old, new);
    pthread_mutex_lock(&lock);
    from_here = locate(at, old, &source), to_here = locate(to, new, &target);
    if (target.ino) keep(&target);
    int result = real(at, old, to, new, flags);
    if (!result && source.ino != target.ino) {
        note("R %lu %s %s %lu\n", source.dir, source.name, target.name, source.ino);
        forget_at_sync(target.ino ? &target : NULL);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int renameat(int at, const char *old, int to, const char *new) { return renameat2(at, old, to, new, 0); }
int rename(const char *old, const char *new) { return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0); }

int linkat(int at, const char *old, int to, const char *new, int flags) {
    REAL("linkat", int, int, const char *, int, const char *, int);
    struct place place;
    if (locate(to, new, &place)) note("X a hard link %s\n", new);
    return real(at, old, to, new, flags);
}

int link(const char *old, const char *new) {
    REAL("link", int, const char *, const char *);
    struct place place;
    if (locate(AT_FDCWD, new, &place)) note("X a hard link %s\n", new);
    return real(old, new);
}
