#include "kernels.h"

BK_KERNEL(int32_t, bk_adam,
          (float *restrict parameter, float *restrict moment1, float *restrict moment2, float
           *restrict gradient, ptrdiff_t stride, ptrdiff_t pieces, float *restrict target, float tau,
           float rate, float beta1, float beta2, float bias1, float bias2, float epsilon, ptrdiff_t
           count),
          (parameter, moment1, moment2, gradient, stride, pieces, target, tau, rate, beta1, beta2,
           bias1, bias2, epsilon, count)) {
  BK_CONTRACT
  float step = rate / bias1;
  float scale = 1.0f / __builtin_sqrtf(bias2);
  int32_t largest = 0;
  // A part at a time: what one loop leaves for the next stays in the nearest cache.
  for (ptrdiff_t start = 0; start < count; start += 1024) {
    ptrdiff_t end = count - start < 1024 ? count : start + 1024;
    for (ptrdiff_t piece = 1; piece < pieces; piece++) {
      float *more = gradient + piece * stride;
      for (ptrdiff_t i = start; i < end; i++) {
        gradient[i] += more[i];
        more[i] = 0.0f;
      }
    }
    for (ptrdiff_t i = start; i < end; i++) {
      float g = gradient[i];
      gradient[i] = 0.0f;
      float m = beta1 * moment1[i] + (1.0f - beta1) * g;
      float v = beta2 * moment2[i] + (1.0f - beta2) * g * g;
      moment1[i] = m;
      moment2[i] = v;
      float p = parameter[i] - step * m / (__builtin_elementwise_sqrt(v) * scale + epsilon);
      parameter[i] = p;
      // Without their signs, infinity and NaN are the greatest of all; v is never negative.
      int32_t size = bk_bits(p) & 0x7fffffff;
      largest = size > largest ? size : largest;
      size = bk_bits(v) & 0x7fffffff;
      largest = size > largest ? size : largest;
    }
    if (target)
      for (ptrdiff_t i = start; i < end; i++) {
        float t = (1.0f - tau) * target[i] + tau * parameter[i];
        target[i] = t;
        int32_t size = bk_bits(t) & 0x7fffffff;
        largest = size > largest ? size : largest;
      }
  }
  return largest;
}

BK_KERNEL(void, bk_softmax_rows,
          (const float *restrict x, float *restrict softmax, float *restrict lse, float temperature,
           ptrdiff_t rows, ptrdiff_t columns),
          (x, softmax, lse, temperature, rows, columns)) {
  BK_FAST
  float inverse = 1.0f / temperature;
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    float *out = softmax + r * columns;
    float top = row[0];
    for (ptrdiff_t c = 1; c < columns; c++) top = row[c] > top ? row[c] : top;
    float sum = 0.0f;
    for (ptrdiff_t c = 0; c < columns; c++) {
      float e = bk_expf((row[c] - top) * inverse);
      out[c] = e;
      sum += e;
    }
    float scale = 1.0f / sum;
    for (ptrdiff_t c = 0; c < columns; c++) out[c] *= scale;
    lse[r] = top + temperature * bk_logf(sum);
  }
}
