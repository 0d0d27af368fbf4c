#pragma once
// Names of older versions, so that all of them compile this.
#define H5_USE_110_API
#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "hdf5_probe.h"

// What the files of the child share. All of it runs in a process of one thread that ends with _exit.

void bred_h5_answer(
  bred_h5_record *record, const char *name, const void *value, const char *text,
  const bred_h5_chunk *chunks);
void bred_h5_wait(void);

// The reason, then libhdf5's error stack, which is cleared.
const char *bred_h5_explain(const char *reason);

// The name of the object at hand, as the parent sees it.
extern char *bred_h5_object;

// Fills in what `dataset` is. Null when all is well, else why it cannot be read.
const char *bred_h5_describe(hid_t dataset, bred_h5_record *record);

// As what the elements of a described type are read; the caller owns it.
hid_t bred_h5_memory_type(hid_t type, const bred_h5_record *record);

// Kind and size of a type. Null, or why it is not supported.
const char *bred_h5_classify(hid_t type, bred_h5_record *record, bool *plain);

void bred_h5_walk(hid_t file);
void bred_h5_read(hid_t file, const bred_h5_request *request);
