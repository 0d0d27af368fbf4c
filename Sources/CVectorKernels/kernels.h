// Shared by the kernel files: multi-versioning and elementary functions that vectorise.
#pragma once
#include "CVectorKernels.h"
#include <string.h>

#define BK_INLINE static inline __attribute__((always_inline))
#define BK_FAST _Pragma("clang fp reassociate(on) contract(fast)")
#define BK_CONTRACT _Pragma("clang fp contract(fast)")
#define BK_UNROLL _Pragma("clang loop unroll(full)")

// One source, several instruction sets. BK_KERNEL(type, name, (parameters), (arguments)) { … } compiles the
// body once for each and defines the public function, which calls the one in use. Inside, `path` is a
// constant that says for which the body is compiled.
enum { BK_BASELINE = 1, BK_AVX2, BK_AVX512 };

/// What this thread asked for, or 0; and what the process uses.
extern _Thread_local int bk_thread_path;
extern int bk_process_path;
int bk_choose_path(void);

BK_INLINE int bk_path(void) {
  if (bk_thread_path) return bk_thread_path;
  return bk_process_path ? bk_process_path : bk_choose_path();
}

#define BK_LIST(...) __VA_ARGS__
#if defined(__x86_64__)
#define BK_PATHS(type, name, parameters, arguments)                                                \
  __attribute__((target("arch=x86-64-v4"), min_vector_width(512))) static type                     \
  name##_avx512 parameters {                                                                       \
    return name##_body(BK_AVX512, BK_LIST arguments);                                              \
  }                                                                                                \
  __attribute__((target("arch=x86-64-v3"))) static type name##_avx2 parameters {                   \
    return name##_body(BK_AVX2, BK_LIST arguments);                                                \
  }                                                                                                \
  static type name##_baseline parameters { return name##_body(BK_BASELINE, BK_LIST arguments); }   \
  type name parameters {                                                                           \
    switch (bk_path()) {                                                                           \
    case BK_AVX512: return name##_avx512 arguments;                                                \
    case BK_AVX2: return name##_avx2 arguments;                                                    \
    default: return name##_baseline arguments;                                                     \
    }                                                                                              \
  }
#else
#define BK_PATHS(type, name, parameters, arguments)                                                \
  type name parameters { return name##_body(BK_BASELINE, BK_LIST arguments); }
#endif
#define BK_KERNEL(type, name, parameters, arguments)                                               \
  BK_INLINE type name##_body(const int path, BK_LIST parameters);                                  \
  BK_PATHS(type, name, parameters, arguments)                                                      \
  BK_INLINE type name##_body(const int path, BK_LIST parameters)

BK_INLINE float bk_min(float a, float b) { return a < b ? a : b; }
BK_INLINE float bk_max(float a, float b) { return a > b ? a : b; }
BK_INLINE int32_t bk_bits(float x) { int32_t i; memcpy(&i, &x, 4); return i; }
BK_INLINE float bk_float(int32_t i) { float x; memcpy(&x, &i, 4); return x; }

/// eˣ within 2 ulp; arguments below −87.3 give the smallest normal numbers, NaN stays NaN.
BK_INLINE float bk_expf(float x) {
  float c = x < -87.3f ? -87.3f : x;
  c = c > 88.3f ? 88.3f : c;
  // Adding and subtracting 1.5·2²³ rounds to the nearest integer.
  float shifted = c * 1.442695041f + 12582912.0f;
  float n = shifted - 12582912.0f;
  float r = __builtin_fmaf(n, -0.693359375f, c);
  r = __builtin_fmaf(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * bk_float((int32_t)((uint32_t)(bk_bits(shifted) + 127 - 0x4B400000) << 23));
}

/// log x for positive normal x, within 2 ulp.
BK_INLINE float bk_logf(float x) {
  int32_t bits = bk_bits(x);
  int32_t e = (bits - 0x3f3504f3) >> 23;
  float m = bk_float(bits - (int32_t)((uint32_t)e << 23)) - 1.0f;
  float n = (float)e;
  float z = m * m;
  float y = 7.0376836292e-2f;
  y = y * m - 1.1514610310e-1f;
  y = y * m + 1.1676998740e-1f;
  y = y * m - 1.2420140846e-1f;
  y = y * m + 1.4249322787e-1f;
  y = y * m - 1.6668057665e-1f;
  y = y * m + 2.0000714765e-1f;
  y = y * m - 2.4999993993e-1f;
  y = y * m + 3.3333331174e-1f;
  y = y * m * z;
  y = y + n * -2.12194440e-4f;
  y = y - 0.5f * z;
  return m + y + n * 0.693359375f;
}

/// log(1 + e) for e in [0, 1].
BK_INLINE float bk_log1pf(float e) {
  float direct = bk_logf(1.0f + e);
  float series = e - 0.5f * e * e;
  return e < 1e-3f ? series + e * e * e * (1.0f / 3.0f) : direct;
}

/// softplus(x) = max(x, 0) + log(1 + exp(−|x|)).
BK_INLINE float bk_softplusf(float x) {
  float magnitude = __builtin_fabsf(x);
  return (x > 0.0f ? x : 0.0f) + bk_log1pf(bk_expf(-magnitude));
}

BK_INLINE float bk_tanhf(float x) {
  float magnitude = __builtin_fabsf(x);
  float s = x * x;
  float small = -5.70498872745e-3f;
  small = small * s + 2.06390887954e-2f;
  small = small * s - 5.37397155531e-2f;
  small = small * s + 1.33314422036e-1f;
  small = small * s - 3.33332819422e-1f;
  small = small * s * x + x;
  float large = 1.0f - 2.0f / (bk_expf(2.0f * magnitude) + 1.0f);
  large = x < 0.0f ? -large : large;
  return magnitude < 0.625f ? small : large;
}
