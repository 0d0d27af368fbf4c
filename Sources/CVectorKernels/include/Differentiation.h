// Loops of the differentiable engine: pullbacks of policy heads, layer norm, steps of the optimiser.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Pullback of `bk_tanh_gaussian` with one draw per state: dhead += (∂a/∂head)ᵀ·daction +
/// (∂log π/∂head)ᵀ·dlog_prob.
void bk_tanh_gaussian_vjp(const float *head, const float *noise, const float *action,
                          const float *daction, const float *dlog_prob, float *dhead,
                          ptrdiff_t states, ptrdiff_t actions, float low, float high);

/// Pullback of `bk_tanh_gaussian_log_prob`: dhead += (∂log π(a|s)/∂head)ᵀ·dlog_prob.
void bk_tanh_gaussian_log_prob_vjp(const float *head, const float *action, const float *dlog_prob,
                                   float *dhead, ptrdiff_t states, ptrdiff_t actions, float low,
                                   float high);

/// Layer norm of z + bias and ReLU: z ← (z + bias − mean)·inverse with inverse = 1/√(variance + 1e-5) of each
/// row, kept for the way back; h = max(scale·z + shift, 0); out[row] = b + Σ h·w. `bias`, `inverse`
/// and `w` may be null.
void bk_layer_norm_relu(float *z, float *h, const float *bias, const float *scale,
                        const float *shift, float *inverse, const float *w, float b, float *out,
                        ptrdiff_t rows, ptrdiff_t columns);

/// From the gradient d before the ReLU to that before the layer norm, in place; dscale += Σ d·z and
/// dbias += Σ of the result (both may be null).
void bk_layer_norm_backward(float *d, const float *z, const float *scale, const float *inverse,
                            float *dscale, float *dbias, ptrdiff_t rows, ptrdiff_t columns);

/// packed ← column x (elements `stride` apart); index lists the rows that are not 0. Returns their number.
ptrdiff_t bk_nonzero_rows(const float *x, ptrdiff_t stride, ptrdiff_t rows, float *packed,
                          int32_t *index);

/// gradient[i] ← Σ over pieces, in order; the other pieces are cleared. Returns Σ gradient².
double bk_gather_gradient(float *gradient, ptrdiff_t stride, ptrdiff_t pieces, ptrdiff_t count);

/// gradient[i] ← scale·gradient[i] + decay·parameter[i].
void bk_scale_gradient(float *gradient, const float *parameter, float scale, float decay,
                       ptrdiff_t count);

/// x ← scale·x.
void bk_scale(float *x, float scale, ptrdiff_t count);
