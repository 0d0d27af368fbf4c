#pragma once
#include <hdf5.h>

// HDF5 names its predefined types, classes and flags by macros that first initialise the library;
// Swift cannot import those, so each gets a function.

static inline hid_t bred_h5t_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t bred_h5t_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t bred_h5t_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t bred_h5t_ieee_f32le(void) { return H5T_IEEE_F32LE; }
static inline hid_t bred_h5t_ieee_f64le(void) { return H5T_IEEE_F64LE; }
static inline hid_t bred_h5t_std_i8le(void) { return H5T_STD_I8LE; }
static inline hid_t bred_h5t_std_i32le(void) { return H5T_STD_I32LE; }
static inline hid_t bred_h5t_std_i64le(void) { return H5T_STD_I64LE; }
static inline hid_t bred_h5t_c_s1(void) { return H5T_C_S1; }

static inline hid_t bred_h5p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t bred_h5p_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t bred_h5p_link_create(void) { return H5P_LINK_CREATE; }

static inline unsigned bred_h5f_acc_excl(void) { return H5F_ACC_EXCL; }

// The error handler has two versions behind one macro; this picks the current one.
static inline void bred_h5_silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }
