#include <stdlib.h>
#include <string.h>

#include "child.h"

// D4RL has 4 levels, Minari 3.
enum { DEPTH_LIMIT = 16, ATTRIBUTE_LIMIT = 1 << 16, INLINE_BYTES = 2048 };

static size_t name_bytes;
static haddr_t above[DEPTH_LIMIT];
static int depth;

static void leave_out(const char *text) {
  bred_h5_record record = {0};
  bred_h5_answer(&record, bred_h5_object, NULL, text, NULL);
}

static bool is_text(const bred_h5_record *record) {
  return record->type == BRED_H5_FIXED_TEXT || record->type == BRED_H5_VARIABLE_TEXT;
}

// MARK: Types

// Two members with the values 0 and 1 are a flag, unless their names say the opposite.
static const char *classify_enumeration(hid_t type, bred_h5_record *record) {
  bool seen[2] = {false, false};
  int opposite = 0;
  hid_t base = H5Tget_super(type);
  bool is_signed = H5Tget_sign(base) == H5T_SGN_2;
  H5Tclose(base);
  record->type = is_signed ? BRED_H5_SIGNED : BRED_H5_UNSIGNED;
  if (H5Tget_nmembers(type) != 2) return NULL;
  for (unsigned member = 0; member < 2; member++) {
    long long value = 0;
    if (record->type_bytes > sizeof value || H5Tget_member_value(type, member, &value) < 0 ||
        H5Tconvert(type, H5T_NATIVE_LLONG, 1, &value, NULL, H5P_DEFAULT) < 0 || value < 0 || value > 1)
      return NULL;
    char *name = H5Tget_member_name(type, member);
    if (name && name[0] && strchr(value == 0 ? "tTyY" : "fFnN", name[0])) opposite++;
    H5free_memory(name);
    seen[value] = true;
  }
  if (opposite == 2) return "holds an enumeration in which true is 0";
  if (seen[0] && seen[1]) record->type = BRED_H5_BOOLEAN;
  return NULL;
}

// Kind and size of a type. Null, or why it is not supported.
static const char *classify(hid_t type, bred_h5_record *record, bool *plain) {
  size_t size = H5Tget_size(type);
  *plain = false;
  if (size == 0 || size > 1 << 20) return "holds elements of an absurd size";
  record->type_bytes = (uint32_t)size;
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      record->type = BRED_H5_FLOAT;
      record->float_bytes = size > 4 ? 8 : 4;
      *plain = H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F64LE) > 0;
      return NULL;
    case H5T_INTEGER:
      record->type = H5Tget_sign(type) == H5T_SGN_2 ? BRED_H5_SIGNED : BRED_H5_UNSIGNED;
      *plain = (size == 1 || H5Tget_order(type) == H5T_ORDER_LE) &&
               (size == 1 || size == 2 || size == 4 || size == 8) && H5Tget_offset(type) == 0 &&
               H5Tget_precision(type) == size * 8;
      return NULL;
    case H5T_BITFIELD:
      record->type = BRED_H5_BOOLEAN;
      *plain = size == 1 && H5Tget_precision(type) == 8;
      return NULL;
    case H5T_ENUM: {
      const char *refusal = classify_enumeration(type, record);
      *plain = size == 1;
      return refusal;
    }
    case H5T_STRING:
      record->type = H5Tis_variable_str(type) > 0 ? BRED_H5_VARIABLE_TEXT : BRED_H5_FIXED_TEXT;
      return NULL;
    case H5T_COMPOUND: return "holds compound elements (such as complex numbers), which are not supported";
    case H5T_ARRAY: return "holds elements that are arrays, which are not supported";
    case H5T_VLEN: return "holds sequences of varying length, which are not supported";
    default: return "holds elements of a kind that is not supported";
  }
}

