#define _GNU_SOURCE
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
#else
#define SOCK_CLOEXEC 0
#endif

#include "walk.h"

char *bred_h5_object;
static FILE *answers;

// MARK: Answers

void bred_h5_answer(bred_h5_record record, const char *name, const char *text) {
  record.name_bytes = (uint32_t)strlen(name);
  record.text_bytes = (uint32_t)strlen(text);
  fwrite(&record, sizeof record, 1, answers);
  fwrite(name, 1, record.name_bytes, answers);
  fwrite(text, 1, record.text_bytes, answers);
}

void bred_h5_wait(void) {
  char go;
  // The parent has gone, or wants no more.
  if (fflush(answers) != 0 || read(fileno(answers), &go, 1) != 1) _exit(1);
}

typedef struct {
  char *text;
  size_t bytes;
} cause_text;

static herr_t keep_cause(unsigned number, const H5E_error2_t *entry, void *data) {
  (void)number;
  cause_text *cause = data;
  snprintf(
    cause->text, cause->bytes, "%s: %s", entry->func_name ? entry->func_name : "?",
    entry->desc ? entry->desc : "?");
  return 0;
}

void bred_h5_take_cause(char *cause, size_t bytes) {
  cause[0] = 0;
  // The innermost comes last.
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_cause, &(cause_text){cause, bytes});
  H5Eclear2(H5E_DEFAULT);
}

bool bred_h5_leave_out(const char *reason) {
  char text[1024];
  size_t used = (size_t)snprintf(text, sizeof text / 2, "%s\n", reason);
  bred_h5_take_cause(text + used, sizeof text - used);
  bred_h5_answer((bred_h5_record){.kind = BRED_H5_LEFT_OUT}, bred_h5_object, text);
  return false;
}

// MARK: The process

static void limit(int resource, rlim_t amount) {
  // Beyond the first of the two limits of time there is a signal that tells, beyond the second an end.
  struct rlimit limits = {amount, resource == RLIMIT_CPU ? amount + 1 : amount};
  setrlimit(resource, &limits);
}

// Nothing of the parent is left but the file, as descriptor 0, and the socket, as 1.
static void leave_parent(const bred_h5_request *request, int socket) {
  // A Ctrl-C is the parent's business, and its handlers are not to run here.
  for (int number = 1; number < NSIG; number++) {
    bool ignored = number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT ||
                   number == SIGTSTP;
    signal(number, ignored ? SIG_IGN : SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int file = fcntl(request->descriptor, F_DUPFD, 3);
  socket = fcntl(socket, F_DUPFD, 3);
  // glibc and sanitizers complain aloud about a heap in disorder; the parent says it in its own words.
  if (file < 0 || socket < 0 || dup2(open("/dev/null", O_RDWR), 2) < 0) _exit(1);
  dup2(file, 0);
  dup2(socket, 1);
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  close_range(3, ~0u, 0);
#else
  for (int other = 3; other < 4096; other++) close(other);
#endif
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CPU, request->processor_seconds);
  // Beyond the address space that it was born with.
  unsigned long pages = 0;
  FILE *usage = fopen("/proc/self/statm", "r");
  if (usage && fscanf(usage, "%lu", &pages) == 1)
    limit(RLIMIT_AS, pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)request->memory_megabytes << 20));
  if (usage) fclose(usage);
}

static void work(const bred_h5_request *request) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  // No code from elsewhere.
  H5PLset_loading_state(0);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  // Whoever writes the file meanwhile, reading it disturbs nobody; some network disks have no locks.
  H5Pset_file_locking(access, false, true);
  // Chunks are kept until all their rows are read.
  H5Pset_cache(access, 0, 12421, 64 << 20, 1);
  // Not by its name, under which there may be another by now. Libhdf5's usual driver asks for the true name,
  // which a removed file no longer has; that of stdio does not, but notices less of what is cut off.
  struct stat status;
  if (fstat(0, &status) == 0 && status.st_nlink == 0) H5Pset_fapl_stdio(access);
#if defined(__linux__)
  hid_t file = H5Fopen("/proc/self/fd/0", H5F_ACC_RDONLY, access);
#else
  hid_t file = H5Fopen("/dev/fd/0", H5F_ACC_RDONLY, access);
#endif
  // From here on there is no way to any other file: not by links, not by external or virtual storage.
  limit(RLIMIT_NOFILE, 0);
  if (file < 0) bred_h5_leave_out("cannot be opened");
  else if (request->object) bred_h5_read(file, request);
  else bred_h5_walk(file);
  bred_h5_answer((bred_h5_record){.kind = BRED_H5_END}, "", "");
}

pid_t bred_h5_start(const bred_h5_request *request, int *socket) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  // The parent's handlers must not run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t child = fork();
  if (child == 0) {
    leave_parent(request, ends[1]);
    bred_h5_object = request->shared;
    answers = fdopen(1, "w");
    if (request->fault) request->fault();
    else work(request);
    fflush(answers);
    _exit(0);
  }
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(ends[1]);
  *socket = ends[0];
  if (child < 0) close(ends[0]);
  errno = error;
  return child;
}
