#include "walk.h"

#include <stdio.h>
#include <string.h>

// D4RL has 4 levels, Minari 3.
enum { DEPTH_LIMIT = 16, TEXT_LIMIT = 1 << 20, CHUNK_LIMIT = 4096 };

static haddr_t above[DEPTH_LIMIT];
static int depth;

// MARK: Types

// Two members with the values 0 and 1 are a flag, unless their names say the opposite.
static const char *classify_enumeration(hid_t type, bred_h5_record *record) {
  bool seen[2] = {false, false};
  int opposite = 0;
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

static bool is_little_endian(hid_t type) {
  hid_t plain[] = {
    H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_I8LE, H5T_STD_I16LE, H5T_STD_I32LE, H5T_STD_I64LE,
    H5T_STD_U8LE, H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE, H5T_STD_B8LE};
  for (size_t index = 0; index < sizeof plain / sizeof *plain; index++)
    if (H5Tequal(type, plain[index]) > 0) return true;
  return false;
}

// Kind and size of a type. Null, or why it is not supported.
static const char *classify(hid_t type, bred_h5_record *record) {
  size_t size = H5Tget_size(type);
  if (size == 0 || size > TEXT_LIMIT) return "holds elements of an absurd size";
  record->type_bytes = (uint32_t)size;
  record->is_plain = is_little_endian(type);
  const char *refusal = NULL;
  switch (H5Tget_class(type)) {
    case H5T_FLOAT: record->type = BRED_H5_FLOAT; break;
    case H5T_INTEGER:
      record->type = H5Tget_sign(type) == H5T_SGN_2 ? BRED_H5_SIGNED : BRED_H5_UNSIGNED;
      break;
    case H5T_BITFIELD: record->type = BRED_H5_BOOLEAN; break;
    case H5T_ENUM: {
      hid_t base = H5Tget_super(type);
      refusal = classify(base, record);
      H5Tclose(base);
      return refusal ? refusal : classify_enumeration(type, record);
    }
    case H5T_STRING: record->type = BRED_H5_TEXT; break;
    case H5T_COMPOUND: return "holds compound elements (such as complex numbers), which are not supported";
    default: return "holds elements that are neither numbers, flags nor strings";
  }
  return NULL;
}

// One string; null where it cannot be read.
static const char *text_of(hid_t object, hid_t type, bool is_attribute) {
  static char text[TEXT_LIMIT + 1];
  memset(text, 0, sizeof text);
  char *variable = NULL;
  bool is_variable = H5Tis_variable_str(type) > 0;
  void *target = is_variable ? (void *)&variable : text;
  if ((is_attribute ? H5Aread(object, type, target)
                    : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, target)) < 0)
    return NULL;
  if (variable) snprintf(text, sizeof text, "%s", variable);
  H5free_memory(variable);
  return text;
}

// MARK: Datasets

// Chunks that the parent can undo are plain, deflated, shuffled, or shuffled and then deflated.
static bool describe_chunks(hid_t creation, bred_h5_record *record) {
  hsize_t chunk[2] = {0, 0};
  if (record->rank < 1 || H5Pget_chunk(creation, (int)record->rank, chunk) < 0 || chunk[0] == 0)
    return bred_h5_leave_out("its chunks make no sense");
  record->chunk[0] = chunk[0];
  record->chunk[1] = record->rank > 1 ? chunk[1] : 1;
  // Chunks at the edge may be left without their filters.
  unsigned options = 0;
  if (H5Pget_chunk_opts(creation, &options) < 0 || options != 0) record->is_plain = false;
  int count = H5Pget_nfilters(creation);
  for (int index = 0; index < count; index++) {
    unsigned flags, values[8] = {0}, config;
    size_t value_count = 8;
    char name[64] = "";
    H5Z_filter_t filter = H5Pget_filter2(
      creation, (unsigned)index, &flags, &value_count, values, sizeof name - 1, name, &config);
    if (filter < 0) return bred_h5_leave_out("its filters make no sense");
    if (H5Zfilter_avail(filter) <= 0) {
      bred_h5_record missing = {.kind = BRED_H5_LEFT_OUT, .missing_filter = (uint32_t)filter};
      bred_h5_answer(missing, bred_h5_object, name);
      return false;
    }
    if (filter == H5Z_FILTER_SHUFFLE && index == 0 && value_count > 0) {
      record->shuffle = values[0];
    } else if (filter == H5Z_FILTER_DEFLATE && index == count - 1) {
      record->deflate = values[0] + 1;
    } else {
      record->is_plain = false;
    }
  }
  return true;
}

