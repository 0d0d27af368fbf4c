// Stands between a program and its file system (LD_PRELOAD): numbers the calls below one folder, and lets one of
// them go wrong.
//
//   BRED_TORTURE_ROOT    the folder; calls on other paths, and those of child processes, pass untouched
//   BRED_TORTURE_LOG     one line a call: number, class, path
//   BRED_TORTURE_RECORD  every change with its bytes, for replaying it partly (power.py)
//   BRED_TORTURE_FAULT   "kill N before|half|after"    SIGKILL around call N, or after half of its bytes
//                        "ERRNO N once|always"         ENOSPC, EDQUOT or EIO at call N, or at all that it can
//                                                      meet from N on
//                        "short N once|always"         a write takes half of its bytes
//
// Numbers count from 1 and do not depend on the fault, so that a run without one tells which calls there are.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum class { CREATE, OPEN, WRITE, READ, RENAME, SYNC, LINK, UNLINK, TRUNCATE, MKDIR, CLOSE, LOOK, LIST };
static const char *const class_names[] = {"create", "open",   "write",    "read",  "rename", "sync", "link",
                                          "unlink", "truncate", "mkdir", "close",  "look",   "list"};

enum fault { NONE, KILL_BEFORE, KILL_HALF, KILL_AFTER, ERROR, SHORT };

enum { MOST_FILES = 4096 };
static struct {
  const char *root;
  size_t root_length;
  int log, record;
  pid_t owner;
  long calls;
  enum fault fault;
  long at;
  int always, error;
} torture = {.log = -1, .record = -1};

// Paths of open descriptors below the root; `written` where bytes can have gone through them.
static struct { char *path; int writable; } files[MOST_FILES];

static int parse_errno(const char *name) {
  if (!strcmp(name, "ENOSPC")) return ENOSPC;
  if (!strcmp(name, "EDQUOT")) return EDQUOT;
  return EIO;
}

__attribute__((constructor)) static void start(void) {
  const char *root = getenv("BRED_TORTURE_ROOT");
  if (!root || !*root) return;
  torture.root_length = strlen(root);
  torture.owner = getpid();
  const char *log = getenv("BRED_TORTURE_LOG"), *record = getenv("BRED_TORTURE_RECORD");
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  if (log) torture.log = (int)syscall(SYS_openat, AT_FDCWD, log, flags, 0644);
  if (record) torture.record = (int)syscall(SYS_openat, AT_FDCWD, record, flags, 0644);
  const char *text = getenv("BRED_TORTURE_FAULT");
  char what[16] = "", how[16] = "";
  if (text && sscanf(text, "%15s %ld %15s", what, &torture.at, how) == 3) {
    torture.always = !strcmp(how, "always");
    if (!strcmp(what, "kill")) {
      torture.fault = !strcmp(how, "before") ? KILL_BEFORE : !strcmp(how, "half") ? KILL_HALF : KILL_AFTER;
    } else if (!strcmp(what, "short")) {
      torture.fault = SHORT;
    } else {
      torture.fault = ERROR;
      torture.error = parse_errno(what);
    }
  }
  torture.root = root;  // Last: from now on calls count.
}

static int counts(const char *path) {
  return torture.root && path && getpid() == torture.owner &&
         !strncmp(path, torture.root, torture.root_length) &&
         (path[torture.root_length] == '/' || !path[torture.root_length]);
}

static const char *path_of(int descriptor) {
  return torture.root && descriptor >= 0 && descriptor < MOST_FILES && getpid() == torture.owner
             ? files[descriptor].path
             : NULL;
}

// A full disk and a full quota meet what needs room; a broken one meets everything.
static int can_meet(int error, enum class kind) {
  if (error == EIO) return 1;
  return kind == CREATE || kind == WRITE || kind == RENAME || kind == SYNC || kind == LINK || kind == MKDIR;
}

static void end_here(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

// What happens to this call.
static enum fault enter(enum class kind, const char *path) {
  const long number = __atomic_add_fetch(&torture.calls, 1, __ATOMIC_SEQ_CST);
  if (torture.log >= 0) {
    char line[1200];
    const int length = snprintf(line, sizeof line, "%ld %s %s\n", number, class_names[kind], path);
    if (length > 0) syscall(SYS_write, torture.log, line, (size_t)length);
  }
  if (torture.fault == NONE || number < torture.at || (number > torture.at && !torture.always)) return NONE;
  if (torture.fault == KILL_BEFORE) end_here();
  if (torture.fault == ERROR && number > torture.at && !can_meet(torture.error, kind)) return NONE;
  if (torture.fault == SHORT && kind != WRITE) return NONE;
  return torture.fault;
}

// The end of a call that was not failed.
static void leave(enum fault fault) {
  if (fault == KILL_AFTER || fault == KILL_HALF) end_here();
}

// One change for the record: what, two numbers, two pieces of bytes.
static void note(char what, int64_t a, int64_t b, const void *first, size_t n, const void *second, size_t m) {
  if (torture.record < 0) return;
  const int kept = errno;
  struct __attribute__((packed)) { char what; int64_t a, b; uint32_t n, m; } head = {what, a, b, (uint32_t)n, (uint32_t)m};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)first, n}, {(void *)second, m}};
  syscall(SYS_writev, torture.record, parts, 3);
  errno = kept;
}

