// Heads of Gaussian policies, as kernels read them.
#pragma once
#include "kernels.h"

BK_INLINE float clamp(float x, float low, float high) {
  return x < low ? low : (x > high ? high : x);
}

BK_INLINE float inverse_tanh(float action) {
  float a = clamp(action, -0.999999f, 0.999999f);
  return 0.5f * (bk_logf(1.0f + a) - bk_logf(1.0f - a));
}

// Elements of the draws are worked off in pieces of one flat range, so that short action vectors still
// fill the vector registers.
#define PIECE 64

// Means and log-deviations of `count` elements from `first`, of which a state has `per_state`.
BK_INLINE void flat_heads(const float *head, ptrdiff_t first, ptrdiff_t count, ptrdiff_t per_state,
                          ptrdiff_t actions, float *mean, float *log_std) {
  ptrdiff_t s = first / per_state, k = first % actions, left = per_state - first % per_state;
  for (ptrdiff_t i = 0; i < count; i++) {
    mean[i] = head[s * 2 * actions + k];
    log_std[i] = head[s * 2 * actions + actions + k];
    if (++k == actions) k = 0;
    if (--left == 0) { s++; left = per_state; }
  }
  for (ptrdiff_t i = count; i < PIECE; i++) mean[i] = log_std[i] = 0.0f;
}

// Adds to the gradient of `count` elements of one draw for each state.
BK_INLINE void add_to_heads(float *dhead, ptrdiff_t first, ptrdiff_t count, ptrdiff_t actions,
                            const float *dmean, const float *dlog_std) {
  ptrdiff_t s = first / actions, k = first % actions;
  for (ptrdiff_t i = 0; i < count; i++) {
    dhead[s * 2 * actions + k] += dmean[i];
    dhead[s * 2 * actions + actions + k] += dlog_std[i];
    if (++k == actions) { k = 0; s++; }
  }
}

// One number for each state, beside each of its elements.
BK_INLINE void flat_rows(const float *x, ptrdiff_t first, ptrdiff_t count, ptrdiff_t actions,
                         float *out) {
  ptrdiff_t s = first / actions, k = first % actions;
  for (ptrdiff_t i = 0; i < count; i++) {
    out[i] = x[s];
    if (++k == actions) { k = 0; s++; }
  }
}

// Sums over the actions of each row.
BK_INLINE void add_to_rows(float *sums, ptrdiff_t first, ptrdiff_t count, ptrdiff_t actions,
                           const float *terms) {
  ptrdiff_t row = first / actions, column = first % actions;
  for (ptrdiff_t i = 0; i < count; i++) {
    sums[row] += terms[i];
    if (++column == actions) { column = 0; row++; }
  }
}
