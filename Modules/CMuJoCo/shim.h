#pragma once
#include <mujoco/mujoco.h>
#include <mujoco/mjxmacro.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A handler may not return and Swift cannot throw across C frames. Callers check their input
// beforehand, so what arrives here is a fault of ours or an exhausted machine.
static void bred_mujoco_error(const char* message) {
  fprintf(stderr, "bred: MuJoCo cannot go on: %s\n", message);
  _exit(1);
}

// Warnings are read from mjData.warning after each step. Without a handler MuJoCo would append
// them to MUJOCO_LOG.TXT in the user's folder.
static void bred_mujoco_warning(const char* message) { (void)message; }

// The handlers are C globals, which Swift 6 will not let us assign.
static inline void bred_mujoco_install_handlers(void) {
  mju_user_error = bred_mujoco_error;
  mju_user_warning = bred_mujoco_warning;
}

// mjVFS is a structure of two megabytes: too large to be a Swift value on a thread's stack.
static inline mjModel* bred_mujoco_load_string(
    const char* text, int length, char* message, int message_size) {
  static const char* name = "model.xml";
  mjVFS* files = (mjVFS*)malloc(sizeof(mjVFS));
  if (!files) {
    snprintf(message, message_size, "out of memory");
    return NULL;
  }
  mj_defaultVFS(files);
  mjModel* model = NULL;
  if (mj_makeEmptyFileVFS(files, name, length) == 0) {
    memcpy(files->filedata[mj_findFileVFS(files, name)], text, length);
    model = mj_loadXML(name, files, message, message_size);
  } else {
    snprintf(message, message_size, "cannot take %d characters", length);
  }
  mj_deleteVFS(files);
  free(files);
  return model;
}

// Warnings of this kind so far; a C array inside a structure imports as a tuple.
static inline int bred_mujoco_warning_count(const mjData* data, int kind) {
  return data->warning[kind].number;
}

static inline int bred_mujoco_warning_info(const mjData* data, int kind) {
  return data->warning[kind].lastinfo;
}

static inline void bred_mujoco_clear_warnings(mjData* data) {
  memset(data->warning, 0, sizeof(data->warning));
}

typedef void (*bred_mujoco_field_visitor)(
    void* context, const char* name, const void* values, int count, char type);

// Calls `visit` for each numeric field of a model in the library's own list of fields, which only
// exists as C macros. type: d double, f float, i int, b byte.
static inline void bred_mujoco_visit_fields(
    const mjModel* m, void* context, bred_mujoco_field_visitor visit) {
#define BRED_TYPE(type) \
  _Generic((type)0, double: 'd', float: 'f', int: 'i', mjtByte: 'b', char: 'b')
#define X(name) visit(context, #name, &m->name, 1, 'i');
  MJMODEL_INTS
#undef X
#define X(type, name) visit(context, "opt." #name, &m->opt.name, 1, BRED_TYPE(type));
  MJOPTION_SCALARS
#undef X
#define X(name, count) visit(context, "opt." #name, m->opt.name, count, 'd');
  MJOPTION_VECTORS
#undef X
  visit(context, "stat.meaninertia", &m->stat.meaninertia, 1, 'd');
  visit(context, "stat.meanmass", &m->stat.meanmass, 1, 'd');
  visit(context, "stat.meansize", &m->stat.meansize, 1, 'd');
  visit(context, "stat.extent", &m->stat.extent, 1, 'd');
  visit(context, "stat.center", m->stat.center, 3, 'd');
  visit(context, "vis.map.znear", &m->vis.map.znear, 1, 'f');
  visit(context, "vis.map.zfar", &m->vis.map.zfar, 1, 'f');
  MJMODEL_POINTERS_PREAMBLE(m)
#undef MJ_M
#define MJ_M(n) n
#define X(type, name, rows, columns) \
  visit(context, #name, m->name, (int)(m->rows * (columns)), BRED_TYPE(type));
  MJMODEL_POINTERS
#undef X
#undef BRED_TYPE
}
