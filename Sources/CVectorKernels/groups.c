// Critics on groups of 32 actions that share a state, for processors with AVX-512.
//
// A hidden unit is a row of 32 lanes, one for each action. The actions of one state switch nearly the same
// units on, so only units that are on for at least one lane are kept: `index` lists them in ascending
// order, and their rows stand one after the other. The terms left out are products with exact zeros.
#include "wide.h"

#if BK_WIDE
#define TILE BK_GROUP_TILE

typedef struct {
  __m512 low, high;
} lanes_t;

WIDE_INLINE lanes_t load(const float *x) {
  return (lanes_t){_mm512_loadu_ps(x), _mm512_loadu_ps(x + 16)};
}

WIDE_INLINE void store(float *x, lanes_t v) {
  _mm512_storeu_ps(x, v.low);
  _mm512_storeu_ps(x + 16, v.high);
}

WIDE_INLINE lanes_t both(float x) { return (lanes_t){_mm512_set1_ps(x), _mm512_set1_ps(x)}; }

WIDE_INLINE lanes_t multiply_add(float weight, lanes_t x, lanes_t sum) {
  __m512 w = _mm512_set1_ps(weight);
  return (lanes_t){_mm512_fmadd_ps(w, x.low, sum.low), _mm512_fmadd_ps(w, x.high, sum.high)};
}

// x where `h` > 0, else 0.
WIDE_INLINE lanes_t where_on(lanes_t h, lanes_t x) {
  __m512 zero = _mm512_setzero_ps();
  return (lanes_t){
      _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(h.low, zero, _CMP_GT_OQ), x.low),
      _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(h.high, zero, _CMP_GT_OQ), x.high),
  };
}

// Stores max(z, 0) as row `count` of `out` and returns the count of rows thereafter: a row that is zero
// everywhere is overwritten by the next one. A NaN counts as on, so that the loss notices it.
WIDE_INLINE ptrdiff_t keep(lanes_t z, ptrdiff_t unit, float *out, int32_t *index, ptrdiff_t count) {
  __m512 zero = _mm512_setzero_ps();
  int on = _mm512_kortestz(_mm512_cmp_ps_mask(z.low, zero, _CMP_NLE_UQ),
                           _mm512_cmp_ps_mask(z.high, zero, _CMP_NLE_UQ)) == 0;
  // The second operand comes back where there is a NaN.
  z.low = _mm512_max_ps(zero, z.low);
  z.high = _mm512_max_ps(zero, z.high);
  store(out + count * BK_GROUP, z);
  index[count] = (int32_t)unit;
  return count + on;
}

WIDE void bk_group_arrange(const float *w, ptrdiff_t ldw, ptrdiff_t inputs, ptrdiff_t outputs,
                           float *tiled, float *turned) {
  float block[16 * 16] __attribute__((aligned(64)));
  for (ptrdiff_t j = 0; j < outputs; j += 16) {
    ptrdiff_t rows = outputs - j < 16 ? outputs - j : 16;
    for (ptrdiff_t i = 0; i < inputs; i += 16) {
      ptrdiff_t columns = inputs - i < 16 ? inputs - i : 16;
      bk_transpose16(w + j * ldw + i, ldw, rows, columns, block, 16);
      for (ptrdiff_t c = 0; c < columns; c++) {
        const float *from = block + 16 * c;
        memcpy(turned + (i + c) * outputs + j, from, (size_t)rows * sizeof(float));
        for (ptrdiff_t t = 0; t < rows; t += TILE)
          memcpy(tiled + ((j + t) * inputs + (i + c) * TILE), from + t, TILE * sizeof(float));
      }
    }
  }
}

WIDE void bk_group_add_sums(const float *sums, float *out, ptrdiff_t units) {
  for (ptrdiff_t unit = 0; unit < units; unit++)
    out[unit] += _mm512_reduce_add_ps(_mm512_loadu_ps(sums + 16 * unit));
}

// `actions` is a compile-time constant in the callers, so their lanes stay in registers.
WIDE_INLINE ptrdiff_t first_layer(const float *base, const float *a, const ptrdiff_t actions,
                                  const float *w, ptrdiff_t ldw, ptrdiff_t units, float *out,
                                  int32_t *index) {
  ptrdiff_t count = 0;
  for (ptrdiff_t unit = 0; unit < units; unit++) {
    lanes_t z = both(base[unit]);
    for (ptrdiff_t k = 0; k < actions; k++)
      z = multiply_add(w[unit * ldw + k], load(a + k * BK_GROUP), z);
    count = keep(z, unit, out, index, count);
  }
  return count;
}