// Fills in what a dataset is, or says why it cannot be read.
static bool describe(hid_t dataset, bred_h5_record *record) {
  hid_t creation = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
  if (creation < 0 || type < 0) return bred_h5_leave_out("cannot be described");
  // Before its shape is asked for, for which a virtual dataset would look into other files.
  H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_VIRTUAL)
    return bred_h5_leave_out("is a virtual dataset, made of parts of others, which is refused");
  if (H5Pget_external_count(creation) != 0)
    return bred_h5_leave_out("is stored in another file, which is refused");
  const char *refusal = classify(type, record);
  if (refusal) return bred_h5_leave_out(refusal);
  hid_t space = H5Dget_space(dataset);
  hsize_t shape[H5S_MAX_RANK] = {1, 1};
  int rank = H5Sget_simple_extent_dims(space, shape, NULL);
  if (rank < 0) return bred_h5_leave_out("its shape makes no sense");
  if (H5Sget_simple_extent_type(space) == H5S_NULL)
    return bred_h5_leave_out("has no elements (null dataspace)");
  if (rank > 2) return bred_h5_leave_out("has more than 2 dimensions, which is not supported");
  record->rank = (uint32_t)rank;
  record->shape[0] = shape[0];
  record->shape[1] = shape[1];
  record->stored = H5Dget_storage_size(dataset);
  // An array that was never written has no address, and all its elements are the fill value.
  record->address = H5Dget_offset(dataset);
  if (layout != H5D_CHUNKED && record->address == HADDR_UNDEF) record->is_plain = false;
  // With a user block, versions differ in what they call an address.
  hsize_t user_block = 0;
  hid_t file = H5Iget_file_id(dataset), file_creation = H5Fget_create_plist(file);
  if (H5Pget_userblock(file_creation, &user_block) < 0 || user_block != 0) record->is_plain = false;
  H5Pclose(file_creation);
  H5Fclose(file);
  bool is_understood = layout != H5D_CHUNKED || describe_chunks(creation, record);
  H5Sclose(space);
  H5Tclose(type);
  H5Pclose(creation);
  return is_understood;
}

// The places of the chunks, for the parent; where there are fewer than it expects, libhdf5 reads them.
static void send_chunks(hid_t dataset) {
  // libhdf5 1.10 looks for each of them from the first on: some seconds for all steps of all arrays.
  enum { STEP_LIMIT = 1 << 26 };
  static uint64_t steps = 0;
  hsize_t count = 0;
  hid_t space = H5Dget_space(dataset);
  if (H5Dget_num_chunks(dataset, space, &count) < 0 || count > CHUNK_LIMIT ||
      (steps += count * count / 2) > STEP_LIMIT)
    count = 0;
  for (hsize_t index = 0; index < count; index++) {
    hsize_t offset[2] = {0, 0}, size = 0;
    haddr_t address = HADDR_UNDEF;
    bred_h5_record record = {.kind = BRED_H5_CHUNK};
    H5Dget_chunk_info(dataset, space, index, offset, &record.mask, &address, &size);
    record.shape[0] = offset[0];
    record.shape[1] = offset[1];
    record.address = address;
    record.stored = size;
    bred_h5_answer(record, "", "");
  }
  H5Sclose(space);
}

static bool send_dataset(hid_t dataset) {
  bred_h5_record record = {.kind = BRED_H5_DATASET};
  if (!describe(dataset, &record)) return false;
  const char *text = "";
  if (record.type == BRED_H5_TEXT && record.shape[0] == 1 && record.shape[1] == 1) {
    hid_t type = H5Dget_type(dataset);
    text = text_of(dataset, type, false);
    H5Tclose(type);
    if (!text) return bred_h5_leave_out("cannot be read");
  }
  bred_h5_answer(record, bred_h5_object, text);
  if (record.is_plain && record.chunk[0] > 0) send_chunks(dataset);
  return true;
}

// MARK: Walking

static herr_t send_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data) {
  (void)info;
  (void)data;
  // Attributes are extras: one of a kind that is not understood does not spoil the object.
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return 0;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  bred_h5_record record = {.kind = BRED_H5_ATTRIBUTE};
  if (H5Sget_simple_extent_npoints(space) == 1 && classify(type, &record) == NULL) {
    if (record.type == BRED_H5_TEXT) {
      const char *text = text_of(attribute, type, true);
      if (text) bred_h5_answer(record, name, text);
    } else if (
      H5Aread(attribute, H5T_NATIVE_DOUBLE, &record.real) >= 0 &&
      H5Aread(attribute, H5T_NATIVE_INT64, &record.integer) >= 0) {
      bred_h5_answer(record, name, "");
    }
  }
  H5Tclose(type);
  H5Sclose(space);
  H5Aclose(attribute);
  return 0;
}

static void send_attributes(hid_t object) {
  if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, send_attribute, NULL) < 0)
    bred_h5_leave_out("its attributes cannot be listed");
}

static herr_t visit(hid_t group, const char *name, const H5L_info_t *link, void *data);

