#pragma once

// A place where OpenGL draws without a screen: Mesa's software renderer (libOSMesa), or else EGL on a
// device. Both libraries are loaded when the first context is made, so that nothing needs them to build or
// to do anything else.

typedef struct bred_render_context bred_render_context;

// A context, current on the calling thread. MUJOCO_GL=osmesa or egl in the environment chooses one of the
// two. NULL where there is none; `message`, of `size` bytes, then says why.
bred_render_context* bred_render_context_make(char* message, int size);

// Makes the context current on the calling thread; 0 where that fails.
int bred_render_context_use(bred_render_context* context);

// OSMesa or EGL.
const char* bred_render_context_name(const bred_render_context* context);

void bred_render_context_free(bred_render_context* context);
