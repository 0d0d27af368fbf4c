// Critics on up to 32 actions of one state side by side: the backward pass.
//
// A unit is a row of `width` lanes, 8, 16, 24 or 32: the actions that need a gradient, and those that fill the
// row up, whose ∂L/∂Q is 0. Lists are as in the forward pass.
#include "vectors.h"

// Calls `f` with the width as a compile-time constant.
#define FOR_WIDTH(width, f, ...)                                                                   \
  switch (width) {                                                                                 \
  case 8: f(8, __VA_ARGS__); break;                                                                \
  case 16: f(16, __VA_ARGS__); break;                                                              \
  case 24: f(24, __VA_ARGS__); break;                                                              \
  default: f(32, __VA_ARGS__);                                                                     \
  }

BK_KERNEL(void, bk_group_add_sums, (const float *sums, float *out, ptrdiff_t units),
          (sums, out, units)) {
  for (ptrdiff_t unit = 0; unit < units; unit++) {
    float sum = 0.0f;
    for (int i = 0; i < 8; i++) sum += sums[8 * unit + i];
    out[unit] += sum;
  }
}

BK_INLINE void dot_backward(const int width, const float *dq, const float *h, const int32_t *index,
                            ptrdiff_t count, const float *w, float *dz, float *gw, float *gbias) {
  BK_CONTRACT
  eight_t d[4];
  BK_UNROLL for (int i = 0; i < width / 8; i++) d[i] = LOAD8(dq + 8 * i);
  for (ptrdiff_t p = 0; p < count; p++) {
    const float *row = h + p * width;
    float weight = w[index[p]];
    eight_t up = {0}, bias = {0};
    BK_UNROLL for (int i = 0; i < width / 8; i++) {
      eight_t x = LOAD8(row + 8 * i), z = WHERE_ON8(x, weight * d[i]);
      STORE8(dz + p * width + 8 * i, z);
      up += d[i] * x;
      bias += z;
    }
    ADD8(gw + (ptrdiff_t)index[p] * 8, up);
    if (gbias) ADD8(gbias + (ptrdiff_t)index[p] * 8, bias);
  }
}

BK_KERNEL(void, bk_group_dot_backward,
          (const float *dq, ptrdiff_t width, const float *h, const int32_t *index, ptrdiff_t count,
           const float *w, float *dz, float *gw, float *gbias),
          (dq, width, h, index, count, w, dz, gw, gbias)) {
  FOR_WIDTH(width, dot_backward, dq, h, index, count, w, dz, gw, gbias)
}

// Units below that are worked on at once for so many lanes: as many as leave room in the registers.
BK_INLINE int below_at_once(const int path, const int lanes) {
  if (path == BK_AVX512) return 8;
#if defined(__x86_64__)
  if (path == BK_BASELINE) return lanes == 8 ? 4 : 2;
#endif
  return lanes == 8 ? 8 : lanes == 16 ? 6 : 4;
}

// `lanes` of a row of `width`, of which dz, below and dbelow show the first. Twenty-four are three times eight: sixteen and
// eight keep a processor that halves long vectors from using both its units.
BK_INLINE void lanes_backward(const int path, const int lanes, const int width, const float *dz,
                              const int32_t *place, ptrdiff_t count, const float *w,
                              const float *below, const int32_t *below_index, ptrdiff_t below_count,
                              float *dbelow, float *gbias) {
  BK_CONTRACT
  const int at_once = below_at_once(path, lanes), wide = lanes % 16 ? 0 : lanes / 16;
  const int narrow = wide ? 0 : lanes / 8;
  for (ptrdiff_t i = 0; i < below_count; i += at_once) {
    const float *rows[8];
    sixteen_t sums16[8][2];
    eight_t sums8[8][3];
    BK_UNROLL for (int t = 0; t < at_once; t++) {
      ptrdiff_t place = i + t < below_count ? i + t : below_count - 1;
      rows[t] = w + (ptrdiff_t)below_index[place] * outputs_at_once(path);
      BK_UNROLL for (int v = 0; v < wide; v++) sums16[t][v] = (sixteen_t){0};
      BK_UNROLL for (int v = 0; v < narrow; v++) sums8[t][v] = (eight_t){0};
    }
    _Pragma("clang loop unroll_count(2)") for (ptrdiff_t p = 0; p < count; p++) {
      const float *row = dz + p * width;
      ptrdiff_t column = place[p];
      BK_UNROLL for (int t = 0; t < at_once; t++) {
        float weight = rows[t][column];
        BK_UNROLL for (int v = 0; v < wide; v++) sums16[t][v] += weight * LOAD16(row + 16 * v);
        BK_UNROLL for (int v = 0; v < narrow; v++) sums8[t][v] += weight * LOAD8(row + 8 * v);
      }
    }
    BK_UNROLL for (int t = 0; t < at_once; t++) {
      if (i + t >= below_count) break;
      const float *h = below + (i + t) * width;
      float *out = dbelow + (i + t) * width;
      eight_t sum = {0};
      BK_UNROLL for (int v = 0; v < wide; v++) {
        sixteen_t d = WHERE_ON16(LOAD16(h + 16 * v), sums16[t][v]);
        STORE16(out + 16 * v, d);
        sum += HALVES(d);
      }
      BK_UNROLL for (int v = 0; v < narrow; v++) {
        eight_t d = WHERE_ON8(LOAD8(h + 8 * v), sums8[t][v]);
        STORE8(out + 8 * v, d);
        sum += d;
      }
      if (gbias) ADD8(gbias + (ptrdiff_t)below_index[i + t] * 8, sum);
    }
  }
}

