#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "child.h"

char *bred_h5_object;
static int answers_to = -1;

// Answers on their way.
static char pending[1 << 16];
static size_t pending_bytes;

static void flush(void) {
  for (size_t done = 0; done < pending_bytes;) {
    ssize_t count = write(answers_to, pending + done, pending_bytes - done);
    if (count < 0 && errno != EINTR) _exit(1);
    if (count > 0) done += (size_t)count;
  }
  pending_bytes = 0;
}

static void put(const void *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    if (pending_bytes == sizeof pending) flush();
    size_t part = sizeof pending - pending_bytes;
    if (part > count - done) part = count - done;
    memcpy(pending + pending_bytes, (const char *)bytes + done, part);
    pending_bytes += part;
    done += part;
  }
}

void bred_h5_answer(
  bred_h5_record *record, const char *name, const void *value, const char *text,
  const bred_h5_chunk *chunks) {
  if (text) record->kind = BRED_H5_LEFT_OUT;
  record->name_bytes = name ? (uint32_t)strlen(name) : 0;
  record->text_bytes = text ? (uint32_t)strlen(text) : 0;
  put(record, sizeof *record);
  put(name, record->name_bytes);
  put(value, record->value_bytes);
  put(text, record->text_bytes);
  put(chunks, record->chunk_count * sizeof *chunks);
}

void bred_h5_wait(void) {
  char go;
  flush();
  ssize_t count;
  do count = read(answers_to, &go, 1);
  while (count < 0 && errno == EINTR);
  if (count != 1) _exit(1);
}

static char explanation[4096];

static herr_t add_line(unsigned number, const H5E_error2_t *entry, void *data) {
  (void)number;
  (void)data;
  size_t used = strlen(explanation);
  snprintf(
    explanation + used, sizeof explanation - used, "\n%s: %s",
    entry->func_name ? entry->func_name : "?", entry->desc ? entry->desc : "?");
  return 0;
}

const char *bred_h5_explain(const char *reason) {
  snprintf(explanation, sizeof explanation, "%s", reason);
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, add_line, NULL);
  H5Eclear2(H5E_DEFAULT);
  return explanation;
}

static void end_with(const char *reason) {
  bred_h5_record record = {.kind = BRED_H5_END};
  bred_h5_answer(&record, bred_h5_object, NULL, reason, NULL);
  flush();
  _exit(0);
}

// Bytes of address space in use.
static rlim_t used_memory(void) {
  char text[64] = "";
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  return count > 0 ? strtoull(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE) : 0;
}

static void limit(int resource, rlim_t amount) {
  // Beyond the first of the two limits of time there is a signal that tells, beyond the second an end.
  struct rlimit limits = {amount, resource == RLIMIT_CPU ? amount + 1 : amount};
  setrlimit(resource, &limits);
}

// Nothing of the parent is left but the two descriptors.
static void leave_parent(const bred_h5_request *request) {
  // A Ctrl-C is the parent's business, and its handlers are not to run here.
  for (int number = 1; number < NSIG; number++) {
    bool ignored = number == SIGINT || number == SIGTERM || number == SIGHUP ||
                   number == SIGQUIT || number == SIGTSTP || number == SIGPIPE;
    signal(number, ignored ? SIG_IGN : SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  // glibc and sanitizers complain aloud about a heap in disorder; the parent says it in its own words.
  int nowhere = open("/dev/null", O_RDWR);
  for (int standard = 0; standard < 3; standard++) dup2(nowhere, standard);
  int low = request->descriptor < answers_to ? request->descriptor : answers_to;
  int high = request->descriptor < answers_to ? answers_to : request->descriptor;
#if defined(__linux__)
  if (low > 3) close_range(3, (unsigned)low - 1, 0);
  if (high > low + 1) close_range((unsigned)low + 1, (unsigned)high - 1, 0);
  close_range((unsigned)high + 1, ~0u, 0);
#else
  for (int other = 3; other < 4096; other++)
    if (other != low && other != high) close(other);
#endif
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CPU, request->processor_seconds);
#if !defined(__APPLE__)
  rlim_t used = used_memory();
  if (used > 0) limit(RLIMIT_AS, used + ((rlim_t)request->memory_megabytes << 20));
#endif
}

static bool is_same_file(hid_t file, int descriptor) {
  struct stat own, given;
  int *handle = NULL;
  return H5Fget_vfd_handle(file, H5P_DEFAULT, (void **)&handle) >= 0 && fstat(*handle, &own) == 0 &&
         fstat(descriptor, &given) == 0 && own.st_dev == given.st_dev && own.st_ino == given.st_ino;
}

static void go_wrong(uint32_t fault) {
  volatile bool forever = fault == BRED_H5_ENDLESS_WORK;
  while (forever) {}
  if (fault == BRED_H5_CRASH) abort();
  bred_h5_record record;
  memset(&record, 0xff, sizeof record);
  if (fault == BRED_H5_SHORT_ANSWER) put(&record, 7);
  if (fault == BRED_H5_NONSENSE) put(&record, sizeof record);
  flush();
  if (fault == BRED_H5_SHORT_ANSWER) _exit(0);
  if (fault != BRED_H5_NO_FAULT) sleep(1000);
}

static void work(const bred_h5_request *request) {
  leave_parent(request);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  // No code from elsewhere.
  H5PLset_loading_state(0);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  // Whoever writes the file meanwhile, reading it disturbs nobody; some network disks have no locks.
  H5Pset_file_locking(access, false, true);
  // Chunks are kept until all their rows are read.
  H5Pset_cache(access, 0, 12421, 64 << 20, 1);
  hid_t file = H5Fopen(request->path, H5F_ACC_RDONLY, access);
  if (file < 0) end_with(bred_h5_explain("cannot be opened"));
  if (!is_same_file(file, request->descriptor)) end_with("was replaced while it was read");
  // From here on there is no way to any other file: not by links, not by external or virtual storage.
  limit(RLIMIT_NOFILE, 0);
  go_wrong(request->fault);
  if (request->object) bred_h5_read(file, request);
  else bred_h5_walk(file);
  bred_h5_object[0] = 0;
  end_with(NULL);
}

pid_t bred_h5_start(const bred_h5_request *request, int *answers) {
  int ends[2];
#if defined(SOCK_CLOEXEC)
  int status = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
#else
  int status = socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
#endif
  if (status != 0) return -1;
  // The parent's handlers must not run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t child = fork();
  if (child == 0) {
    answers_to = ends[1];
    bred_h5_object = request->shared;
    work(request);
  }
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    errno = error;
  } else {
    *answers = ends[0];
  }
  return child;
}
