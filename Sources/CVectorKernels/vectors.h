// Vectors of the group kernels: sixteen lanes and eight.
//
// The compiler splits them where registers are shorter. They are passed by address between functions
// that are inlined: by value they would depend on the instruction set.
#pragma once
#include "kernels.h"

typedef float sixteen_t __attribute__((vector_size(64), aligned(4)));
typedef int32_t sixteen_mask_t __attribute__((vector_size(64), aligned(4)));
typedef float eight_t __attribute__((vector_size(32), aligned(4)));
typedef int32_t eight_mask_t __attribute__((vector_size(32), aligned(4)));

#define LOAD16(p) (*(const sixteen_t *)(p))
#define STORE16(p, x) (*(sixteen_t *)(p) = (x))
#define LOAD8(p) (*(const eight_t *)(p))
#define STORE8(p, x) (*(eight_t *)(p) = (x))
#define SPLAT16(x) ((x) - (sixteen_t){0})
#define SPLAT8(x) ((x) - (eight_t){0})
#define ADD8(p, x) STORE8(p, LOAD8(p) + (x))

// x where the lane of h is positive, else 0.
#define WHERE_ON16(h, x) ((sixteen_t)((sixteen_mask_t)(x) & (sixteen_mask_t)((h) > 0.0f)))
#define WHERE_ON8(h, x) ((eight_t)((eight_mask_t)(x) & (eight_mask_t)((h) > 0.0f)))

// The two halves of sixteen lanes, added.
#define HALVES(x)                                                                                  \
  (__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +                                         \
   __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15))

#define EIGHT(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)

// z[c, 0…7] becomes z[0…7, c].
BK_INLINE void transpose8(eight_t z[8]) {
  eight_t y[8];
  BK_UNROLL for (int i = 0; i < 8; i += 2) {
    y[i] = EIGHT(z[i], z[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    y[i + 1] = EIGHT(z[i], z[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  BK_UNROLL for (int i = 0; i < 8; i += 4) {
    z[i] = EIGHT(y[i], y[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    z[i + 1] = EIGHT(y[i], y[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    z[i + 2] = EIGHT(y[i + 1], y[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    z[i + 3] = EIGHT(y[i + 1], y[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  BK_UNROLL for (int i = 0; i < 4; i++) {
    y[i] = EIGHT(z[i], z[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    y[i + 4] = EIGHT(z[i], z[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  BK_UNROLL for (int i = 0; i < 8; i++) z[i] = y[i];
}

// The sums of eight vectors.
BK_INLINE void eight_sums(const eight_t z[8], eight_t *sums) {
  eight_t a[4], b[2];
  BK_UNROLL for (int i = 0; i < 4; i++)
    a[i] = EIGHT(z[2 * i], z[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13) +
           EIGHT(z[2 * i], z[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  BK_UNROLL for (int i = 0; i < 2; i++)
    b[i] = EIGHT(a[2 * i], a[2 * i + 1], 0, 1, 8, 9, 4, 5, 12, 13) +
           EIGHT(a[2 * i], a[2 * i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
  *sums = EIGHT(b[0], b[1], 0, 1, 2, 3, 8, 9, 10, 11) +
          EIGHT(b[0], b[1], 4, 5, 6, 7, 12, 13, 14, 15);
}

// Up to eight rows of up to eight columns; writes `columns` rows of 8, zeros where there is no row.
BK_INLINE void transpose_block(const float *x, ptrdiff_t ldx, ptrdiff_t rows, ptrdiff_t columns,
                               float *out, ptrdiff_t ldout) {
  eight_t z[8] = {{0}};
  if (rows >= 8 && columns >= 8) {
    BK_UNROLL for (int i = 0; i < 8; i++) z[i] = LOAD8(x + i * ldx);
    transpose8(z);
    BK_UNROLL for (int i = 0; i < 8; i++) STORE8(out + i * ldout, z[i]);
    return;
  }
  for (ptrdiff_t c = 0; c < (columns < 8 ? columns : 8); c++)
    for (ptrdiff_t r = 0; r < 8; r++) out[c * ldout + r] = r < rows ? x[r * ldx + c] : 0.0f;
}

// Outputs of a layer that are worked on at once: as many as leave room in the registers.
BK_INLINE int outputs_at_once(const int path) {
  if (path == BK_AVX512) return 16;
  if (path == BK_AVX2) return 6;
#if defined(__aarch64__)
  return 6;
#else
  return 2;
#endif
}
