#pragma once
// Names of older versions, so that all of them compile this.
#define H5_USE_110_API
#include <hdf5.h>
#include <stdbool.h>

#include "hdf5_probe.h"

// What the two files of the child share. All of it runs in a process of one thread that ends with _exit.

void bred_h5_answer(bred_h5_record record, const char *name, const char *text);

// Waits until the parent has taken what was sent.
void bred_h5_wait(void);

// Says why the object at hand cannot be read. Always false.
bool bred_h5_leave_out(const char *reason);

// The name of the object at hand, as the parent sees it.
extern char *bred_h5_object;

bool bred_h5_walk(hid_t file);
bool bred_h5_read(hid_t file, const bred_h5_request *request);
