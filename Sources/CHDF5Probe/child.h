#pragma once
// Names of older versions, so that all of them compile this.
#define H5_USE_110_API
#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "hdf5_probe.h"

// What the two files of the child share. All of it runs in a process of one thread that ends with _exit.

// Sends a record; one with a text is of an object that is left out.
void bred_h5_answer(
  bred_h5_record *record, const char *name, const void *value, const char *text,
  const bred_h5_chunk *chunks);

// Waits until the parent has taken what was sent.
void bred_h5_wait(void);

// The reason, then libhdf5's error stack, which is cleared.
const char *bred_h5_explain(const char *reason);

// The name of the object at hand, as the parent sees it.
extern char *bred_h5_object;

void bred_h5_walk(hid_t file);
void bred_h5_read(hid_t file, const bred_h5_request *request);
