#include "gaussian.h"

BK_KERNEL(void, bk_tanh_gaussian_vjp,
          (const float *head, const float *noise, const float *action, const float *daction,
           const float *dlog_prob, float *dhead, ptrdiff_t states, ptrdiff_t actions, float
           low, float high),
          (head, noise, action, daction, dlog_prob, dhead, states, actions, low, high)) {
  ptrdiff_t total = states * actions;
  float mean[PIECE], log_std[PIECE], g[PIECE] = {0}, da[PIECE] = {0}, dmean[PIECE], dlog_std[PIECE];
  for (ptrdiff_t first = 0; first < total; first += PIECE) {
    ptrdiff_t count = total - first < PIECE ? total - first : PIECE;
    flat_heads(head, first, count, actions, actions, mean, log_std);
    if (dlog_prob) flat_rows(dlog_prob, first, count, actions, g);
    if (daction) memcpy(da, daction + first, (size_t)count * sizeof(float));
    for (ptrdiff_t i = 0; i < count; i++) {
      float spread = bk_expf(clamp(log_std[i], low, high)) * noise[first + i];
      float a = action[first + i];
      float dz = g[i] * 2.0f * a + da[i] * (1.0f - a * a);
      dmean[i] = dz;
      dlog_std[i] = log_std[i] >= low && log_std[i] <= high ? dz * spread - g[i] : 0.0f;
    }
    add_to_heads(dhead, first, count, actions, dmean, dlog_std);
  }
}

BK_KERNEL(void, bk_tanh_gaussian_log_prob_vjp,
          (const float *head, const float *action, const float *dlog_prob, float *dhead,
           ptrdiff_t states, ptrdiff_t actions, float low, float high),
          (head, action, dlog_prob, dhead, states, actions, low, high)) {
  ptrdiff_t total = states * actions;
  float mean[PIECE], log_std[PIECE], g[PIECE], dmean[PIECE], dlog_std[PIECE];
  for (ptrdiff_t first = 0; first < total; first += PIECE) {
    ptrdiff_t count = total - first < PIECE ? total - first : PIECE;
    flat_heads(head, first, count, actions, actions, mean, log_std);
    flat_rows(dlog_prob, first, count, actions, g);
    for (ptrdiff_t i = 0; i < count; i++) {
      float inverse = bk_expf(-clamp(log_std[i], low, high));
      float e = (inverse_tanh(action[first + i]) - mean[i]) * inverse;
      dmean[i] = g[i] * e * inverse;
      dlog_std[i] = log_std[i] >= low && log_std[i] <= high ? g[i] * (e * e - 1.0f) : 0.0f;
    }
    add_to_heads(dhead, first, count, actions, dmean, dlog_std);
  }
}

BK_KERNEL(void, bk_layer_norm_relu,
          (float *restrict z, float *restrict h, const float *restrict bias, const float
           *restrict gain, const float *restrict shift, float *restrict inverse, const float
           *restrict w, float b, float *restrict out, ptrdiff_t rows, ptrdiff_t columns),
          (z, h, bias, gain, shift, inverse, w, b, out, rows, columns)) {
  BK_FAST
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *x = z + r * columns, *y = h + r * columns;
    float sum = 0.0f, square = 0.0f, dot = 0.0f;
    if (bias)
      for (ptrdiff_t c = 0; c < columns; c++) x[c] += bias[c];
    for (ptrdiff_t c = 0; c < columns; c++) sum += x[c];
    float mean = sum / (float)columns;
    for (ptrdiff_t c = 0; c < columns; c++) square += (x[c] - mean) * (x[c] - mean);
    float scale = 1.0f / __builtin_sqrtf(square / (float)columns + 1e-5f);
    if (inverse) inverse[r] = scale;
    for (ptrdiff_t c = 0; c < columns; c++) {
      float v = (x[c] - mean) * scale;
      x[c] = v;
      v = v * gain[c] + shift[c];
      y[c] = v <= 0.0f ? 0.0f : v;
    }
    if (!w) continue;
    for (ptrdiff_t c = 0; c < columns; c++) dot += y[c] * w[c];
    out[r] = b + dot;
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