// As what its elements are read; the caller owns it.
static hid_t memory_type(hid_t type, const bred_h5_record *record) {
  if (record->type == BRED_H5_FIXED_TEXT || record->type == BRED_H5_VARIABLE_TEXT) return H5Tcopy(type);
  if (record->float_bytes == 4) return H5Tcopy(H5T_NATIVE_FLOAT);
  if (record->float_bytes == 8) return H5Tcopy(H5T_NATIVE_DOUBLE);
  return H5Tcopy(H5Tget_class(type) == H5T_BITFIELD ? H5T_NATIVE_B64 : H5T_NATIVE_INT64);
}

// Chunks that the parent can undo: deflate, shuffle, or shuffle and then deflate.
static const char *describe_chunks(hid_t creation, bred_h5_record *record, bool *plain) {
  hsize_t chunk[2] = {0, 0};
  if (record->rank < 1 || H5Pget_chunk(creation, (int)record->rank, chunk) < 0)
    return bred_h5_explain("its chunks make no sense");
  record->chunk[0] = chunk[0];
  record->chunk[1] = chunk[1];
  // Chunks at the edge may be left without their filters.
  unsigned options = 0;
  if (H5Pget_chunk_opts(creation, &options) < 0 || options != 0) *plain = false;
  int count = H5Pget_nfilters(creation);
  for (int index = 0; index < count; index++) {
    unsigned flags, values[8] = {0}, config;
    size_t value_count = 8;
    H5Z_filter_t filter = H5Pget_filter2(
      creation, (unsigned)index, &flags, &value_count, values, 0, NULL, &config);
    if (filter < 0) return bred_h5_explain("its filters make no sense");
    if (H5Zfilter_avail(filter) <= 0) {
      record->missing_filter = (uint32_t)filter;
      return "needs a filter";
    }
    if (filter == H5Z_FILTER_SHUFFLE && index == 0 && value_count > 0) {
      record->shuffle = values[0];
    } else if (filter == H5Z_FILTER_DEFLATE && index == count - 1) {
      record->deflate = values[0] + 1;
    } else {
      *plain = false;
    }
  }
  return NULL;
}

// Fills in what a dataset is. Null, or why it cannot be read.
static const char *describe(hid_t dataset, bred_h5_record *record) {
  hid_t creation = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
  if (creation < 0 || type < 0) return bred_h5_explain("cannot be described");
  // Before its shape is asked for, for which a virtual dataset would look into other files.
  H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_VIRTUAL) return "is a virtual dataset, made of parts of others, which is refused";
  if (H5Pget_external_count(creation) != 0) return "is stored in another file, which is refused";
  bool plain;
  const char *refusal = classify(type, record, &plain);
  if (refusal) return refusal;
  hid_t space = H5Dget_space(dataset);
  if (space < 0) return bred_h5_explain("its shape makes no sense");
  if (H5Sget_simple_extent_type(space) == H5S_NULL) return "has no elements (null dataspace)";
  int rank = H5Sget_simple_extent_ndims(space);
  hsize_t shape[H5S_MAX_RANK] = {0};
  if (rank < 0 || H5Sget_simple_extent_dims(space, shape, NULL) < 0)
    return bred_h5_explain("its shape makes no sense");
  record->rank = (uint32_t)rank;
  if (rank > 2) return "has more than 2 dimensions, which is not supported";
  record->shape[0] = shape[0];
  record->shape[1] = shape[1];
  record->stored = H5Dget_storage_size(dataset);
  // With a user block, versions differ in what they call an address.
  hsize_t user_block = 0;
  hid_t file = H5Iget_file_id(dataset), file_creation = H5Fget_create_plist(file);
  if (H5Pget_userblock(file_creation, &user_block) < 0 || user_block != 0) plain = false;
  H5Pclose(file_creation);
  H5Fclose(file);
  record->route = BRED_H5_LIBRARY;
  record->layout = (uint32_t)layout;
  if (layout == H5D_CHUNKED) {
    refusal = describe_chunks(creation, record, &plain);
    if (plain) record->route = BRED_H5_CHUNKS;
  } else if (layout == H5D_CONTIGUOUS) {
    record->address = H5Dget_offset(dataset);
    // An array that was never written has no address, and all its elements are the fill value.
    if (plain && record->address != HADDR_UNDEF) record->route = BRED_H5_PLAIN;
  }
  H5Eclear2(H5E_DEFAULT);
  H5Sclose(space);
  H5Tclose(type);
  H5Pclose(creation);
  return refusal;
}

