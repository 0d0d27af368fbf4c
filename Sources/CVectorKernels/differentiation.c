#include "kernels.h"

BK_INLINE float clamp(float x, float low, float high) {
  return x < low ? low : (x > high ? high : x);
}

BK_KERNEL(void, bk_tanh_gaussian_vjp,
          (const float *head, const float *noise, const float *action, const float *daction,
           const float *dlog_prob, float *dhead, ptrdiff_t states, ptrdiff_t actions, float
           low, float high),
          (head, noise, action, daction, dlog_prob, dhead, states, actions, low, high)) {
  for (ptrdiff_t s = 0; s < states; s++) {
    const float *log_std = head + s * 2 * actions + actions;
    float *dmean = dhead + s * 2 * actions, *dlog_std = dmean + actions;
    float g = dlog_prob ? dlog_prob[s] : 0.0f;
    for (ptrdiff_t k = 0; k < actions; k++) {
      ptrdiff_t i = s * actions + k;
      float l = clamp(log_std[k], low, high);
      float spread = bk_expf(l) * noise[i];
      float a = action[i];
      float dz = g * 2.0f * a + (daction ? daction[i] * (1.0f - a * a) : 0.0f);
      dmean[k] += dz;
      dlog_std[k] += log_std[k] >= low && log_std[k] <= high ? dz * spread - g : 0.0f;
    }
  }
}

BK_INLINE float inverse_tanh(float action) {
  float a = clamp(action, -0.999999f, 0.999999f);
  return 0.5f * (bk_logf(1.0f + a) - bk_logf(1.0f - a));
}

BK_KERNEL(void, bk_tanh_gaussian_log_prob_vjp,
          (const float *head, const float *action, const float *dlog_prob, float *dhead,
           ptrdiff_t states, ptrdiff_t actions, float low, float high),
          (head, action, dlog_prob, dhead, states, actions, low, high)) {
  for (ptrdiff_t s = 0; s < states; s++) {
    const float *mean = head + s * 2 * actions, *log_std = mean + actions;
    float *dmean = dhead + s * 2 * actions, *dlog_std = dmean + actions;
    float g = dlog_prob[s];
    for (ptrdiff_t k = 0; k < actions; k++) {
      float l = clamp(log_std[k], low, high);
      float inverse = bk_expf(-l);
      float e = (inverse_tanh(action[s * actions + k]) - mean[k]) * inverse;
      dmean[k] += g * e * inverse;
      dlog_std[k] += log_std[k] >= low && log_std[k] <= high ? g * (e * e - 1.0f) : 0.0f;
    }
  }
}

BK_KERNEL(void, bk_layer_norm_relu,
          (float *restrict z, float *restrict h, const float *restrict gain, const float
           *restrict shift, float *restrict inverse, ptrdiff_t rows, ptrdiff_t columns),
          (z, h, gain, shift, inverse, rows, columns)) {
  BK_FAST
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *x = z + r * columns, *y = h + r * columns;
    float sum = 0.0f, square = 0.0f;
    for (ptrdiff_t c = 0; c < columns; c++) sum += x[c];
    float mean = sum / (float)columns;
    for (ptrdiff_t c = 0; c < columns; c++) square += (x[c] - mean) * (x[c] - mean);
    float scale = 1.0f / __builtin_sqrtf(square / (float)columns + 1e-5f);
    inverse[r] = scale;
    for (ptrdiff_t c = 0; c < columns; c++) {
      float v = (x[c] - mean) * scale;
      x[c] = v;
      v = v * gain[c] + shift[c];
      y[c] = v <= 0.0f ? 0.0f : v;
    }
  }
}

BK_KERNEL(void, bk_layer_norm_backward,
          (float *restrict d, const float *restrict z, const float *restrict gain, const
           float *restrict inverse, float *restrict dgain, float *restrict dbias, ptrdiff_t
           rows, ptrdiff_t columns),
          (d, z, gain, inverse, dgain, dbias, rows, columns)) {
  BK_FAST
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *row = d + r * columns;
    const float *x = z + r * columns;
    float sum = 0.0f, dot = 0.0f;
    if (dgain)
      for (ptrdiff_t c = 0; c < columns; c++) dgain[c] += row[c] * x[c];
    for (ptrdiff_t c = 0; c < columns; c++) {
      float v = row[c] * gain[c];
      row[c] = v;
      sum += v;
      dot += v * x[c];
    }
    sum /= (float)columns;
    dot /= (float)columns;
    for (ptrdiff_t c = 0; c < columns; c++) row[c] = inverse[r] * (row[c] - sum - x[c] * dot);
    if (dbias)
      for (ptrdiff_t c = 0; c < columns; c++) dbias[c] += row[c];
  }
}

ptrdiff_t bk_nonzero_rows(const float *x, ptrdiff_t stride, ptrdiff_t rows, float *packed,
                          int32_t *index) {
  ptrdiff_t count = 0;
  for (ptrdiff_t r = 0; r < rows; r++) {
    float v = x[r * stride];
    packed[r] = v;
    index[count] = (int32_t)r;
    count += v != 0.0f;
  }
  return count;
}

double bk_gather_gradient(float *restrict gradient, ptrdiff_t stride, ptrdiff_t pieces,
                          ptrdiff_t count) {
  for (ptrdiff_t piece = 1; piece < pieces; piece++) {
    float *more = gradient + piece * stride;
    for (ptrdiff_t i = 0; i < count; i++) {
      gradient[i] += more[i];
      more[i] = 0.0f;
    }
  }
  double square = 0.0;
  for (ptrdiff_t i = 0; i < count; i++) square += (double)gradient[i] * (double)gradient[i];
  return square;
}

void bk_scale_gradient(float *restrict gradient, const float *restrict parameter, float scale,
                       float decay, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) gradient[i] = scale * gradient[i] + decay * parameter[i];
}

void bk_scale(float *x, float scale, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) x[i] *= scale;
}
