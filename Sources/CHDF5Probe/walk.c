#include <stdlib.h>
#include <string.h>

#include "child.h"

// D4RL has 4 levels, Minari 3.
enum { DEPTH_LIMIT = 16, ATTRIBUTE_LIMIT = 1 << 16 };

static size_t name_bytes;
static haddr_t above[DEPTH_LIMIT];
static int depth;

static void leave_out(const char *text) {
  bred_h5_record record = {.kind = BRED_H5_LEFT_OUT};
  bred_h5_answer(&record, bred_h5_object, NULL, text, NULL);
}

static bool is_text(const bred_h5_record *record) {
  return record->type == BRED_H5_FIXED_TEXT || record->type == BRED_H5_VARIABLE_TEXT;
}

// The values of a small dataset or an attribute; null where they cannot be read.
static const void *value_of(hid_t object, hid_t type, bool attribute, size_t count, bred_h5_record *record) {
  static unsigned char value[1 << 20];
  bool is_pointer = record->type == BRED_H5_VARIABLE_TEXT;
  size_t size = is_pointer ? sizeof(char *) : record->type == BRED_H5_FIXED_TEXT ? record->type_bytes
              : record->float_bytes ? record->float_bytes : 8;
  if (size > sizeof value || count > sizeof value / size) return NULL;
  hid_t memory = bred_h5_memory_type(type, record);
  memset(value, 0, size * count);
  herr_t status = memory < 0 ? -1 : attribute ? H5Aread(object, memory, value)
                : H5Dread(object, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
  if (memory >= 0) H5Tclose(memory);
  if (status < 0) return NULL;
  record->value_bytes = (uint32_t)(size * count);
  if (is_pointer) {
    char *text;
    memcpy(&text, value, sizeof text);
    size = text ? strnlen(text, sizeof value) : 0;
    memcpy(value, text, size);
    H5free_memory(text);
    record->value_bytes = (uint32_t)size;
  }
  return value;
}

static herr_t send_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data) {
  (void)info;
  size_t *sent = data;
  if (++*sent > ATTRIBUTE_LIMIT) return -1;
  // Attributes are extras: one of a kind that is not understood does not spoil the object.
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return 0;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  bred_h5_record record = {.kind = BRED_H5_ATTRIBUTE};
  bool plain;
  if (type >= 0 && bred_h5_classify(type, &record, &plain) == NULL &&
      H5Sget_simple_extent_npoints(space) == 1) {
    const void *value = value_of(attribute, type, true, 1, &record);
    if (value) bred_h5_answer(&record, name, value, NULL, NULL);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  H5Aclose(attribute);
  return 0;
}

static void send_attributes(hid_t object) {
  size_t sent = 0;
  if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, send_attribute, &sent) >= 0) return;
  bred_h5_record record = {.kind = BRED_H5_NO_ATTRIBUTES};
  const char *text = bred_h5_explain("its attributes cannot be listed");
  bred_h5_answer(&record, bred_h5_object, NULL, text, NULL);
}

// The places of the chunks where the parent can read them itself; else libhdf5 will.
static bred_h5_chunk *places(hid_t dataset, bred_h5_record *record) {
  // libhdf5 1.10 looks for each of them from the first on.
  enum { LIMIT = 8192 };
  uint64_t expected = 1;
  for (uint32_t axis = 0; axis < record->rank; axis++) {
    if (record->chunk[axis] == 0) return NULL;
    uint64_t along = (record->shape[axis] + record->chunk[axis] - 1) / record->chunk[axis];
    if (along > LIMIT) return NULL;
    expected *= along;
  }
  hsize_t count = 0;
  hid_t space = H5Dget_space(dataset);
  if (space < 0 || expected > LIMIT || H5Dget_num_chunks(dataset, space, &count) < 0 ||
      count != expected)
    return NULL;
  bred_h5_chunk *chunks = calloc(count, sizeof *chunks);
  for (hsize_t index = 0; chunks && index < count; index++) {
    hsize_t offset[2] = {0, 0}, size;
    unsigned mask;
    haddr_t address;
    if (H5Dget_chunk_info(dataset, space, index, offset, &mask, &address, &size) < 0) {
      free(chunks);
      chunks = NULL;
      break;
    }
    chunks[index] = (bred_h5_chunk){{offset[0], offset[1]}, address, size, mask};
  }
  H5Sclose(space);
  if (chunks) record->chunk_count = (uint32_t)count;
  return chunks;
}

