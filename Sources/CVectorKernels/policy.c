#include "kernels.h"

#define HALF_LOG_2PI 0.918938533f
#define LOG_2 0.693147181f

BK_INLINE float clamp(float x, float low, float high) {
  return x < low ? low : (x > high ? high : x);
}

#define PIECE 64

BK_KERNEL(void, bk_tanh_gaussian,
          (const float *head, const float *noise, float *action, float *log_prob, ptrdiff_t states,
           ptrdiff_t repeats, ptrdiff_t actions, float low, float high),
          (head, noise, action, log_prob, states, repeats, actions, low, high)) {
  // Elements of the draws are worked off in pieces of one flat range, so that short action vectors
  // still fill the vector registers.
  ptrdiff_t per_state = repeats * actions, total = states * per_state;
  for (ptrdiff_t i = 0; i < states * repeats; i++) log_prob[i] = 0.0f;
  float mean[PIECE], log_std[PIECE], density[PIECE];
  for (ptrdiff_t first = 0; first < total; first += PIECE) {
    ptrdiff_t count = total - first < PIECE ? total - first : PIECE;
    ptrdiff_t s = first / per_state, k = first % actions, left = per_state - first % per_state;
    for (ptrdiff_t i = 0; i < count; i++) {
      mean[i] = head[s * 2 * actions + k];
      log_std[i] = head[s * 2 * actions + actions + k];
      if (++k == actions) k = 0;
      if (--left == 0) { s++; left = per_state; }
    }
    for (ptrdiff_t i = count; i < PIECE; i++) mean[i] = log_std[i] = 0.0f;
    const float *e = noise + first;
    float *out = action + first;
    for (ptrdiff_t i = 0; i < count; i++) {
      float l = clamp(log_std[i], low, high);
      float z = mean[i] + bk_expf(l) * e[i];
      out[i] = bk_tanhf(z);
      density[i] = -0.5f * e[i] * e[i] - l - HALF_LOG_2PI -
                   2.0f * (LOG_2 - z - bk_softplusf(-2.0f * z));
    }
    ptrdiff_t row = first / actions, column = first % actions;
    for (ptrdiff_t i = 0; i < count; i++) {
      log_prob[row] += density[i];
      if (++column == actions) { column = 0; row++; }
    }
  }
}

BK_INLINE float inverse_tanh(float action) {
  float a = clamp(action, -0.999999f, 0.999999f);
  return 0.5f * (bk_logf(1.0f + a) - bk_logf(1.0f - a));
}

BK_KERNEL(void, bk_tanh_gaussian_log_prob,
          (const float *head, const float *action, float *log_prob, ptrdiff_t states, ptrdiff_t
           actions, float low, float high),
          (head, action, log_prob, states, actions, low, high)) {
  for (ptrdiff_t s = 0; s < states; s++) {
    const float *mean = head + s * 2 * actions, *log_std = mean + actions;
    float sum = 0.0f;
    for (ptrdiff_t k = 0; k < actions; k++) {
      float l = clamp(log_std[k], low, high);
      float z = inverse_tanh(action[s * actions + k]);
      float e = (z - mean[k]) * bk_expf(-l);
      sum += -0.5f * e * e - l - HALF_LOG_2PI - 2.0f * (LOG_2 - z - bk_softplusf(-2.0f * z));
    }
    log_prob[s] = sum;
  }
}

BK_KERNEL(void, bk_mixture_heads,
          (const float *heads, ptrdiff_t member_stride, ptrdiff_t members, float *head, ptrdiff_t
           states, ptrdiff_t actions, float low, float high),
          (heads, member_stride, members, head, states, actions, low, high)) {
  float share = 1.0f / (float)members;
  for (ptrdiff_t s = 0; s < states; s++) {
    const float *row = heads + s * 2 * actions;
    float *out = head + s * 2 * actions;
    for (ptrdiff_t k = 0; k < actions; k++) {
      float mean = 0.0f, spread = 0.0f;
      for (ptrdiff_t i = 0; i < members; i++) mean += row[i * member_stride + k];
      mean *= share;
      for (ptrdiff_t i = 0; i < members; i++) {
        float away = row[i * member_stride + k] - mean;
        float sigma = bk_expf(clamp(row[i * member_stride + actions + k], low, high));
        spread += away * away + sigma * sigma;
      }
      out[k] = mean;
      out[actions + k] = 0.5f * bk_logf(bk_max(spread * share, 1.2e-38f));
    }
  }
}

BK_KERNEL(void, bk_mixture_backward,
          (const float *member_head, const float *head, const float *dhead, ptrdiff_t members, float
           *dmember, ptrdiff_t states, ptrdiff_t actions, float low, float high),
          (member_head, head, dhead, members, dmember, states, actions, low, high)) {
  float share = 1.0f / (float)members;
  for (ptrdiff_t s = 0; s < states; s++) {
    ptrdiff_t at = s * 2 * actions;
    for (ptrdiff_t k = 0; k < actions; k++) {
      float mean = member_head[at + k], raw = member_head[at + actions + k];
      float precision = bk_expf(-2.0f * head[at + actions + k]);
      float sigma = bk_expf(clamp(raw, low, high));
      float dlog_std = dhead[at + actions + k] * share * precision;
      dmember[at + k] = dhead[at + k] * share + dlog_std * (mean - head[at + k]);
      dmember[at + actions + k] = raw >= low && raw <= high ? dlog_std * sigma * sigma : 0.0f;
    }
  }
}

BK_KERNEL(void, bk_tanh, (const float *x, float *y, ptrdiff_t count), (x, y, count)) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = bk_tanhf(x[i]);
}

BK_KERNEL(void, bk_exp, (const float *x, float *y, ptrdiff_t count), (x, y, count)) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = bk_expf(x[i]);
}
