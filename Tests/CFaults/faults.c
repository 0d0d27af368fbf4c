#include "faults.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char nonsense[4096];

static void say(size_t bytes) {
  memset(nonsense, 0xff, sizeof nonsense);
  if (write(1, nonsense, bytes) < 0) abort();
}

void bred_fault_crash(void) { abort(); }

void bred_fault_endless_work(void) {
  for (volatile int forever = 1; forever;) {}
}

void bred_fault_silence(void) { sleep(1000); }

void bred_fault_short_answer(void) { say(7); }

void bred_fault_nonsense(void) {
  say(sizeof nonsense);
  sleep(1000);
}
