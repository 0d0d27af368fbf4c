#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// libhdf5 reads files of others in a child process only: it crashes on some damaged ones. The child
// answers with records through a socket; whoever reads them believes none of the numbers.

enum bred_h5_kind {
  BRED_H5_GROUP = 1,
  // Its text is its value where it is one string.
  BRED_H5_DATASET,
  // Where a chunk of the dataset before begins (`shape`) and lies (`address`, `stored`, `mask`).
  BRED_H5_CHUNK,
  // A value of the object before: `real` and `integer`, or the text.
  BRED_H5_ATTRIBUTE,
  // An object that cannot be read. The text is the reason and, behind a line break, its cause.
  BRED_H5_LEFT_OUT,
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
  BRED_H5_TEXT,
};

// One answer; name and text follow.
typedef struct {
  uint32_t kind;
  uint32_t name_bytes;
  uint32_t text_bytes;
  uint32_t type;
  uint32_t type_bytes;
  uint32_t rank;
  // The parent can read it: little-endian numbers at `address`, or in chunks, all of which follow.
  uint32_t is_plain;
  // Of the chunks: size of the elements that are shuffled (0: not), level of deflate + 1 (0: not).
  uint32_t shuffle;
  uint32_t deflate;
  // The filter for want of which the object is left out; its text is its name.
  uint32_t missing_filter;
  // Bit i: filter i was not applied to this chunk.
  uint32_t mask;
  // 1 beyond the rank; a chunk of 0 means that there are none.
  uint64_t shape[2];
  uint64_t chunk[2];
  uint64_t address;
  uint64_t stored;
  int64_t integer;
  double real;
} bred_h5_record;

enum bred_h5_memory { BRED_H5_AS_FLOAT, BRED_H5_AS_DOUBLE, BRED_H5_AS_INTEGER };

// Bytes of shared memory: the name of the object at hand, then rows.
enum { BRED_H5_NAME_BYTES = 1 << 12, BRED_H5_ROWS_BYTES = 1 << 23 };

typedef struct {
  // The file as the parent opened it: the child reads no other.
  int descriptor;
  char *shared;
  uint32_t memory_megabytes;
  uint32_t processor_seconds;
  // The dataset whose rows are wanted, and its width; null to walk through the whole file.
  const char *object;
  uint64_t width;
  uint64_t first;
  uint64_t count;
  // As what.
  enum bred_h5_memory memory;
  // For tests: done in place of the work, with the answers on descriptor 1.
  void (*fault)(void);
} bred_h5_request;

// Starts a child. `answers` is a socket: records come out of it, and after each BRED_H5_ROWS the
// child waits for one byte. No other thread may be inside libhdf5 meanwhile.
//
// Returns the child's number, or -1 with errno.
pid_t bred_h5_start(const bred_h5_request *request, int *answers);

// What the innermost function says about the call of libhdf5 that failed last; empty: none did.
void bred_h5_take_cause(char *cause, size_t bytes);
