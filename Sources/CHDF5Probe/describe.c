#include <ctype.h>
#include <string.h>

#include "child.h"

static bool means_false(const char *name) {
  static const char *const names[] = {"false", "f", "no", "off", "0"};
  char lower[8] = "";
  for (size_t index = 0; name[index] && index < 7; index++) lower[index] = (char)tolower(name[index]);
  for (size_t index = 0; index < sizeof names / sizeof *names; index++)
    if (!strcmp(lower, names[index])) return true;
  return false;
}

// Two members with the values 0 and 1 are a flag, unless their names say the opposite.
static const char *classify_enumeration(hid_t type, bred_h5_record *record) {
  bool seen[2] = {false, false};
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
    bool wrong = name && value == 1 && means_false(name);
    H5free_memory(name);
    if (wrong) return "holds an enumeration in which false is 1";
    seen[value] = true;
  }
  if (seen[0] && seen[1]) record->type = BRED_H5_BOOLEAN;
  return NULL;
}

const char *bred_h5_classify(hid_t type, bred_h5_record *record, bool *plain) {
  size_t size = H5Tget_size(type);
  *plain = false;
  if (size == 0 || size > 1 << 20) return "holds elements of an absurd size";
  record->type_bytes = (uint32_t)size;
  H5T_class_t class = H5Tget_class(type);
  switch (class) {
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
    case H5T_COMPOUND: return "holds compound elements (records or complex numbers), which are not supported";
    case H5T_ARRAY: return "holds elements that are arrays, which are not supported";
    case H5T_VLEN: return "holds sequences of varying length, which are not supported";
    case H5T_REFERENCE: return "holds references, which are not supported";
    case H5T_OPAQUE: return "holds opaque elements, which are not supported";
    default: return "holds elements of a kind that is not supported";
  }
}

hid_t bred_h5_memory_type(hid_t type, const bred_h5_record *record) {
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
      record->deflate = 1;
      record->level = values[0];
    } else {
      *plain = false;
    }
  }
  return NULL;
}

const char *bred_h5_describe(hid_t dataset, bred_h5_record *record) {
  hid_t creation = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
  if (creation < 0 || type < 0) return bred_h5_explain("cannot be described");
  // Before its shape is asked for, for which a virtual dataset would look into other files.
  H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_VIRTUAL) return "is a virtual dataset, made of parts of others, which is refused";
  if (H5Pget_external_count(creation) != 0) return "is stored in another file, which is refused";
  bool plain;
  const char *refusal = bred_h5_classify(type, record, &plain);
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
  if (layout == H5D_CHUNKED) {
    record->layout = BRED_H5_CHUNKED;
    refusal = describe_chunks(creation, record, &plain);
    if (plain) record->route = BRED_H5_CHUNKS;
  } else if (layout == H5D_CONTIGUOUS) {
    record->layout = BRED_H5_CONTIGUOUS;
    record->address = H5Dget_offset(dataset);
    // An array that was never written has no address, and all its elements are the fill value.
    if (plain && record->address != HADDR_UNDEF) record->route = BRED_H5_PLAIN;
  } else {
    record->layout = BRED_H5_COMPACT;
  }
  H5Eclear2(H5E_DEFAULT);
  H5Sclose(space);
  H5Tclose(type);
  H5Pclose(creation);
  return refusal;
}

void bred_h5_read(hid_t file, const bred_h5_request *request) {
  bred_h5_record record = {.kind = BRED_H5_DATASET};
  size_t length = strlen(request->object);
  memcpy(bred_h5_object, request->object, length + 1);
  char *rows_start = request->shared + BRED_H5_NAME_LIMIT;
  hid_t dataset = H5Dopen2(file, request->object, H5P_DEFAULT);
  const char *refusal =
    dataset < 0 ? bred_h5_explain("cannot be opened") : bred_h5_describe(dataset, &record);
  if (!refusal && (record.rank < 1 || record.shape[0] != request->shape[0] ||
                   (record.rank == 2 ? record.shape[1] : 1) != request->shape[1]))
    refusal = "changed while it was read";
  uint64_t width = request->shape[1];
  uint64_t row_bytes = width * (record.float_bytes ? record.float_bytes : 8);
  if (!refusal && (row_bytes == 0 || row_bytes > request->rows_bytes)) refusal = "has rows that are too long";
  if (!refusal && record.layout == BRED_H5_CHUNKED) {
    // All chunks side by side, so that each is made once.
    uint64_t chunk = record.chunk[0] * record.type_bytes * (width + (record.rank == 2 ? record.chunk[1] : 0));
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(access, 12421, chunk < 1 << 20 ? 1 << 20 : chunk < 1 << 28 ? chunk : 1 << 28, 1);
    H5Dclose(dataset);
    dataset = H5Dopen2(file, request->object, access);
  }
  hid_t type = refusal ? -1 : H5Dget_type(dataset), space = refusal ? -1 : H5Dget_space(dataset);
  hid_t memory_type = refusal ? -1 : bred_h5_memory_type(type, &record);
  uint64_t end = request->first + request->count, block = refusal ? 0 : request->rows_bytes / row_bytes;
  for (uint64_t first = request->first; !refusal && first < end;) {
    uint64_t rows = end - first < block ? end - first : block;
    uint64_t chunk = record.chunk[0];
    // Up to the end of a chunk, where one fits.
    if (chunk > 0 && first + rows < end && (first + rows) / chunk * chunk > first)
      rows = (first + rows) / chunk * chunk - first;
    hsize_t start[2] = {first, 0}, extent[2] = {rows, width}, elements = rows * width;
    hid_t memory = H5Screate_simple(1, &elements, NULL);
    // Where nothing was ever written and no fill value is meant, libhdf5 writes nothing.
    memset(rows_start, 0, rows * row_bytes);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL) < 0 ||
        H5Dread(dataset, memory_type, memory, space, H5P_DEFAULT, rows_start) < 0) {
      refusal = bred_h5_explain("cannot be read");
      break;
    }
    H5Sclose(memory);
    bred_h5_record done = {.kind = BRED_H5_ROWS, .float_bytes = record.float_bytes, .shape = {rows, width}};
    bred_h5_answer(&done, NULL, NULL, NULL, NULL);
    bred_h5_wait();
    first += rows;
  }
  if (!refusal) return;
  record.kind = BRED_H5_LEFT_OUT;
  bred_h5_answer(&record, bred_h5_object, NULL, refusal, NULL);
}
