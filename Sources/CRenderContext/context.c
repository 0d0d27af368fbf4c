#include "render_context.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Drawing goes to a buffer of MuJoCo's own; OSMesa wants one nevertheless.
enum { default_buffer_side = 16 };

struct bred_render_context {
  const char* name;
  void* library;
  void* handle;
  // Of OSMesa.
  unsigned char buffer[4 * default_buffer_side * default_buffer_side];
  // Of EGL.
  void* display;
  int (*use)(bred_render_context*);
  void (*release)(bred_render_context*);
};

// MARK: OSMesa

typedef unsigned char (*osmesa_make_current)(void*, void*, unsigned, int, int);

static int use_osmesa(bred_render_context* context) {
  enum { unsigned_byte = 0x1401 };
  osmesa_make_current make_current =
      (osmesa_make_current)dlsym(context->library, "OSMesaMakeCurrent");
  return make_current && make_current(context->handle, context->buffer, unsigned_byte,
                                      default_buffer_side, default_buffer_side);
}

static void release_osmesa(bred_render_context* context) {
  void (*destroy)(void*) = (void (*)(void*))dlsym(context->library, "OSMesaDestroyContext");
  if (context->handle && destroy) destroy(context->handle);
}

static int make_osmesa(bred_render_context* context) {
  // The name without a number comes with the package for developers.
  const char* names[] = {"libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"};
  for (int i = 0; i < 3 && !context->library; i++)
    context->library = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
  if (!context->library) return 0;
  void* (*create)(unsigned, int, int, int, void*) =
      (void* (*)(unsigned, int, int, int, void*))dlsym(
          context->library, "OSMesaCreateContextExt");
  enum { rgba = 0x1908, depth_bits = 24, stencil_bits = 8 };
  context->name = "OSMesa";
  context->use = use_osmesa;
  context->release = release_osmesa;
  context->handle = create ? create(rgba, depth_bits, stencil_bits, 0, NULL) : NULL;
  return context->handle && use_osmesa(context);
}

// MARK: EGL

typedef void (*egl_function)(void);

static int use_egl(bred_render_context* context) {
  unsigned (*bind)(unsigned) = (unsigned (*)(unsigned))dlsym(context->library, "eglBindAPI");
  unsigned (*make_current)(void*, void*, void*, void*) =
      (unsigned (*)(void*, void*, void*, void*))dlsym(context->library, "eglMakeCurrent");
  enum { opengl_api = 0x30A2 };
  return bind && make_current && bind(opengl_api)
      && make_current(context->display, NULL, NULL, context->handle);
}

static void release_egl(bred_render_context* context) {
  unsigned (*make_current)(void*, void*, void*, void*) =
      (unsigned (*)(void*, void*, void*, void*))dlsym(context->library, "eglMakeCurrent");
  unsigned (*destroy)(void*, void*) =
      (unsigned (*)(void*, void*))dlsym(context->library, "eglDestroyContext");
  if (!context->handle) return;
  if (make_current) make_current(context->display, NULL, NULL, NULL);
  if (destroy) destroy(context->display, context->handle);
}

// A context on one device; the display stays, as it is the process's.
static int make_on_device(bred_render_context* context, void* device, void* get_display) {
  enum { platform_device = 0x313F, opengl_api = 0x30A2 };
  const int32_t wanted[] = {
      0x3033, 0x0001,  // EGL_SURFACE_TYPE, EGL_PBUFFER_BIT
      0x3040, 0x0008,  // EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT
      0x3024, 8, 0x3023, 8, 0x3022, 8,  // EGL_RED_SIZE, EGL_GREEN_SIZE, EGL_BLUE_SIZE
      0x3025, 24,  // EGL_DEPTH_SIZE
      0x3038};  // EGL_NONE
  unsigned (*initialize)(void*, int32_t*, int32_t*) =
      (unsigned (*)(void*, int32_t*, int32_t*))dlsym(context->library, "eglInitialize");
  unsigned (*bind)(unsigned) = (unsigned (*)(unsigned))dlsym(context->library, "eglBindAPI");
  unsigned (*choose)(void*, const int32_t*, void**, int32_t, int32_t*) =
      (unsigned (*)(void*, const int32_t*, void**, int32_t, int32_t*))dlsym(
          context->library, "eglChooseConfig");
  void* (*create)(void*, void*, void*, const int32_t*) =
      (void* (*)(void*, void*, void*, const int32_t*))dlsym(
          context->library, "eglCreateContext");
  if (!initialize || !bind || !choose || !create) return 0;
  context->display =
      ((void* (*)(unsigned, void*, const int32_t*))get_display)(platform_device, device, NULL);
  void* configuration = NULL;
  int32_t count = 0;
  if (!context->display || !initialize(context->display, NULL, NULL) || !bind(opengl_api)
      || !choose(context->display, wanted, &configuration, 1, &count) || count < 1)
    return 0;
  context->handle = create(context->display, configuration, NULL, NULL);
  if (context->handle && use_egl(context)) return 1;
  release_egl(context);
  context->handle = NULL;
  return 0;
}

static int make_egl(bred_render_context* context) {
  context->library = dlopen("libEGL.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (!context->library) return 0;
  egl_function (*function)(const char*) =
      (egl_function(*)(const char*))dlsym(context->library, "eglGetProcAddress");
  if (!function) return 0;
  unsigned (*devices)(int32_t, void**, int32_t*) =
      (unsigned (*)(int32_t, void**, int32_t*))function("eglQueryDevicesEXT");
  void* get_display = (void*)function("eglGetPlatformDisplayEXT");
  void* found[16];
  int32_t count = 0;
  if (!devices || !get_display || !devices(16, found, &count)) return 0;
  context->name = "EGL";
  context->use = use_egl;
  context->release = release_egl;
  for (int32_t i = 0; i < count; i++)
    if (make_on_device(context, found[i], get_display)) return 1;
  return 0;
}

// MARK: Choice

bred_render_context* bred_render_context_make(char* message, int size) {
  bred_render_context* context = calloc(1, sizeof *context);
  if (!context) {
    snprintf(message, size, "out of memory");
    return NULL;
  }
  const char* wanted = getenv("MUJOCO_GL");
  int only_osmesa = wanted && strcmp(wanted, "osmesa") == 0;
  int only_egl = wanted && strcmp(wanted, "egl") == 0;
  if (!only_egl && make_osmesa(context)) return context;
  // MuJoCo takes the functions of whichever library it finds in the process, so the other one must go.
  if (context->release) context->release(context);
  if (context->library) dlclose(context->library);
  memset(context, 0, sizeof *context);
  if (!only_osmesa && make_egl(context)) return context;
  if (context->library) dlclose(context->library);
  free(context);
  snprintf(
      message, size, "%s",
      only_egl ? "MUJOCO_GL is egl, and there is no EGL with a device that draws OpenGL"
      : "libOSMesa is missing; install it: apt-get install libosmesa6");
  return NULL;
}

int bred_render_context_use(bred_render_context* context) { return context->use(context); }

const char* bred_render_context_name(const bred_render_context* context) { return context->name; }

void bred_render_context_free(bred_render_context* context) {
  if (!context) return;
  context->release(context);
  // The library stays: MuJoCo keeps the functions that it found in it.
  free(context);
}
