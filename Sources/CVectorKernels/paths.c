// Which of the instruction sets a kernel is compiled for is used.
#include "kernels.h"
#include <stdio.h>
#include <stdlib.h>

_Thread_local int bk_thread_path = 0;
int bk_process_path = 0;

#if defined(__aarch64__)
static const char *const names[] = {"", "neon", "avx2", "avx512"};
#else
static const char *const names[] = {"", "baseline", "avx2", "avx512"};
#endif

static int best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return BK_AVX512;
  if (__builtin_cpu_supports("x86-64-v3")) return BK_AVX2;
#endif
  return BK_BASELINE;
}

static int path_named(const char *name) {
  if (!strcmp(name, "baseline")) return BK_BASELINE;
  for (int path = BK_BASELINE; path <= BK_AVX512; path++)
    if (!strcmp(name, names[path])) return path;
  return 0;
}

// Two threads that come here at once find the same.
int bk_choose_path(void) {
  int path = best();
  const char *wish = getenv("BRED_VECTORS");
  if (wish && *wish) {
    int wished = path_named(wish);
    if (wished && wished <= path)
      path = wished;
    else
      fprintf(stderr, "BRED_VECTORS=%s: this processor has %s; that is used\n", wish, names[path]);
  }
  __atomic_store_n(&bk_process_path, path, __ATOMIC_RELAXED);
  return path;
}

const char *bk_instruction_set(void) { return names[bk_path()]; }

int bk_use_instruction_set(const char *name) {
  int path = name ? path_named(name) : 0;
  if (name && (!path || path > best())) return 0;
  bk_thread_path = path;
  return 1;
}
