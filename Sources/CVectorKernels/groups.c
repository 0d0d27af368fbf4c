// Critics on sixteen actions of one state side by side: the forward pass.
//
// A hidden unit is a row of sixteen lanes, one for each action. The actions of one state switch nearly the
// same units on, so only units that are on for at least one lane are kept: `index` lists them in ascending
// order, and their rows stand one after the other. The terms left out are products with exact zeros.
#include "vectors.h"

#define LANES BK_HALF_GROUP

BK_KERNEL(void, bk_group_arrange,
          (const float *w, ptrdiff_t ldw, ptrdiff_t inputs, ptrdiff_t outputs, float *arranged),
          (w, ldw, inputs, outputs, arranged)) {
  const ptrdiff_t at_once = outputs_at_once(path);
  for (ptrdiff_t j = 0; j < outputs; j += at_once, arranged += inputs * at_once) {
    ptrdiff_t rows = outputs - j < at_once ? outputs - j : at_once, i = 0;
    const float *from = w + j * ldw;
    if (at_once == 16 && rows == 16)
      for (; i + 8 <= inputs; i += 8) {
        transpose_block(from + i, ldw, 8, 8, arranged + i * 16, 16);
        transpose_block(from + 8 * ldw + i, ldw, 8, 8, arranged + i * 16 + 8, 16);
      }
    else if (rows < at_once)
      memset(arranged, 0, (size_t)(inputs * at_once) * sizeof(float));
    for (; i < inputs; i++)
      for (ptrdiff_t t = 0; t < rows; t++) arranged[i * at_once + t] = from[t * ldw + i];
  }
}

// Stores max(z, 0) as row `count` of `out` and returns the count of rows thereafter: a row that is zero
// everywhere is overwritten by the next one, and its place is `off`. A NaN counts as on, so that the
// loss notices it.
BK_INLINE ptrdiff_t keep(const sixteen_t *z, ptrdiff_t unit, float *out, int32_t *index,
                         int32_t *place, ptrdiff_t off, ptrdiff_t count) {
  sixteen_mask_t on = ~(sixteen_mask_t)(*z <= 0.0f);
  STORE16(out + count * LANES, (sixteen_t)((sixteen_mask_t)*z & on));
  index[count] = (int32_t)unit;
  int any = __builtin_reduce_or(on) != 0;
  place[unit] = (int32_t)(any ? count : off);
  return count + any;
}

// `actions` is a compile-time constant in the callers, so their lanes stay in registers.
BK_INLINE ptrdiff_t first_layer(const float *base, const float *a, const ptrdiff_t actions,
                                const float *w, ptrdiff_t ldw, ptrdiff_t units, float *out,
                                int32_t *index, int32_t *place) {
  BK_CONTRACT
  sixteen_t lanes[8];
  for (ptrdiff_t k = 0; k < actions && k < 8; k++) lanes[k] = LOAD16(a + k * LANES);
  ptrdiff_t count = 0;
  for (ptrdiff_t unit = 0; unit < units; unit++) {
    sixteen_t z = SPLAT16(base[unit]);
    for (ptrdiff_t k = 0; k < actions; k++)
      z += w[unit * ldw + k] * (k < 8 ? lanes[k] : LOAD16(a + k * LANES));
    count = keep(&z, unit, out, index, place, bk_group_off(units), count);
  }
  return count;
}

BK_KERNEL(ptrdiff_t, bk_group_first_layer,
          (const float *base, const float *a, ptrdiff_t actions, const float *w, ptrdiff_t ldw,
           ptrdiff_t units, float *out, int32_t *index, int32_t *place),
          (base, a, actions, w, ldw, units, out, index, place)) {
  switch (actions) {
  case 3: return first_layer(base, a, 3, w, ldw, units, out, index, place);
  case 6: return first_layer(base, a, 6, w, ldw, units, out, index, place);
  default: return first_layer(base, a, actions, w, ldw, units, out, index, place);
  }
}