static void note_paths(char what, const char *first, const char *second) {
  note(what, 0, 0, first, strlen(first), second, second ? strlen(second) : 0);
}

static void forget(int descriptor) {
  free(files[descriptor].path);
  files[descriptor].path = NULL;
}

#define REAL(result, name, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define FAIL_IF_ASKED(fault) \
  if (fault == ERROR) { errno = torture.error; return -1; }

// Opening

static int opened(int folder, const char *path, int flags, mode_t mode) {
  if (!counts(path)) return (int)syscall(SYS_openat, folder, path, flags, mode);
  const enum fault fault = enter(flags & (O_CREAT | O_TRUNC) ? CREATE : OPEN, path);
  FAIL_IF_ASKED(fault)
  struct stat before;
  const int existed = !syscall(SYS_newfstatat, AT_FDCWD, path, &before, 0);
  const int result = (int)syscall(SYS_openat, folder, path, flags, mode);
  if (result >= 0 && result < MOST_FILES) {
    forget(result);
    files[result].path = strdup(path);
    files[result].writable = (flags & O_ACCMODE) != O_RDONLY;
    note('o', result, (flags & O_APPEND ? 1 : 0) | (flags & O_TRUNC ? 2 : 0) | (existed ? 4 : 0), path,
         strlen(path), NULL, 0);
  }
  leave(fault);
  return result;
}

#define MODE(flags) \
  mode_t mode = 0; \
  if (flags & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return opened(folder, path, flags, mode); }
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int close(int descriptor) {
  const char *path = path_of(descriptor);
  if (!path) return (int)syscall(SYS_close, descriptor);
  const enum fault fault = enter(files[descriptor].writable ? CLOSE : LOOK, path);
  note('c', descriptor, 0, NULL, 0, NULL, 0);
  forget(descriptor);
  const int result = (int)syscall(SYS_close, descriptor);  // Closed even where it fails.
  FAIL_IF_ASKED(fault)
  leave(fault);
  return result;
}

// Bytes

static size_t share(enum fault fault, size_t count) {
  return (fault == KILL_HALF || fault == SHORT) && count > 1 ? count / 2 : count;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  const char *path = path_of(descriptor);
  if (!path) return syscall(SYS_write, descriptor, bytes, count);
  const enum fault fault = enter(WRITE, path);
  FAIL_IF_ASKED(fault)
  const ssize_t result = syscall(SYS_write, descriptor, bytes, share(fault, count));
  if (result > 0) note('w', descriptor, -1, bytes, (size_t)result, NULL, 0);
  leave(fault);
  return result;
}

