#include "kernels.h"

#define LANES 16

// Explicit vectors: the compiler does not keep an array of sums in registers by itself. The compiler
// splits them where registers are shorter. They never cross a function's boundary.
typedef float lanes_t __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));
typedef int32_t mask_t __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

BK_KERNEL(void, bk_bias_relu,
          (float *z, ptrdiff_t ldz, const float *bias, ptrdiff_t rows, ptrdiff_t columns),
          (z, ldz, bias, rows, columns)) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *row = z + r * ldz;
    for (ptrdiff_t c = 0; c < columns; c++) {
      float v = row[c] + bias[c];
      // Written so that NaN passes through and is noticed by the loss.
      row[c] = v <= 0.0f ? 0.0f : v;
    }
  }
}

BK_KERNEL(void, bk_bias,
          (float *z, ptrdiff_t ldz, const float *bias, ptrdiff_t rows, ptrdiff_t columns),
          (z, ldz, bias, rows, columns)) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *row = z + r * ldz;
    for (ptrdiff_t c = 0; c < columns; c++) row[c] += bias[c];
  }
}

BK_KERNEL(void, bk_bias_relu_dot,
          (float *z, ptrdiff_t ldz, const float *bias, const float *w, float b, float *out,
           ptrdiff_t rows, ptrdiff_t columns),
          (z, ldz, bias, w, b, out, rows, columns)) {
  BK_FAST
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *row = z + r * ldz;
    float sum = 0.0f;
    for (ptrdiff_t c = 0; c < columns; c++) {
      float v = row[c] + bias[c];
      v = v <= 0.0f ? 0.0f : v;
      row[c] = v;
      sum += v * w[c];
    }
    out[r] = sum + b;
  }
}

// Columns c … c + 2·LANES − 1, the sums in registers over all rows.
BK_INLINE void dot_backward_strip(const float *h, ptrdiff_t ldh, const float *dout,
                                  const int32_t *index, ptrdiff_t count, const float *w, float *dz,
                                  float *gw, float *gbias, ptrdiff_t columns) {
  BK_CONTRACT
  lanes_t zero = {0}, gw0 = zero, gw1 = zero, gb0 = zero, gb1 = zero;
  lanes_t w0 = *(const lanes_t *)w, w1 = *(const lanes_t *)(w + LANES);
  for (ptrdiff_t i = 0; i < count; i++) {
    const float *row = h + (ptrdiff_t)index[i] * ldh;
    float d = dout[index[i]];
    lanes_t h0 = *(const lanes_t *)row, h1 = *(const lanes_t *)(row + LANES);
    lanes_t v0 = (lanes_t)((mask_t)(d * w0) & (mask_t)(h0 > zero));
    lanes_t v1 = (lanes_t)((mask_t)(d * w1) & (mask_t)(h1 > zero));
    *(lanes_t *)(dz + i * columns) = v0;
    *(lanes_t *)(dz + i * columns + LANES) = v1;
    gw0 += d * h0;
    gw1 += d * h1;
    gb0 += v0;
    gb1 += v1;
  }
  if (!gw) return;
  *(lanes_t *)gw += gw0;
  *(lanes_t *)(gw + LANES) += gw1;
  *(lanes_t *)gbias += gb0;
  *(lanes_t *)(gbias + LANES) += gb1;
}

BK_KERNEL(void, bk_dot_backward,
          (const float *h, ptrdiff_t ldh, const float *dout, const int32_t *index, ptrdiff_t count,
           const float *w, float *dz, float *gw, float *gbias, ptrdiff_t columns),
          (h, ldh, dout, index, count, w, dz, gw, gbias, columns)) {
  ptrdiff_t full = columns / (2 * LANES) * (2 * LANES);
  for (ptrdiff_t c = 0; c < full; c += 2 * LANES)
    dot_backward_strip(h + c, ldh, dout, index, count, w + c, dz + c, gw ? gw + c : NULL,
                       gw ? gbias + c : NULL, columns);
  if (full == columns) return;
  for (ptrdiff_t i = 0; i < count; i++) {
    const float *row = h + (ptrdiff_t)index[i] * ldh;
    float *out = dz + i * columns;
    float d = dout[index[i]];
    for (ptrdiff_t c = full; c < columns; c++) {
      float v = row[c] > 0.0f ? d * w[c] : 0.0f;
      out[c] = v;
      if (!gw) continue;
      gw[c] += d * row[c];
      gbias[c] += v;
    }
  }
}