WIDE ptrdiff_t bk_group_first_layer(const float *base, const float *a, ptrdiff_t actions,
                                    const float *w, ptrdiff_t ldw, ptrdiff_t units, float *out,
                                    int32_t *index) {
  switch (actions) {
  case 3: return first_layer(base, a, 3, w, ldw, units, out, index);
  case 6: return first_layer(base, a, 6, w, ldw, units, out, index);
  default: return first_layer(base, a, actions, w, ldw, units, out, index);
  }
}

WIDE ptrdiff_t bk_group_layer(const float *x, const int32_t *index, ptrdiff_t inputs, const float *w,
                              ptrdiff_t input_units, const float *bias, ptrdiff_t units, float *out,
                              int32_t *out_index) {
  ptrdiff_t count = 0;
  for (ptrdiff_t unit = 0; unit < units; unit += TILE, w += input_units * TILE) {
    lanes_t sums[TILE];
    UNROLL for (int t = 0; t < TILE; t++) sums[t] = both(unit + t < units ? bias[unit + t] : 0.0f);
    _Pragma("clang loop unroll_count(2)") for (ptrdiff_t p = 0; p < inputs; p++) {
      lanes_t row = load(x + p * BK_GROUP);
      const float *weights = w + (ptrdiff_t)index[p] * TILE;
      UNROLL for (int t = 0; t < TILE; t++) sums[t] = multiply_add(weights[t], row, sums[t]);
    }
    // Weights beyond the last unit are zero, and so is what comes out.
    UNROLL for (int t = 0; t < TILE; t++)
      count = keep(sums[t], unit + t, out, out_index, count);
  }
  return count;
}

WIDE void bk_group_dot(const float *x, const int32_t *index, ptrdiff_t inputs, const float *w,
                       float bias, float *q) {
  lanes_t even = both(bias), odd = both(0.0f);
  ptrdiff_t p = 0;
  for (; p + 1 < inputs; p += 2) {
    even = multiply_add(w[index[p]], load(x + p * BK_GROUP), even);
    odd = multiply_add(w[index[p + 1]], load(x + (p + 1) * BK_GROUP), odd);
  }
  if (p < inputs) even = multiply_add(w[index[p]], load(x + p * BK_GROUP), even);
  even.low = _mm512_add_ps(even.low, odd.low);
  even.high = _mm512_add_ps(even.high, odd.high);
  store(q, even);
}

// sums[unit, 0…15] += the two halves of x.
WIDE_INLINE void add_halves(float *sums, ptrdiff_t unit, lanes_t x) {
  float *row = sums + unit * 16;
  _mm512_storeu_ps(row, _mm512_add_ps(_mm512_loadu_ps(row), _mm512_add_ps(x.low, x.high)));
}

WIDE void bk_group_dot_backward(const float *dq, const float *h, const int32_t *index,
                                ptrdiff_t count, const float *w, float *dz, float *gw,
                                float *gbias) {
  lanes_t d = load(dq);
  for (ptrdiff_t p = 0; p < count; p++) {
    lanes_t row = load(h + p * BK_GROUP);
    __m512 weight = _mm512_set1_ps(w[index[p]]);
    lanes_t z = {_mm512_mul_ps(weight, d.low), _mm512_mul_ps(weight, d.high)};
    z = where_on(row, z);
    store(dz + p * BK_GROUP, z);
    if (gbias) add_halves(gbias, index[p], z);
    z = (lanes_t){_mm512_mul_ps(d.low, row.low), _mm512_mul_ps(d.high, row.high)};
    add_halves(gw, index[p], z);
  }
}