static ssize_t written_at(int descriptor, const void *bytes, size_t count, off_t offset) {
  const char *path = path_of(descriptor);
  if (!path) return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
  const enum fault fault = enter(WRITE, path);
  FAIL_IF_ASKED(fault)
  const ssize_t result = syscall(SYS_pwrite64, descriptor, bytes, share(fault, count), offset);
  if (result > 0) note('w', descriptor, offset, bytes, (size_t)result, NULL, 0);
  leave(fault);
  return result;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  return written_at(descriptor, bytes, count, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t offset) {
  return written_at(descriptor, bytes, count, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  const char *path = path_of(descriptor);
  if (!path) return syscall(SYS_writev, descriptor, parts, count);
  const enum fault fault = enter(WRITE, path);
  FAIL_IF_ASKED(fault)
  const int taken = (int)share(fault, (size_t)count);
  ssize_t total = 0;
  for (int i = 0; i < taken; i++) {
    const ssize_t result = syscall(SYS_write, descriptor, parts[i].iov_base, parts[i].iov_len);
    if (result < 0) { if (!total) total = -1; break; }
    note('w', descriptor, -1, parts[i].iov_base, (size_t)result, NULL, 0);
    total += result;
    if ((size_t)result < parts[i].iov_len) break;
  }
  leave(fault);
  return total;
}

ssize_t read(int descriptor, void *bytes, size_t count) {
  const char *path = path_of(descriptor);
  if (!path) return syscall(SYS_read, descriptor, bytes, count);
  const enum fault fault = enter(READ, path);
  FAIL_IF_ASKED(fault)
  const ssize_t result = syscall(SYS_read, descriptor, bytes, count);
  leave(fault);
  return result;
}

static ssize_t read_at(int descriptor, void *bytes, size_t count, off_t offset) {
  const char *path = path_of(descriptor);
  if (!path) return syscall(SYS_pread64, descriptor, bytes, count, offset);
  const enum fault fault = enter(READ, path);
  FAIL_IF_ASKED(fault)
  const ssize_t result = syscall(SYS_pread64, descriptor, bytes, count, offset);
  leave(fault);
  return result;
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) { return read_at(descriptor, bytes, count, offset); }
ssize_t pread64(int descriptor, void *bytes, size_t count, off_t offset) { return read_at(descriptor, bytes, count, offset); }

static int synced(long call, int descriptor) {
  const char *path = path_of(descriptor);
  if (!path) return (int)syscall(call, descriptor);
  const enum fault fault = enter(SYNC, path);
  FAIL_IF_ASKED(fault)
  // A disk is not waited for: power losses are replayed from the record, kills do not need it.
  note('s', descriptor, 0, NULL, 0, NULL, 0);
  leave(fault);
  return 0;
}

int fsync(int descriptor) { return synced(SYS_fsync, descriptor); }
int fdatasync(int descriptor) { return synced(SYS_fdatasync, descriptor); }

static int truncated(int descriptor, off_t length) {
  const char *path = path_of(descriptor);
  if (!path) return (int)syscall(SYS_ftruncate, descriptor, length);
  const enum fault fault = enter(TRUNCATE, path);
  FAIL_IF_ASKED(fault)
  const int result = (int)syscall(SYS_ftruncate, descriptor, length);
  if (!result) note('t', descriptor, length, NULL, 0, NULL, 0);
  leave(fault);
  return result;
}

int ftruncate(int descriptor, off_t length) { return truncated(descriptor, length); }
int ftruncate64(int descriptor, off_t length) { return truncated(descriptor, length); }

// Names

#define CHANGE(kind, path, letter, other, ...) \
  if (!counts(path)) return (int)syscall(__VA_ARGS__); \
  const enum fault fault = enter(kind, path); \
  FAIL_IF_ASKED(fault) \
  const int result = (int)syscall(__VA_ARGS__); \
  if (!result) note_paths(letter, path, other); \
  leave(fault); \
  return result;

int rename(const char *from, const char *to) { CHANGE(RENAME, to, 'r', from, SYS_rename, from, to) }
int renameat(int a, const char *from, int b, const char *to) { CHANGE(RENAME, to, 'r', from, SYS_renameat, a, from, b, to) }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
  CHANGE(RENAME, to, 'r', from, SYS_renameat2, a, from, b, to, flags)
}
int link(const char *from, const char *to) { CHANGE(LINK, to, 'l', from, SYS_link, from, to) }
int symlink(const char *target, const char *path) { CHANGE(LINK, path, 'y', target, SYS_symlink, target, path) }
int unlink(const char *path) { CHANGE(UNLINK, path, 'u', NULL, SYS_unlink, path) }
int unlinkat(int folder, const char *path, int flags) { CHANGE(UNLINK, path, 'u', NULL, SYS_unlinkat, folder, path, flags) }
int rmdir(const char *path) { CHANGE(UNLINK, path, 'u', NULL, SYS_rmdir, path) }
int mkdir(const char *path, mode_t mode) { CHANGE(MKDIR, path, 'm', NULL, SYS_mkdir, path, mode) }
int mkdirat(int folder, const char *path, mode_t mode) { CHANGE(MKDIR, path, 'm', NULL, SYS_mkdirat, folder, path, mode) }

// Looks

#define LOOK_AT(path, ...) \
  if (counts(path)) { \
    const enum fault fault = enter(LOOK, path); \
    FAIL_IF_ASKED(fault) \
    leave(fault); \
  } \
  return (int)syscall(__VA_ARGS__);

int stat(const char *path, struct stat *result) { LOOK_AT(path, SYS_newfstatat, AT_FDCWD, path, result, 0) }
int stat64(const char *path, struct stat64 *result) { LOOK_AT(path, SYS_newfstatat, AT_FDCWD, path, result, 0) }
int lstat(const char *path, struct stat *result) { LOOK_AT(path, SYS_newfstatat, AT_FDCWD, path, result, AT_SYMLINK_NOFOLLOW) }
int lstat64(const char *path, struct stat64 *result) { LOOK_AT(path, SYS_newfstatat, AT_FDCWD, path, result, AT_SYMLINK_NOFOLLOW) }
int access(const char *path, int mode) { LOOK_AT(path, SYS_faccessat, AT_FDCWD, path, mode) }

DIR *opendir(const char *path) {
  REAL(DIR *, opendir, const char *);
  if (!counts(path)) return real(path);
  const enum fault fault = enter(LIST, path);
  if (fault == ERROR) { errno = torture.error; return NULL; }
  DIR *const result = real(path);
  leave(fault);
  return result;
}
