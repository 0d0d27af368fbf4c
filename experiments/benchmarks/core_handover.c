// How long two processors take to hand a cache line to each other and back, in nanoseconds, every half second.
//
//   cc -O2 -pthread core_handover.c -o core-handover && ./core-handover 20
//
// On a virtual machine it tells whether the host runs the two on cores that share a cache: on the machine of
// docs/performance.md it jumps between 50 and 350 ns within minutes, and short updates on two threads with it.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static _Alignas(128) atomic_int line;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void stay_on(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

// Answers odd numbers by the next even one, until −1.
static void *answer(void *unused) {
  stay_on(1);
  for (;;) {
    int value = atomic_load(&line);
    if (value < 0) return unused;
    if (value & 1) atomic_store(&line, (value + 1) & 0xFFFF);
  }
}

int main(int count, char **arguments) {
  int times = count > 1 ? atoi(arguments[1]) : 20;
  pthread_t other;
  stay_on(0);
  pthread_create(&other, NULL, answer, NULL);
  for (int i = 0; i < times; i++) {
    const int turns = 100000;
    double start = seconds();
    for (int k = 0; k < turns; k++) {
      atomic_store(&line, atomic_load(&line) + 1);
      while (atomic_load(&line) & 1) {
      }
    }
    printf("%.0f\n", (seconds() - start) / turns * 1e9);
    fflush(stdout);
    nanosleep(&(struct timespec){0, 500000000}, NULL);
  }
  atomic_store(&line, -1);
  pthread_join(other, NULL);
}