BK_KERNEL(void, bk_relu_backward,
          (float *dh, ptrdiff_t lddh, const float *h, ptrdiff_t ldh, float *gbias, ptrdiff_t rows,
           ptrdiff_t columns),
          (dh, lddh, h, ldh, gbias, rows, columns)) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *d = dh + r * lddh;
    const float *row = h + r * ldh;
    if (gbias) {
      for (ptrdiff_t c = 0; c < columns; c++) {
        float v = row[c] > 0.0f ? d[c] : 0.0f;
        d[c] = v;
        gbias[c] += v;
      }
    } else {
      for (ptrdiff_t c = 0; c < columns; c++) d[c] = row[c] > 0.0f ? d[c] : 0.0f;
    }
  }
}

BK_KERNEL(void, bk_column_sums,
          (const float *x, ptrdiff_t ldx, float *sum, ptrdiff_t rows, ptrdiff_t columns),
          (x, ldx, sum, rows, columns)) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *row = x + r * ldx;
    for (ptrdiff_t c = 0; c < columns; c++) sum[c] += row[c];
  }
}

// Columns c … c + 2·LANES − 1. `actions` is a compile-time constant in the callers below, so the weights
// stay in registers over all rows.
BK_INLINE void expand_strip(const float *base, ptrdiff_t ldbase, const float *a, ptrdiff_t actions,
                            const float *wt, float *h, ptrdiff_t states, ptrdiff_t repeats,
                            ptrdiff_t columns, ptrdiff_t c) {
  lanes_t zero = {0}, w0[8], w1[8];
  for (ptrdiff_t k = 0; k < actions; k++) {
    w0[k] = *(const lanes_t *)(wt + k * columns + c);
    w1[k] = *(const lanes_t *)(wt + k * columns + c + LANES);
  }
  for (ptrdiff_t s = 0; s < states; s++) {
    lanes_t from0 = *(const lanes_t *)(base + s * ldbase + c);
    lanes_t from1 = *(const lanes_t *)(base + s * ldbase + c + LANES);
    for (ptrdiff_t i = 0; i < repeats; i++) {
      const float *action = a + (s * repeats + i) * actions;
      float *row = h + (s * repeats + i) * columns + c;
      lanes_t v0 = from0, v1 = from1;
      for (ptrdiff_t k = 0; k < actions; k++) {
        v0 += action[k] * w0[k];
        v1 += action[k] * w1[k];
      }
      // Written so that NaN passes through and is noticed by the loss.
      *(lanes_t *)row = (lanes_t)((mask_t)v0 & ~(mask_t)(v0 <= zero));
      *(lanes_t *)(row + LANES) = (lanes_t)((mask_t)v1 & ~(mask_t)(v1 <= zero));
    }
  }
}

BK_INLINE void expand_first_layer(const float *base, ptrdiff_t ldbase, const float *a,
                                  ptrdiff_t actions, const float *wt, float *h, ptrdiff_t states,
                                  ptrdiff_t repeats, ptrdiff_t columns) {
  BK_CONTRACT
  ptrdiff_t full = columns / (2 * LANES) * (2 * LANES);
  for (ptrdiff_t c = 0; c < full; c += 2 * LANES)
    expand_strip(base, ldbase, a, actions, wt, h, states, repeats, columns, c);
  if (full == columns) return;
  for (ptrdiff_t s = 0; s < states; s++) {
    const float *from = base + s * ldbase;
    for (ptrdiff_t i = 0; i < repeats; i++) {
      const float *action = a + (s * repeats + i) * actions;
      float *row = h + (s * repeats + i) * columns;
      for (ptrdiff_t c = full; c < columns; c++) {
        float v = from[c];
        for (ptrdiff_t k = 0; k < actions; k++) v += action[k] * wt[k * columns + c];
        row[c] = v <= 0.0f ? 0.0f : v;
      }
    }
  }
}

// For action sizes without an unrolled version: one pass over the row per action.
BK_INLINE void expand_first_layer_any(const float *base, ptrdiff_t ldbase, const float *a,
                                      ptrdiff_t actions, const float *wt, float *h,
                                      ptrdiff_t states, ptrdiff_t repeats, ptrdiff_t columns) {
  BK_CONTRACT
  for (ptrdiff_t s = 0; s < states; s++) {
    const float *from = base + s * ldbase;
    for (ptrdiff_t i = 0; i < repeats; i++) {
      const float *action = a + (s * repeats + i) * actions;
      float *row = h + (s * repeats + i) * columns;
      memcpy(row, from, (size_t)columns * sizeof(float));
      for (ptrdiff_t k = 0; k < actions; k++) {
        float x = action[k];
        for (ptrdiff_t c = 0; c < columns; c++) row[c] += x * wt[k * columns + c];
      }
      for (ptrdiff_t c = 0; c < columns; c++) row[c] = row[c] <= 0.0f ? 0.0f : row[c];
    }
  }
}