static bool send_group(hid_t group, haddr_t address) {
  for (int level = 0; level < depth; level++)
    if (above[level] == address) return bred_h5_leave_out("leads back to a group that it is in");
  if (depth == DEPTH_LIMIT) return bred_h5_leave_out("groups are nested deeper than 16");
  above[depth++] = address;
  bred_h5_answer((bred_h5_record){.kind = BRED_H5_GROUP}, bred_h5_object, "");
  send_attributes(group);
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit, NULL) < 0)
    bred_h5_leave_out("its members cannot be listed");
  depth--;
  return true;
}

static bool send_object(hid_t object) {
  H5O_info_t info;
  if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) return bred_h5_leave_out("cannot be opened");
  switch (info.type) {
    case H5O_TYPE_GROUP: return send_group(object, info.addr);
    case H5O_TYPE_DATASET:
      send_dataset(object);
      send_attributes(object);
      return true;
    case H5O_TYPE_NAMED_DATATYPE: return bred_h5_leave_out("is a named type, not a dataset");
    default: return bred_h5_leave_out("is neither a group nor a dataset");
  }
}

static herr_t visit(hid_t group, const char *name, const H5L_info_t *link, void *data) {
  (void)data;
  size_t before = strlen(bred_h5_object), length = strlen(name);
  if (before + length + 2 > BRED_H5_NAME_BYTES || length == 0 || strchr(name, '/') || !strcmp(name, ".")) {
    bred_h5_leave_out("holds a member with a name that is empty, too long or a path");
    return 0;
  }
  sprintf(bred_h5_object + before, before > 0 ? "/%s" : "%s", name);
  if (link->type == H5L_TYPE_HARD || link->type == H5L_TYPE_SOFT) {
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object >= 0) {
      send_object(object);
      H5Oclose(object);
    } else {
      bred_h5_leave_out(
        link->type == H5L_TYPE_SOFT ? "is a soft link to nothing in this file" : "cannot be opened");
    }
  } else {
    bred_h5_leave_out(
      link->type == H5L_TYPE_EXTERNAL ? "is a link to another file, which is not followed"
                                      : "is a link of an unknown kind");
  }
  H5Eclear2(H5E_DEFAULT);
  bred_h5_object[before] = 0;
  return 0;
}

bool bred_h5_walk(hid_t file) {
  hid_t root = H5Oopen(file, "/", H5P_DEFAULT);
  return root < 0 ? bred_h5_leave_out("its root cannot be opened") : send_object(root);
}

// MARK: Reading

bool bred_h5_read(hid_t file, const bred_h5_request *request) {
  bred_h5_record record = {0};
  strcpy(bred_h5_object, request->object);
  hid_t dataset = H5Dopen2(file, request->object, H5P_DEFAULT);
  if (dataset < 0) return bred_h5_leave_out("cannot be opened");
  if (!describe(dataset, &record)) return false;
  uint64_t end = request->first + request->count, width = request->width;
  // Room for the longest of the types in memory.
  uint64_t block = width > 0 ? BRED_H5_ROWS_BYTES / 8 / width : 0;
  if (block == 0) return bred_h5_leave_out("has rows that are too long");
  if (record.shape[0] < end || record.shape[1] != width)
    return bred_h5_leave_out("changed while it was read");
  hid_t wanted = request->memory == BRED_H5_AS_FLOAT    ? H5T_NATIVE_FLOAT
                 : request->memory == BRED_H5_AS_DOUBLE ? H5T_NATIVE_DOUBLE
                                                        : H5T_NATIVE_INT64;
  // To libhdf5, bits are no numbers.
  bool is_bits = H5Tget_class(H5Dget_type(dataset)) == H5T_BITFIELD;
  hid_t space = H5Dget_space(dataset);
  char *target = request->shared + BRED_H5_NAME_BYTES;
  for (uint64_t first = request->first; first < end;) {
    uint64_t rows = end - first < block ? end - first : block, chunk = record.chunk[0];
    // Up to the end of a chunk, where one fits.
    if (chunk > 0 && first + rows < end && (first + rows) / chunk * chunk > first)
      rows = (first + rows) / chunk * chunk - first;
    hsize_t start[2] = {first, 0}, extent[2] = {rows, width}, elements = rows * width;
    hid_t memory = H5Screate_simple(1, &elements, NULL);
    // Where nothing was ever written and no fill value is meant, libhdf5 writes nothing.
    memset(target, 0, elements * 8);
    if ((record.rank > 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL) < 0) ||
        H5Dread(dataset, is_bits ? H5T_NATIVE_B64 : wanted, memory, space, H5P_DEFAULT, target) < 0 ||
        (is_bits && H5Tconvert(H5T_NATIVE_INT64, wanted, elements, target, NULL, H5P_DEFAULT) < 0))
      return bred_h5_leave_out("cannot be read");
    H5Sclose(memory);
    bred_h5_answer((bred_h5_record){.kind = BRED_H5_ROWS, .shape = {rows, width}}, "", "");
    bred_h5_wait();
    first += rows;
  }
  return true;
}
