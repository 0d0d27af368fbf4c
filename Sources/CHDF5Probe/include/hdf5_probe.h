#pragma once
#include <stdint.h>
#include <sys/types.h>

// libhdf5 reads files of others in a child process only: it crashes on some damaged ones. The child
// answers with records through a socket; whoever reads them believes none of the numbers.

enum bred_h5_kind {
  BRED_H5_GROUP = 1,
  BRED_H5_DATASET,
  // An object that cannot be read; the text says why.
  BRED_H5_LEFT_OUT,
  // A value of the object before.
  BRED_H5_ATTRIBUTE,
  // `shape[0]` rows lie in the shared memory.
  BRED_H5_ROWS,
  // All has been said.
  BRED_H5_END,
};

enum bred_h5_type {
  BRED_H5_FLOAT = 1,
  BRED_H5_SIGNED,
  BRED_H5_UNSIGNED,
  BRED_H5_BOOLEAN,
  BRED_H5_FIXED_TEXT,
  BRED_H5_VARIABLE_TEXT,
};

// How a dataset is to be read.
enum bred_h5_route {
  // Its elements are the record's value.
  BRED_H5_INLINE = 1,
  // By the parent: little-endian numbers at `address`.
  BRED_H5_PLAIN,
  // By the parent: such numbers in chunks, all of which follow.
  BRED_H5_CHUNKS,
  // By a child.
  BRED_H5_LIBRARY,
};

// As libhdf5 numbers them.
enum bred_h5_layout { BRED_H5_COMPACT, BRED_H5_CONTIGUOUS, BRED_H5_CHUNKED };

// One answer. Name, value and text follow, then the chunks.
typedef struct {
  uint32_t kind;
  uint32_t name_bytes;
  uint32_t value_bytes;
  // A reason, then the lines of libhdf5's error stack.
  uint32_t text_bytes;
  uint32_t chunk_count;

  uint32_t type;
  uint32_t type_bytes;
  // What comes out of libhdf5: 4 or 8 for a float of that size, 0 for 64-bit integers.
  uint32_t float_bytes;
  uint32_t route;
  uint32_t layout;
  uint32_t rank;
  // Of the chunks: size of the elements that are shuffled (0: not), level of deflate + 1 (0: not).
  uint32_t shuffle;
  uint32_t deflate;
  // The filter for want of which the object is left out.
  uint32_t missing_filter;
  uint64_t shape[2];
  uint64_t chunk[2];
  uint64_t address;
  uint64_t stored;
} bred_h5_record;

typedef struct {
  uint64_t offset[2];
  uint64_t address;
  uint64_t size;
  uint64_t mask;
} bred_h5_chunk;

// What may go wrong in a child, for tests of the parent.
enum bred_h5_fault {
  BRED_H5_NO_FAULT,
  BRED_H5_CRASH,
  BRED_H5_ENDLESS_WORK,
  BRED_H5_SILENCE,
  BRED_H5_SHORT_ANSWER,
  BRED_H5_NONSENSE,
};

enum { BRED_H5_NAME_LIMIT = 4096 };

typedef struct {
  const char *path;
  // The file as the parent opened it: the child reads no other.
  int descriptor;
  // Memory that both share: the name of the object at hand, then `rows_bytes` for rows.
  char *shared;
  uint64_t rows_bytes;
  uint32_t memory_megabytes;
  uint32_t processor_seconds;
  // For tests.
  uint32_t fault;
  // The dataset whose rows are wanted, and its shape; null to walk through the whole file.
  const char *object;
  uint64_t shape[2];
  uint64_t first;
  uint64_t count;
} bred_h5_request;

// Starts a child. `answers` is a socket: records come out of it, and after each BRED_H5_ROWS the
// child waits for one byte. No other thread may be inside libhdf5 meanwhile.
//
// Returns the child's number, or -1 with errno.
pid_t bred_h5_start(const bred_h5_request *request, int *answers);
