// Counts heap allocations by standing in for the C library's allocator in the test process.
#pragma once
#include <stdint.h>

/// Allocations so far by the calling thread: tests that run at the same time do not disturb it.
/// Those of OpenBLAS itself do not count.
uint64_t allocation_count(void);

/// Those allocations, less what the calling thread has released.
int64_t allocation_balance(void);

/// Bytes of the whole process that have been allocated and not released.
uint64_t heap_bytes_in_use(void);

/// Not zero where a sanitizer's allocator is in the way, and nothing is counted.
int sanitizer_allocates(void);