WIDE void bk_group_layer_backward(const float *dz, const int32_t *index, ptrdiff_t count,
                                  const float *w, ptrdiff_t ldw, const float *below,
                                  const int32_t *below_index, ptrdiff_t below_count, float *dbelow,
                                  float *gbias) {
  for (ptrdiff_t i = 0; i < below_count; i += TILE) {
    const float *rows[TILE];
    lanes_t sums[TILE];
    UNROLL for (int t = 0; t < TILE; t++) {
      ptrdiff_t place = i + t < below_count ? i + t : below_count - 1;
      rows[t] = w + (ptrdiff_t)below_index[place] * ldw;
      sums[t] = both(0.0f);
    }
    _Pragma("clang loop unroll_count(2)") for (ptrdiff_t p = 0; p < count; p++) {
      lanes_t row = load(dz + p * BK_GROUP);
      ptrdiff_t column = index[p];
      UNROLL for (int t = 0; t < TILE; t++) sums[t] = multiply_add(rows[t][column], row, sums[t]);
    }
    UNROLL for (int t = 0; t < TILE; t++) {
      if (i + t >= below_count) break;
      lanes_t d = where_on(load(below + (i + t) * BK_GROUP), sums[t]);
      store(dbelow + (i + t) * BK_GROUP, d);
      if (gbias) add_halves(gbias, below_index[i + t], d);
    }
  }
}

// Sums over the listed lanes of dz[i + t, lane]·x[lane, c…], for `rows` units and 16 or 32 columns.
WIDE_INLINE void outer_tile(const float *dz, const float *x, ptrdiff_t ldx, const int32_t *lane,
                            ptrdiff_t lanes, float *out, ptrdiff_t ldout, const int halves) {
  __m512 first[TILE], second[TILE];
  UNROLL for (int t = 0; t < TILE; t++) first[t] = second[t] = _mm512_setzero_ps();
  _Pragma("clang loop unroll_count(2)") for (ptrdiff_t p = 0; p < lanes; p++) {
    ptrdiff_t l = lane[p];
    __m512 x0 = _mm512_loadu_ps(x + l * ldx), x1 = _mm512_setzero_ps();
    if (halves == 2) x1 = _mm512_loadu_ps(x + l * ldx + 16);
    UNROLL for (int t = 0; t < TILE; t++) {
      __m512 d = _mm512_set1_ps(dz[t * BK_GROUP + l]);
      first[t] = _mm512_fmadd_ps(d, x0, first[t]);
      if (halves == 2) second[t] = _mm512_fmadd_ps(d, x1, second[t]);
    }
  }
  UNROLL for (int t = 0; t < TILE; t++) {
    _mm512_storeu_ps(out + t * ldout, first[t]);
    if (halves == 2) _mm512_storeu_ps(out + t * ldout + 16, second[t]);
  }
}

// Which of sixteen columns belong to units that are on, and the place of the first of them in the list.
typedef struct {
  int32_t on, from;
} strip_t;

// Adds sums over units that are on to sixteen columns of `rows` rows of the gradient.
WIDE_INLINE void spread(const float *sums, ptrdiff_t width, strip_t strip, const int32_t *index,
                        const ptrdiff_t rows, ptrdiff_t units, ptrdiff_t column, float *gradient) {
  __mmask16 on = (__mmask16)strip.on, columns = bk_first(units - column);
  __m512i place = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  place = _mm512_maskz_expand_epi32(on, place);
  UNROLL for (ptrdiff_t t = 0; t < rows; t++) {
    float *row = gradient + (ptrdiff_t)index[t] * units + column;
    __m512 part = _mm512_loadu_ps(sums + t * width + strip.from);
    part = _mm512_maskz_permutexvar_ps(on, place, part);
    part = _mm512_add_ps(_mm512_maskz_loadu_ps(columns, row), part);
    _mm512_mask_storeu_ps(row, columns, part);
  }
}