static void send_dataset(hid_t dataset) {
  enum { INLINE_BYTES = 2048 };
  bred_h5_record record = {.kind = BRED_H5_DATASET};
  const char *refusal = bred_h5_describe(dataset, &record);
  bred_h5_chunk *chunks = NULL;
  const void *value = NULL;
  if (!refusal && record.route == BRED_H5_CHUNKS) {
    chunks = places(dataset, &record);
    if (!chunks) record.route = BRED_H5_LIBRARY;
  }
  uint64_t count = 1;
  for (uint32_t axis = 0; axis < record.rank; axis++) {
    // Enough to know that it is too much.
    if (record.shape[axis] > 1 << 20) count = 1 << 20;
    else count *= record.shape[axis];
  }
  if (!refusal && record.route == BRED_H5_LIBRARY && (is_text(&record) ? count == 1 : count * 8 <= INLINE_BYTES)) {
    hid_t type = H5Dget_type(dataset);
    value = value_of(dataset, type, false, count, &record);
    if (value) record.route = BRED_H5_INLINE;
    else refusal = bred_h5_explain("cannot be read");
    H5Tclose(type);
  }
  if (refusal) record.kind = BRED_H5_LEFT_OUT;
  bred_h5_answer(&record, bred_h5_object, value, refusal, chunks);
  free(chunks);
}

static herr_t visit(hid_t group, const char *name, const H5L_info_t *link, void *data);

static void send_group(hid_t group, haddr_t address) {
  for (int level = 0; level < depth; level++)
    if (above[level] == address) return leave_out("leads back to a group that it is in");
  if (depth == DEPTH_LIMIT) return leave_out("groups are nested deeper than 16");
  above[depth++] = address;
  bred_h5_record record = {.kind = BRED_H5_GROUP};
  bred_h5_answer(&record, bred_h5_object, NULL, NULL, NULL);
  send_attributes(group);
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit, NULL) < 0)
    leave_out(bred_h5_explain("its members cannot be listed"));
  depth--;
}

static void send_object(hid_t object) {
  H5O_info_t info;
  if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0)
    return leave_out(bred_h5_explain("cannot be opened"));
  switch (info.type) {
    case H5O_TYPE_GROUP: return send_group(object, info.addr);
    case H5O_TYPE_DATASET:
      send_dataset(object);
      return send_attributes(object);
    case H5O_TYPE_NAMED_DATATYPE: return leave_out("is a named type, not a dataset");
    default: return leave_out("is neither a group nor a dataset");
  }
}

static herr_t visit(hid_t group, const char *name, const H5L_info_t *link, void *data) {
  (void)data;
  size_t before = name_bytes, length = strlen(name);
  if (before + length + 2 > BRED_H5_NAME_LIMIT || length == 0 || strchr(name, '/') || !strcmp(name, ".")) {
    leave_out("holds a member with a name that is empty, too long or a path");
    return 0;
  }
  if (before > 0) bred_h5_object[name_bytes++] = '/';
  memcpy(bred_h5_object + name_bytes, name, length + 1);
  name_bytes += length;
  if (link->type == H5L_TYPE_HARD || link->type == H5L_TYPE_SOFT) {
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object >= 0) {
      send_object(object);
      H5Oclose(object);
    } else {
      leave_out(bred_h5_explain(
        link->type == H5L_TYPE_SOFT ? "is a soft link to nothing in this file" : "cannot be opened"));
    }
  } else {
    leave_out(
      link->type == H5L_TYPE_EXTERNAL ? "is a link to another file, which is not followed"
                                      : "is a link of an unknown kind");
  }
  H5Eclear2(H5E_DEFAULT);
  name_bytes = before;
  bred_h5_object[before] = 0;
  return 0;
}

void bred_h5_walk(hid_t file) {
  hid_t root = H5Oopen(file, "/", H5P_DEFAULT);
  if (root < 0) return leave_out(bred_h5_explain("its root cannot be opened"));
  send_object(root);
}
