// Counts heap allocations of the whole test process, by standing in for the C library's allocator.
#pragma once
#include <stdint.h>

/// Allocations so far, on all threads.
uint64_t allocation_count(void);