BK_KERNEL(ptrdiff_t, bk_group_layer,
          (const float *x, const int32_t *index, ptrdiff_t inputs, const float *w,
           ptrdiff_t input_units, const float *bias, ptrdiff_t units, float *out,
           int32_t *out_index, int32_t *place),
          (x, index, inputs, w, input_units, bias, units, out, out_index, place)) {
  BK_CONTRACT
  const int at_once = outputs_at_once(path);
  ptrdiff_t count = 0;
  for (ptrdiff_t unit = 0; unit < units; unit += at_once, w += input_units * at_once) {
    sixteen_t sums[16];
    BK_UNROLL for (int t = 0; t < at_once; t++)
      sums[t] = SPLAT16(unit + t < units ? bias[unit + t] : 0.0f);
    _Pragma("clang loop unroll_count(2)") for (ptrdiff_t p = 0; p < inputs; p++) {
      sixteen_t row = LOAD16(x + p * LANES);
      const float *weights = w + (ptrdiff_t)index[p] * at_once;
      BK_UNROLL for (int t = 0; t < at_once; t++) sums[t] += weights[t] * row;
    }
    BK_UNROLL for (int t = 0; t < at_once; t++) {
      ptrdiff_t then = keep(&sums[t], unit + t, out, out_index, place, bk_group_off(units), count);
      // Weights beyond the last unit are zero, but zero times NaN is NaN.
      count = unit + t < units ? then : count;
    }
  }
  return count;
}

BK_KERNEL(void, bk_group_dot,
          (const float *x, const int32_t *index, ptrdiff_t inputs, const float *w, float bias,
           float *q),
          (x, index, inputs, w, bias, q)) {
  BK_CONTRACT
  sixteen_t sums[4] = {SPLAT16(bias)};
  ptrdiff_t p = 0;
  for (; p + 3 < inputs; p += 4)
    BK_UNROLL for (int t = 0; t < 4; t++) sums[t] += w[index[p + t]] * LOAD16(x + (p + t) * LANES);
  for (; p < inputs; p++) sums[0] += w[index[p]] * LOAD16(x + p * LANES);
  STORE16(q, (sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// The lanes of x that `place` names. The compiler knows the instruction for it as long as it finds the names and
// the lanes together, so it must not know that the names stay the same.
#define GATHER(x, T, M, place) __builtin_shufflevector(*(const T *)(x), *(const M *)(place))
#define FORGET(pointer) __asm__ volatile("" : "+r"(pointer))

BK_KERNEL(ptrdiff_t, bk_group_keep,
          (const float *first, const int32_t *first_place, const float *second,
           const int32_t *second_place, ptrdiff_t units, const int32_t *lanes, ptrdiff_t kept,
           float *out, int32_t *index),
          (first, first_place, second, second_place, units, lanes, kept, out, index)) {
  const int step = path == BK_AVX512 ? 16 : 8;
  ptrdiff_t width = bk_group_width(kept), start[4], last = lanes[kept - 1];
  int32_t names[2 * LANES], used[4];
  // Places without a lane repeat the last one, which switches no further unit on.
  for (ptrdiff_t s = 0, p = 0; s < 2 * LANES / step; s++) {
    start[s] = p;
    int count = 0;
    for (; p < kept && lanes[p] < (s + 1) * step; p++)
      names[s * step + count++] = lanes[p] - (int32_t)(s * step);
    used[s] = count > 0;
    for (int i = count; i < step; i++) names[s * step + i] = count ? lanes[p - 1] % step : 0;
  }
  int fills = start[last / step] + step < width;
  ptrdiff_t count = 0;
  for (ptrdiff_t unit = 0; unit < units; unit++) {
    const float *a = first + (ptrdiff_t)first_place[unit] * LANES;
    const float *b = second + (ptrdiff_t)second_place[unit] * LANES;
    float *row = out + count * width;
    const int32_t *from = names;
    FORGET(from);
    // After a ReLU a lane is 0 in all its bits, or on.
    int on;
    if (path == BK_AVX512) {
      sixteen_mask_t any = {0};
      BK_UNROLL for (int s = 0; s < 2; s++) {
        if (!used[s]) continue;
        sixteen_t x = GATHER(s == 0 ? a : b, sixteen_t, sixteen_mask_t, from + 16 * s);
        STORE16(row + start[s], x);
        any |= (sixteen_mask_t)x;
      }
      on = __builtin_reduce_or(any != 0) != 0;
    } else {
      eight_mask_t any = {0};
      BK_UNROLL for (int s = 0; s < 4; s++) {
        if (!used[s]) continue;
        eight_t x = GATHER((s < 2 ? a : b) + s % 2 * 8, eight_t, eight_mask_t, from + 8 * s);
        STORE8(row + start[s], x);
        any |= (eight_mask_t)x;
      }
      on = __builtin_reduce_or(any != 0) != 0;
    }
    if (fills) STORE8(row + kept, SPLAT8((last < LANES ? a : b)[last % LANES]));
    index[count] = (int32_t)unit;
    count += on;
  }
  return count;
}
