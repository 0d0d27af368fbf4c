#define _GNU_SOURCE
#include "CAllocationCounter.h"
#include <errno.h>
#include <features.h>
#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <string.h>

// The sanitizers bring allocators of their own, which must come first.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHER_ALLOCATOR
#endif
#endif

#if defined(__linux__) && defined(__GLIBC__) && !defined(OTHER_ALLOCATOR)
// The names under which glibc's own allocator can still be reached.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Thread_local uint64_t count;
static _Thread_local int64_t live;

// Where OpenBLAS lies. Its products of small matrices take a buffer on processors with AVX-512, which is
// its affair and no matter of ours.
static uintptr_t library_begin, library_end;

static int remember(struct dl_phdr_info *object, size_t size, void *data) {
  (void)size, (void)data;
  if (!object->dlpi_name || !strstr(object->dlpi_name, "libopenblas")) return 0;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
    library_begin = object->dlpi_addr + segment->p_vaddr;
    library_end = library_begin + segment->p_memsz;
  }
  return 1;
}

__attribute__((constructor)) static void find_library(void) { dl_iterate_phdr(remember, NULL); }

void *malloc(size_t size) {
  uintptr_t caller = (uintptr_t)__builtin_return_address(0);
  count += caller < library_begin || caller >= library_end;
  live++;
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count++;
  live++;
  return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
  count++;
  // Of no bytes it releases.
  live += !memory - (memory && !size);
  return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count++;
  live++;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  count++;
  live++;
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}

void free(void *memory) {
  live -= memory != NULL;
  __libc_free(memory);
}

uint64_t allocation_count(void) { return count; }
int64_t allocation_balance(void) { return live; }

uint64_t heap_bytes_in_use(void) {
  struct mallinfo2 all = mallinfo2();
  return all.uordblks + all.hblkhd;
}
#else
uint64_t allocation_count(void) { return 0; }
int64_t allocation_balance(void) { return 0; }
uint64_t heap_bytes_in_use(void) { return 0; }
#endif

#ifdef OTHER_ALLOCATOR
int sanitizer_allocates(void) { return 1; }
#else
int sanitizer_allocates(void) { return 0; }
#endif