BK_INLINE void layer_backward(const int width, const int path, const float *dz,
                              const int32_t *place, ptrdiff_t count, const float *w,
                              const float *below, const int32_t *below_index, ptrdiff_t below_count,
                              float *dbelow, float *gbias) {
#define LANES(lanes, first)                                                                        \
  lanes_backward(path, lanes, width, dz + first, place, count, w, below + first, below_index,      \
                 below_count, dbelow + first, gbias)
  if (path == BK_AVX512 || width <= 16 || (path == BK_AVX2 && width == 24)) {
    LANES(width, 0);
  } else {
    LANES(16, 0);
    LANES(width - 16, 16);
  }
#undef LANES
}

BK_KERNEL(void, bk_group_layer_backward,
          (const float *dz, ptrdiff_t width, const int32_t *index, ptrdiff_t count, const float *w,
           ptrdiff_t input_units, const float *below, const int32_t *below_index,
           ptrdiff_t below_count, int32_t *place, float *dbelow, float *gbias),
          (dz, width, index, count, w, input_units, below, below_index, below_count, place, dbelow,
           gbias)) {
  // Where the weights to each unit above begin, as bk_group_arrange put them.
  const int32_t at_once = outputs_at_once(path);
  for (ptrdiff_t p = 0; p < count; p++)
    place[p] = index[p] / at_once * at_once * (int32_t)input_units + index[p] % at_once;
  FOR_WIDTH(width, layer_backward, path, dz, place, count, w, below, below_index, below_count,
            dbelow, gbias)
}

// Rows of the gradient that are worked on at once.
BK_INLINE int outer_rows(const int path) {
  if (path == BK_AVX512) return 8;
#if defined(__x86_64__)
  if (path == BK_BASELINE) return 2;
#endif
  return 6;
}

// Sums over lanes of dz[i + t, lane]·x[lane, c…], for 16 or 32 columns.
BK_INLINE void outer_product(const int rows, const float *dz, const int width, const float *x,
                          ptrdiff_t ldx, ptrdiff_t lanes, float *out, const int halves) {
  BK_CONTRACT
  sixteen_t first[8], second[8];
  BK_UNROLL for (int t = 0; t < rows; t++) first[t] = second[t] = (sixteen_t){0};
  _Pragma("clang loop unroll_count(2)") for (ptrdiff_t l = 0; l < lanes; l++) {
    sixteen_t x0 = LOAD16(x + l * ldx), x1 = {0};
    if (halves == 2) x1 = LOAD16(x + l * ldx + 16);
    BK_UNROLL for (int t = 0; t < rows; t++) {
      float d = dz[t * width + l];
      first[t] += d * x0;
      if (halves == 2) second[t] += d * x1;
    }
  }
  BK_UNROLL for (int t = 0; t < rows; t++) {
    STORE16(out + t * ldx, first[t]);
    if (halves == 2) STORE16(out + t * ldx + 16, second[t]);
  }
}

// A strip of columns of the gradient: for each column whether its unit is on, and which one it is counted from the
// first one of the strip, which stands at `from` in the list.
typedef struct {
  int32_t place[16], on[16];
  int32_t from, any, unused[14];
} strip_t;

// Adds sums over units that are on to one strip of `rows` rows of the gradient.
BK_INLINE void spread(const int path, const float *sums, ptrdiff_t ldsums, const strip_t *strip,
                      const int rows, ptrdiff_t columns, const int32_t *index, float *gradient,
                      ptrdiff_t units) {
  const float *from = sums + strip->from;
  if (path == BK_AVX512 && columns >= 16) {
    sixteen_mask_t place = *(const sixteen_mask_t *)strip->place;
    sixteen_mask_t on = *(const sixteen_mask_t *)strip->on;
    BK_UNROLL for (int t = 0; t < rows; t++) {
      float *row = gradient + index[t] * units;
      sixteen_t placed = __builtin_shufflevector(LOAD16(from + t * ldsums), place);
      STORE16(row, LOAD16(row) + (sixteen_t)((sixteen_mask_t)placed & on));
    }
  } else if (path != BK_AVX512 && columns >= 8) {
    eight_mask_t place = *(const eight_mask_t *)strip->place;
    eight_mask_t on = *(const eight_mask_t *)strip->on;
    BK_UNROLL for (int t = 0; t < rows; t++) {
      float *row = gradient + index[t] * units;
      eight_t placed = __builtin_shufflevector(LOAD8(from + t * ldsums), place);
      STORE8(row, LOAD8(row) + (eight_t)((eight_mask_t)placed & on));
    }
  } else {
    for (int t = 0; t < rows; t++)
      for (ptrdiff_t c = 0; c < columns; c++)
        if (strip->on[c]) gradient[index[t] * units + c] += from[t * ldsums + strip->place[c]];
  }
}

