#include "kernels.h"

typedef struct { uint32_t x[4]; } block_t;

BK_INLINE block_t philox(uint32_t k0, uint32_t k1, uint64_t step, uint64_t block) {
  uint32_t x0 = (uint32_t)block, x1 = (uint32_t)(block >> 32);
  uint32_t x2 = (uint32_t)step, x3 = (uint32_t)(step >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * x0, p1 = (uint64_t)0xCD9E8D57u * x2;
    uint32_t y0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0, y2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
    x1 = (uint32_t)p1;
    x3 = (uint32_t)p0;
    x0 = y0;
    x2 = y2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return (block_t){{x0, x1, x2, x3}};
}

#define GROUP 16

// GROUP blocks give 4·GROUP numbers, word w of block b at w·GROUP + b: an order that vectorises.
BK_INLINE void blocks(uint32_t k0, uint32_t k1, uint64_t step, uint64_t first, uint32_t *out) {
  for (int b = 0; b < GROUP; b++) {
    block_t x = philox(k0, k1, step, first + (uint64_t)b);
    out[b] = x.x[0];
    out[GROUP + b] = x.x[1];
    out[2 * GROUP + b] = x.x[2];
    out[3 * GROUP + b] = x.x[3];
  }
}

BK_KERNEL(void, bk_fill_uniform,
          (uint32_t key0, uint32_t key1, uint64_t step, uint64_t first_block, float *out, ptrdiff_t
           count, float low, float high),
          (key0, key1, step, first_block, out, count, low, high)) {
  uint32_t words[4 * GROUP];
  float scale = (high - low) * 0x1p-24f;
  for (ptrdiff_t i = 0; i < count; i += 4 * GROUP) {
    blocks(key0, key1, step, first_block + (uint64_t)(i / 4), words);
    ptrdiff_t n = count - i < 4 * GROUP ? count - i : 4 * GROUP;
    for (ptrdiff_t j = 0; j < n; j++) out[i + j] = low + scale * (float)(int32_t)(words[j] >> 8);
  }
}

// sin and cos of π/2·t for t in [−½, ½].
BK_INLINE float quarter_sine(float t) {
  float x = t * 1.570796327f, s = x * x;
  float p = -1.9515295891e-4f;
  p = p * s + 8.3321608736e-3f;
  p = p * s - 1.6666654611e-1f;
  return p * s * x + x;
}

BK_INLINE float quarter_cosine(float t) {
  float x = t * 1.570796327f, s = x * x;
  float p = 2.443315711809948e-5f;
  p = p * s - 1.388731625493765e-3f;
  p = p * s + 4.166664568298827e-2f;
  return p * s * s - 0.5f * s + 1.0f;
}

BK_KERNEL(void, bk_fill_normal,
          (uint32_t key0, uint32_t key1, uint64_t step, uint64_t first_block, float *out, ptrdiff_t
           count),
          (key0, key1, step, first_block, out, count)) {
  uint32_t words[4 * GROUP];
  float normals[4 * GROUP];
  for (ptrdiff_t i = 0; i < count; i += 4 * GROUP) {
    blocks(key0, key1, step, first_block + (uint64_t)(i / 4), words);
    for (int j = 0; j < 2 * GROUP; j++) {
      // The first word gives the radius on (0, 1], the second the angle in quarter turns.
      float u = ((float)(int32_t)(words[j] >> 1) + 0.5f) * 0x1p-31f;
      float radius = __builtin_elementwise_sqrt(bk_max(-2.0f * bk_logf(u), 0.0f));
      float turns = (float)(int32_t)(words[2 * GROUP + j] >> 8) * 0x1p-22f;
      float shifted = turns + 12582912.0f;
      float t = turns - (shifted - 12582912.0f);
      int32_t quadrant = bk_bits(shifted);
      float s = quarter_sine(t), c = quarter_cosine(t);
      float x = quadrant & 1 ? -s : c, y = quadrant & 1 ? c : s;
      normals[j] = radius * (quadrant & 2 ? -x : x);
      normals[2 * GROUP + j] = radius * (quadrant & 2 ? -y : y);
    }
    ptrdiff_t n = count - i < 4 * GROUP ? count - i : 4 * GROUP;
    memcpy(out + i, normals, (size_t)n * sizeof(float));
  }
}
