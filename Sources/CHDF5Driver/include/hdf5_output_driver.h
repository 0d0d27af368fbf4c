#pragma once
#include <hdf5.h>

// A driver of libhdf5 for files that are written once.
//
// libhdf5 cannot get rid of a file that it fails to write: closing fails, the file stays in its
// lists, and the process crashes when the library tries once more at exit. With this driver writing
// never fails for the library. The first error of the system is kept in `error`, and from then on
// what is written goes to memory, where it is read from again, so that the file can be closed in
// good order; the caller looks at `error` and removes the file.
//
// Bytes and places are those of the library's default driver.
typedef struct {
  // errno of the first failure, 0 while all is well.
  int error;
} bred_h5_output;

// Makes the access properties create files by this driver. `output` must live until the file is
// closed. Negative on failure.
herr_t bred_h5_set_output_driver(hid_t access, bred_h5_output *output);