// MARK: Walking

// The values of a small dataset or an attribute; null where they cannot be read.
static const void *value_of(hid_t object, hid_t type, bool attribute, size_t count, bred_h5_record *record) {
  static unsigned char value[1 << 20];
  bool is_pointer = record->type == BRED_H5_VARIABLE_TEXT;
  size_t size = is_pointer ? sizeof(char *) : record->type == BRED_H5_FIXED_TEXT ? record->type_bytes
              : record->float_bytes ? record->float_bytes : 8;
  if (size > sizeof value || count > sizeof value / size) return NULL;
  hid_t memory = memory_type(type, record);
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
  if (type >= 0 && classify(type, &record, &plain) == NULL &&
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
  leave_out(bred_h5_explain("its attributes cannot be listed"));
}

// The places of the chunks where the parent can read them itself; else libhdf5 will.
static bred_h5_chunk *places(hid_t dataset, bred_h5_record *record) {
  // libhdf5 1.10 looks for each of them from the first on: some seconds for all steps of all arrays.
  enum { LIMIT = 4096, STEP_LIMIT = 1 << 26 };
  static uint64_t steps = 0;
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
      count != expected || (steps += count * count / 2) > STEP_LIMIT)
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
  bred_h5_record record = {.kind = BRED_H5_DATASET};
  const char *refusal = describe(dataset, &record);
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

// MARK: Reading

void bred_h5_read(hid_t file, const bred_h5_request *request) {
  bred_h5_record record = {0};
  strcpy(bred_h5_object, request->object);
  uint64_t width = request->shape[1];
  hid_t dataset = H5Dopen2(file, request->object, H5P_DEFAULT);
  if (dataset < 0) return leave_out(bred_h5_explain("cannot be opened"));
  const char *refusal = describe(dataset, &record);
  if (refusal) return leave_out(refusal);
  if (record.shape[0] != request->shape[0] || (record.rank == 2 ? record.shape[1] : 1) != width)
    return leave_out("changed while it was read");
  uint64_t row_bytes = width * (record.float_bytes ? record.float_bytes : 8);
  uint64_t block = request->rows_bytes / row_bytes, end = request->first + request->count;
  if (block == 0) return leave_out("has rows that are too long");
  hid_t type = memory_type(H5Dget_type(dataset), &record), space = H5Dget_space(dataset);
  char *target = request->shared + BRED_H5_NAME_LIMIT;
  for (uint64_t first = request->first; first < end;) {
    uint64_t rows = end - first < block ? end - first : block, chunk = record.chunk[0];
    // Up to the end of a chunk, where one fits.
    if (chunk > 0 && first + rows < end && (first + rows) / chunk * chunk > first)
      rows = (first + rows) / chunk * chunk - first;
    hsize_t start[2] = {first, 0}, extent[2] = {rows, width}, elements = rows * width;
    hid_t memory = H5Screate_simple(1, &elements, NULL);
    // Where nothing was ever written and no fill value is meant, libhdf5 writes nothing.
    memset(target, 0, rows * row_bytes);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL) < 0 ||
        H5Dread(dataset, type, memory, space, H5P_DEFAULT, target) < 0)
      return leave_out(bred_h5_explain("cannot be read"));
    H5Sclose(memory);
    bred_h5_record done = {
      .kind = BRED_H5_ROWS, .float_bytes = record.float_bytes, .shape = {rows, width}};
    bred_h5_answer(&done, NULL, NULL, NULL, NULL);
    bred_h5_wait();
    first += rows;
  }
}
