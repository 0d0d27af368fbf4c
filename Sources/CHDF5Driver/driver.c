#include "hdf5_output_driver.h"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

// Bytes written after the disk failed.
typedef struct kept {
  struct kept *next;
  haddr_t address;
  size_t size;
  unsigned char bytes[];
} kept;

typedef struct {
  H5FD_t library;  // must come first: the library sees nothing else
  bred_h5_output *output;
  int descriptor;
  haddr_t allocated;  // what the library means to use
  haddr_t length;     // what has been written
  // In the order of writing: where two overlap, the later one holds.
  kept *first;
  kept **last;
} output_file;

static void note(output_file *file, int error) {
  if (file->output->error == 0) file->output->error = error != 0 ? error : EIO;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t maximum) {
  (void)flags;
  (void)maximum;
  bred_h5_output *const *output = H5Pget_driver_info(access);
  if (output == NULL || *output == NULL) return NULL;
  output_file *file = calloc(1, sizeof *file);
  if (file == NULL) return NULL;
  file->output = *output;
  file->last = &file->first;
  file->descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file->descriptor < 0) {
    note(file, errno);
    free(file);
    return NULL;
  }
  return &file->library;
}

static herr_t driver_close(H5FD_t *library) {
  output_file *file = (output_file *)library;
  if (close(file->descriptor) != 0) note(file, errno);
  for (kept *block = file->first; block != NULL;) {
    kept *next = block->next;
    free(block);
    block = next;
  }
  free(file);
  return 0;
}

static herr_t driver_query(const H5FD_t *library, unsigned long *flags) {
  (void)library;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t driver_allocated(const H5FD_t *library, H5FD_mem_t type) {
  (void)type;
  return ((const output_file *)library)->allocated;
}

static herr_t driver_allocate(H5FD_t *library, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((output_file *)library)->allocated = address;
  return 0;
}

static haddr_t driver_length(const H5FD_t *library, H5FD_mem_t type) {
  (void)type;
  return ((const output_file *)library)->length;
}

static herr_t driver_handle(H5FD_t *library, hid_t access, void **handle) {
  (void)access;
  *handle = &((output_file *)library)->descriptor;
  return 0;
}

static herr_t driver_read(
    H5FD_t *library, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  (void)type;
  (void)transfer;
  output_file *file = (output_file *)library;
  size_t done = 0;
  while (done < size) {
    ssize_t count =
        pread(file->descriptor, (char *)buffer + done, size - done, (off_t)(address + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) note(file, errno);
    if (count <= 0) break;
    done += (size_t)count;
  }
  // Beyond the end is zero, as in the default driver.
  memset((char *)buffer + done, 0, size - done);
  for (const kept *block = file->first; block != NULL; block = block->next) {
    haddr_t from = address > block->address ? address : block->address;
    haddr_t to = address + size < block->address + block->size ? address + size
                                                               : block->address + block->size;
    if (from < to) {
      memcpy((char *)buffer + (from - address), block->bytes + (from - block->address), to - from);
    }
  }
  return 0;
}

static herr_t keep(output_file *file, haddr_t address, size_t size, const void *buffer) {
  kept *block = malloc(sizeof *block + size);
  if (block == NULL) return -1;
  block->next = NULL;
  block->address = address;
  block->size = size;
  memcpy(block->bytes, buffer, size);
  *file->last = block;
  file->last = &block->next;
  return 0;
}

static herr_t driver_write(
    H5FD_t *library, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
    const void *buffer) {
  (void)type;
  (void)transfer;
  output_file *file = (output_file *)library;
  size_t done = 0;
  while (done < size && file->output->error == 0) {
    ssize_t count = pwrite(
        file->descriptor, (const char *)buffer + done, size - done, (off_t)(address + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      note(file, errno);
    } else {
      done += (size_t)count;
    }
  }
  if (done < size && keep(file, address + done, size - done, (const char *)buffer + done) < 0) {
    return -1;
  }
  if (address + size > file->length) file->length = address + size;
  return 0;
}

static herr_t driver_truncate(H5FD_t *library, hid_t transfer, hbool_t closing) {
  (void)transfer;
  (void)closing;
  output_file *file = (output_file *)library;
  if (file->allocated == file->length) return 0;
  if (file->output->error == 0 && ftruncate(file->descriptor, (off_t)file->allocated) != 0) {
    note(file, errno);
  }
  file->length = file->allocated;
  return 0;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 2)
    .version = H5FD_CLASS_VERSION,
    // From the range for testing and private use.
    .value = 300,
#endif
    .name = "bred output",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(bred_h5_output *),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_allocated,
    .set_eoa = driver_allocate,
    .get_eof = driver_length,
    .get_handle = driver_handle,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

herr_t bred_h5_set_output_driver(hid_t access, bred_h5_output *output) {
  // Under the lock that every call of the library passes.
  static hid_t identifier = H5I_INVALID_HID;
  if (H5Iget_type(identifier) != H5I_VFL) identifier = H5FDregister(&driver);
  if (identifier < 0) return -1;
  return H5Pset_driver(access, identifier, &output);
}