WIDE void bk_group_weight_gradient(const float *dz, const int32_t *index, ptrdiff_t count,
                                   const float *below, const int32_t *below_index,
                                   ptrdiff_t below_count, ptrdiff_t below_units,
                                   const int32_t *lane, ptrdiff_t lanes, float *scratch,
                                   float *gradient) {
  ptrdiff_t width = (below_count + 15) / 16 * 16, strips = (below_units + 15) / 16;
  float *x = scratch, *sums = x + BK_GROUP * width;
  strip_t *strip = (strip_t *)(sums + TILE * width + 16);
  for (ptrdiff_t c = 0; c < below_count; c += 16)
    for (ptrdiff_t l = 0; l < BK_GROUP; l += 16)
      bk_transpose16(below + c * BK_GROUP + l, BK_GROUP,
                     below_count - c < 16 ? below_count - c : 16, 16, x + l * width + c, width);
  for (ptrdiff_t s = 0, place = 0; s < strips; s++) {
    strip[s] = (strip_t){0, (int32_t)place};
    for (; place < below_count && below_index[place] < 16 * (s + 1); place++)
      strip[s].on |= 1 << (below_index[place] - 16 * s);
  }
  for (ptrdiff_t j = 0; j < count; j += TILE) {
    // Rows of dz beyond `count` are read and their sums not used.
    ptrdiff_t c = 0;
    for (; c + 32 <= width; c += 32)
      outer_tile(dz + j * BK_GROUP, x + c, width, lane, lanes, sums + c, width, 2);
    if (c < width) outer_tile(dz + j * BK_GROUP, x + c, width, lane, lanes, sums + c, width, 1);
    for (ptrdiff_t s = 0; s < strips; s++) {
      if (!strip[s].on) continue;
      if (count - j >= TILE)
        spread(sums, width, strip[s], index + j, TILE, below_units, 16 * s, gradient);
      else
        spread(sums, width, strip[s], index + j, count - j, below_units, 16 * s, gradient);
    }
  }
}

WIDE void bk_group_first_layer_backward(const float *dz, const int32_t *index, ptrdiff_t count,
                                        const float *a, ptrdiff_t actions, float *sums,
                                        float *base) {
  ptrdiff_t stride = bk_group_sums(actions);
  for (ptrdiff_t p = 0; p < count; p++) {
    lanes_t d = load(dz + p * BK_GROUP);
    float *row = sums + (ptrdiff_t)index[p] * stride;
    for (ptrdiff_t first = 0; first <= actions; first += 8) {
      __m512 products[8];
      UNROLL for (int t = 0; t < 8; t++) {
        ptrdiff_t k = first + t - 1;
        if (k < 0) {
          products[t] = _mm512_add_ps(d.low, d.high);
        } else if (k < actions) {
          lanes_t action = load(a + k * BK_GROUP);
          products[t] = _mm512_fmadd_ps(d.high, action.high, _mm512_mul_ps(d.low, action.low));
        } else {
          products[t] = _mm512_setzero_ps();
        }
      }
      __m256 eight = bk_eight_sums(products);
      if (first == 0) base[index[p]] += _mm256_cvtss_f32(eight);
      _mm256_storeu_ps(row + first, _mm256_add_ps(_mm256_loadu_ps(row + first), eight));
    }
  }
}

#else

void bk_group_arrange(const float *w, ptrdiff_t ldw, ptrdiff_t inputs, ptrdiff_t outputs,
                      float *tiled, float *turned) {
  __builtin_trap();
}
void bk_group_add_sums(const float *sums, float *out, ptrdiff_t units) { __builtin_trap(); }
ptrdiff_t bk_group_first_layer(const float *base, const float *a, ptrdiff_t actions, const float *w,
                               ptrdiff_t ldw, ptrdiff_t units, float *out, int32_t *index) {
  __builtin_trap();
}
ptrdiff_t bk_group_layer(const float *x, const int32_t *index, ptrdiff_t inputs, const float *w,
                         ptrdiff_t input_units, const float *bias, ptrdiff_t units, float *out,
                         int32_t *out_index) {
  __builtin_trap();
}
void bk_group_dot(const float *x, const int32_t *index, ptrdiff_t inputs, const float *w,
                  float bias, float *q) {
  __builtin_trap();
}
void bk_group_dot_backward(const float *dq, const float *h, const int32_t *index, ptrdiff_t count,
                           const float *w, float *dz, float *gw, float *gbias) {
  __builtin_trap();
}
void bk_group_layer_backward(const float *dz, const int32_t *index, ptrdiff_t count, const float *w,
                             ptrdiff_t ldw, const float *below, const int32_t *below_index,
                             ptrdiff_t below_count, float *dbelow, float *gbias) {
  __builtin_trap();
}
void bk_group_weight_gradient(const float *dz, const int32_t *index, ptrdiff_t count,
                              const float *below, const int32_t *below_index, ptrdiff_t below_count,
                              ptrdiff_t below_units, const int32_t *lane, ptrdiff_t lanes,
                              float *scratch, float *gradient) {
  __builtin_trap();
}
void bk_group_first_layer_backward(const float *dz, const int32_t *index, ptrdiff_t count,
                                   const float *a, ptrdiff_t actions, float *sums, float *base) {
  __builtin_trap();
}

#endif
