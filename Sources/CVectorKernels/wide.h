// Shared by the files for processors with AVX-512.
#pragma once
#include "kernels.h"

#if defined(__x86_64__) && defined(__linux__)
#define BK_WIDE 1
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))
#define WIDE_INLINE WIDE BK_INLINE
#define UNROLL _Pragma("clang loop unroll(full)")

// The first `columns` of sixteen.
BK_INLINE __mmask16 bk_first(ptrdiff_t columns) {
  return columns >= 16 ? 0xFFFF : columns <= 0 ? 0 : (__mmask16)((1u << columns) - 1);
}

// The sums of eight vectors.
WIDE_INLINE __m256 bk_eight_sums(const __m512 *z) {
  __m512 a[4], b[2], c;
  UNROLL for (int i = 0; i < 4; i++)
    a[i] = _mm512_add_ps(_mm512_unpacklo_ps(z[2 * i], z[2 * i + 1]),
                         _mm512_unpackhi_ps(z[2 * i], z[2 * i + 1]));
  UNROLL for (int i = 0; i < 2; i++)
    b[i] = _mm512_add_ps(_mm512_shuffle_ps(a[2 * i], a[2 * i + 1], 0x44),
                         _mm512_shuffle_ps(a[2 * i], a[2 * i + 1], 0xEE));
  c = _mm512_add_ps(_mm512_shuffle_f32x4(b[0], b[1], 0x88), _mm512_shuffle_f32x4(b[0], b[1], 0xDD));
  c = _mm512_add_ps(_mm512_shuffle_f32x4(c, c, 0x88), _mm512_shuffle_f32x4(c, c, 0xDD));
  return _mm512_castps512_ps256(c);
}

// Sixteen rows of sixteen, in registers; reads `rows` ≤ 16 rows and `depth` ≤ 16 columns, writes
// `depth` rows of 16 with zeros where there is no row.
WIDE static void bk_transpose16(const float *b, ptrdiff_t ldb, ptrdiff_t rows, ptrdiff_t depth,
                                float *out, ptrdiff_t ldout) {
  __m512 x[16], y[16];
  __mmask16 mask = bk_first(depth);
  UNROLL for (int i = 0; i < 16; i++)
    x[i] = i < rows ? _mm512_maskz_loadu_ps(mask, b + i * ldb) : _mm512_setzero_ps();
  UNROLL for (int i = 0; i < 16; i += 2) {
    y[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
    y[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
  }
  UNROLL for (int i = 0; i < 16; i += 4) {
    x[i] = _mm512_shuffle_ps(y[i], y[i + 2], 0x44);
    x[i + 1] = _mm512_shuffle_ps(y[i], y[i + 2], 0xEE);
    x[i + 2] = _mm512_shuffle_ps(y[i + 1], y[i + 3], 0x44);
    x[i + 3] = _mm512_shuffle_ps(y[i + 1], y[i + 3], 0xEE);
  }
  // x[4g + c] holds columns c, c + 4, c + 8, c + 12 of rows 4g … 4g + 3.
  UNROLL for (int c = 0; c < 4; c++) {
    y[c] = _mm512_shuffle_f32x4(x[c], x[4 + c], 0x88);
    y[4 + c] = _mm512_shuffle_f32x4(x[c], x[4 + c], 0xDD);
    y[8 + c] = _mm512_shuffle_f32x4(x[8 + c], x[12 + c], 0x88);
    y[12 + c] = _mm512_shuffle_f32x4(x[8 + c], x[12 + c], 0xDD);
  }
  UNROLL for (int c = 0; c < 4; c++) {
    x[c] = _mm512_shuffle_f32x4(y[c], y[8 + c], 0x88);
    x[8 + c] = _mm512_shuffle_f32x4(y[c], y[8 + c], 0xDD);
    x[4 + c] = _mm512_shuffle_f32x4(y[4 + c], y[12 + c], 0x88);
    x[12 + c] = _mm512_shuffle_f32x4(y[4 + c], y[12 + c], 0xDD);
  }
  UNROLL for (int i = 0; i < 16; i++)
    if (i < depth) _mm512_storeu_ps(out + i * ldout, x[i]);
}

#else
#define BK_WIDE 0
#endif