BK_INLINE void weight_gradient(const int width, const int path, const float *dz, ptrdiff_t lanes,
                               const int32_t *index, ptrdiff_t count, const float *below,
                               const int32_t *below_index, ptrdiff_t below_count, ptrdiff_t units,
                               float *scratch, float *gradient) {
  const int rows = outer_rows(path), step = path == BK_AVX512 ? 16 : 8;
  const int halves = path == BK_AVX512 ? 2 : 1;
  ptrdiff_t room = (units + 15) / 16 * 16, ldx = (below_count + 15) / 16 * 16;
  strip_t *strip = (strip_t *)scratch;
  float *x = scratch + (room / 8) * (ptrdiff_t)(sizeof(strip_t) / sizeof(float));
  float *sums = x + BK_GROUP * room;
  for (ptrdiff_t c = 0; c < ldx; c += 8)
    for (ptrdiff_t l = 0; l < width; l += 8)
      transpose_block(below + c * width + l, width, below_count - c, 8, x + l * ldx + c, ldx);
  for (ptrdiff_t s = 0, p = 0; step * s < units; s++) {
    strip[s] = (strip_t){.from = (int32_t)p};
    for (; p < below_count && below_index[p] < step * (s + 1); p++) {
      strip[s].place[below_index[p] - step * s] = (int32_t)p - strip[s].from;
      strip[s].on[below_index[p] - step * s] = -1;
      strip[s].any = 1;
    }
  }
  for (ptrdiff_t j = 0; j < count; j += rows) {
    // Rows of dz beyond `count` are read and their sums not used.
    ptrdiff_t c = 0;
    for (; c + 16 * halves <= ldx; c += 16 * halves)
      outer_product(rows, dz + j * width, width, x + c, ldx, lanes, sums + c, halves);
    if (c < ldx) outer_product(rows, dz + j * width, width, x + c, ldx, lanes, sums + c, 1);
    for (ptrdiff_t s = 0; step * s < units; s++) {
      if (!strip[s].any) continue;
      ptrdiff_t columns = units - step * s < step ? units - step * s : step;
      if (count - j >= rows)
        spread(path, sums, ldx, strip + s, rows, columns, index + j, gradient + step * s, units);
      else
        for (ptrdiff_t t = j; t < count; t++)
          spread(path, sums + (t - j) * ldx, ldx, strip + s, 1, columns, index + t,
                 gradient + step * s, units);
    }
  }
}

BK_KERNEL(void, bk_group_weight_gradient,
          (const float *dz, ptrdiff_t width, ptrdiff_t lanes, const int32_t *index, ptrdiff_t count,
           const float *below, const int32_t *below_index, ptrdiff_t below_count,
           ptrdiff_t below_units, float *scratch, float *gradient),
          (dz, width, lanes, index, count, below, below_index, below_count, below_units, scratch,
           gradient)) {
  FOR_WIDTH(width, weight_gradient, path, dz, lanes, index, count, below, below_index, below_count,
            below_units, scratch, gradient)
}

BK_INLINE void first_layer_backward(const int width, const float *dz, const int32_t *index,
                                    ptrdiff_t count, const float *a, ptrdiff_t actions, float *sums,
                                    float *base) {
  BK_CONTRACT
  ptrdiff_t stride = bk_group_sums(actions);
  for (ptrdiff_t p = 0; p < count; p++) {
    float *row = sums + (ptrdiff_t)index[p] * stride;
    for (ptrdiff_t first = 0; first <= actions; first += 8) {
      eight_t products[8];
      BK_UNROLL for (int t = 0; t < 8; t++) {
        ptrdiff_t k = first + t - 1;
        eight_t sum = {0};
        if (k < actions)
          BK_UNROLL for (int i = 0; i < width / 8; i++) {
            eight_t d = LOAD8(dz + p * width + 8 * i);
            sum += k < 0 ? d : d * LOAD8(a + k * width + 8 * i);
          }
        products[t] = sum;
      }
      eight_t sum;
      eight_sums(products, &sum);
      if (first == 0) base[index[p]] += sum[0];
      ADD8(row + first, sum);
    }
  }
}

BK_KERNEL(void, bk_group_first_layer_backward,
          (const float *dz, ptrdiff_t width, const int32_t *index, ptrdiff_t count, const float *a,
           ptrdiff_t actions, float *sums, float *base),
          (dz, width, index, count, a, actions, sums, base)) {
  FOR_WIDTH(width, first_layer_backward, dz, index, count, a, actions, sums, base)
}