BK_KERNEL(void, bk_expand_first_layer,
          (const float *restrict base, ptrdiff_t ldbase, const float *restrict a, ptrdiff_t actions,
           const float *restrict wt, float *restrict h, ptrdiff_t states, ptrdiff_t repeats,
           ptrdiff_t columns),
          (base, ldbase, a, actions, wt, h, states, repeats, columns)) {
  switch (actions) {
  case 1: expand_first_layer(base, ldbase, a, 1, wt, h, states, repeats, columns); break;
  case 2: expand_first_layer(base, ldbase, a, 2, wt, h, states, repeats, columns); break;
  case 3: expand_first_layer(base, ldbase, a, 3, wt, h, states, repeats, columns); break;
  case 6: expand_first_layer(base, ldbase, a, 6, wt, h, states, repeats, columns); break;
  case 8: expand_first_layer(base, ldbase, a, 8, wt, h, states, repeats, columns); break;
  default: expand_first_layer_any(base, ldbase, a, actions, wt, h, states, repeats, columns);
  }
}

#define GROUP 6

// Columns c … c + LANES − 1 for `group` actions from `k0`; the sums stay in registers over all rows.
// `group` is a compile-time constant in the callers.
BK_INLINE void first_layer_backward_strip(const float *dh, const float *h, const float *a,
                                          ptrdiff_t actions, ptrdiff_t k0, int group,
                                          const int32_t *index, ptrdiff_t count, float *gwt,
                                          float *gbase, ptrdiff_t ldgbase, ptrdiff_t repeats,
                                          ptrdiff_t columns, ptrdiff_t c) {
  lanes_t zero = {0};
  lanes_t sums[GROUP];
  for (int k = 0; k < group; k++) sums[k] = zero;
  ptrdiff_t i = 0;
  while (i < count) {
    ptrdiff_t state = index[i] / repeats;
    int32_t end = (int32_t)((state + 1) * repeats);
    lanes_t state_sum = zero;
    for (; i < count && index[i] < end; i++) {
      lanes_t dz = *(const lanes_t *)(dh + i * columns + c);
      if (h) {
        lanes_t row = *(const lanes_t *)(h + i * columns + c);
        dz = (lanes_t)((mask_t)dz & (mask_t)(row > zero));
      }
      state_sum += dz;
      const float *action = a + (ptrdiff_t)index[i] * actions + k0;
      for (int k = 0; k < group; k++) sums[k] += action[k] * dz;
    }
    if (gbase) *(lanes_t *)(gbase + state * ldgbase + c) += state_sum;
  }
  for (int k = 0; k < group; k++) *(lanes_t *)(gwt + (k0 + k) * columns + c) += sums[k];
}

BK_KERNEL(void, bk_expand_first_layer_backward,
          (const float *restrict dh, const float *restrict h, const float *restrict a, ptrdiff_t
           actions, const int32_t *restrict index, ptrdiff_t count, float *restrict gwt, float
           *restrict gbase, ptrdiff_t ldgbase, ptrdiff_t repeats, ptrdiff_t columns),
          (dh, h, a, actions, index, count, gwt, gbase, ldgbase, repeats, columns)) {
  BK_CONTRACT
  ptrdiff_t full = columns / LANES * LANES;
  for (ptrdiff_t k0 = 0; k0 < actions; k0 += GROUP) {
    ptrdiff_t group = actions - k0 < GROUP ? actions - k0 : GROUP;
    float *states = k0 == 0 ? gbase : NULL;
    for (ptrdiff_t c = 0; c < full; c += LANES) {
      switch (group) {
#define STRIP(G)                                                                                   \
  case G:                                                                                          \
    first_layer_backward_strip(dh, h, a, actions, k0, G, index, count, gwt, states, ldgbase,       \
                               repeats, columns, c);                                               \
    break
        STRIP(1);
        STRIP(2);
        STRIP(3);
        STRIP(4);
        STRIP(5);
        STRIP(6);
      }
    }
    // What is narrower than a strip goes column by column.
    for (ptrdiff_t c = full; c < columns; c++) {
      for (ptrdiff_t i = 0; i < count; i++) {
        float dz = !h || h[i * columns + c] > 0.0f ? dh[i * columns + c] : 0.0f;
        if (states) states[index[i] / repeats * ldgbase + c] += dz;
        for (ptrdiff_t k = 0; k < group; k++)
          gwt[(k0 + k) * columns + c] += a[(ptrdiff_t)index[i] * actions + k0 + k] * dz;
      }
    }
  }
}

BK_KERNEL(void, bk_compact_rows,
          (float *x, ptrdiff_t ldx, const int32_t *index, ptrdiff_t count, ptrdiff_t columns),
          (x, ldx, index, count, columns)) {
  for (ptrdiff_t i = 0; i < count; i++)
    if (index[i] != i)
      memcpy(x + i * ldx, x + (ptrdiff_t)index[i] * ldx, (size_t)columns * sizeof(float));
}
