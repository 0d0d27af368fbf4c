#include "gaussian.h"

#define HALF_LOG_2PI 0.918938533f
#define LOG_2 0.693147181f

BK_KERNEL(void, bk_tanh_gaussian,
          (const float *head, const float *noise, float *action, float *log_prob, ptrdiff_t states,
           ptrdiff_t repeats, ptrdiff_t actions, float low, float high),
          (head, noise, action, log_prob, states, repeats, actions, low, high)) {
  ptrdiff_t per_state = repeats * actions, total = states * per_state;
  for (ptrdiff_t i = 0; i < states * repeats; i++) log_prob[i] = 0.0f;
  float mean[PIECE], log_std[PIECE], density[PIECE];
  for (ptrdiff_t first = 0; first < total; first += PIECE) {
    ptrdiff_t count = total - first < PIECE ? total - first : PIECE;
    flat_heads(head, first, count, per_state, actions, mean, log_std);
    const float *e = noise + first;
    float *out = action + first;
    for (ptrdiff_t i = 0; i < count; i++) {
      float l = clamp(log_std[i], low, high);
      float z = mean[i] + bk_expf(l) * e[i];
      out[i] = bk_tanhf(z);
      density[i] = -0.5f * e[i] * e[i] - l - HALF_LOG_2PI -
                   2.0f * (LOG_2 - z - bk_softplusf(-2.0f * z));
    }
    add_to_rows(log_prob, first, count, actions, density);
  }
}

BK_KERNEL(void, bk_tanh_gaussian_log_prob,
          (const float *head, const float *action, float *log_prob, ptrdiff_t states, ptrdiff_t
           actions, float low, float high),
          (head, action, log_prob, states, actions, low, high)) {
  ptrdiff_t total = states * actions;
  for (ptrdiff_t s = 0; s < states; s++) log_prob[s] = 0.0f;
  float mean[PIECE], log_std[PIECE], density[PIECE];
  for (ptrdiff_t first = 0; first < total; first += PIECE) {
    ptrdiff_t count = total - first < PIECE ? total - first : PIECE;
    flat_heads(head, first, count, actions, actions, mean, log_std);
    for (ptrdiff_t i = 0; i < count; i++) {
      float l = clamp(log_std[i], low, high);
      float z = inverse_tanh(action[first + i]);
      float e = (z - mean[i]) * bk_expf(-l);
      density[i] = -0.5f * e * e - l - HALF_LOG_2PI -
                   2.0f * (LOG_2 - z - bk_softplusf(-2.0f * z));
    }
    add_to_rows(log_prob, first, count, actions, density);
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
