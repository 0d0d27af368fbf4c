// Vectorised loops for everything that is not a matrix product.
//
// Row-major float32 arrays; `ld…` is the distance between rows. On x86-64 each function exists three
// times: AVX-512, AVX2 with FMA, baseline. Nothing here allocates.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "Differentiation.h"

// ---- layers -----------------------------------------------------------------------------------

/// z ← max(z + bias, 0) row by row.
void bk_bias_relu(float *z, ptrdiff_t ldz, const float *bias, ptrdiff_t rows, ptrdiff_t columns);

/// z ← z + bias row by row.
void bk_bias(float *z, ptrdiff_t ldz, const float *bias, ptrdiff_t rows, ptrdiff_t columns);

/// h ← max(z + bias, 0) in place and out[r] = h[r]·w + b: last hidden layer and scalar head at once.
void bk_bias_relu_dot(float *z, ptrdiff_t ldz, const float *bias, const float *w, float b,
                      float *out, ptrdiff_t rows, ptrdiff_t columns);

/// Backward of the scalar head and the ReLU before it, for the rows listed in `index`:
/// dz[i] = dout[index[i]]·w ⊙ (h[index[i]] > 0); gw += Σ dout·h; gbias += Σ dz. dz rows lie `columns`
/// apart. gw and gbias may be null together.
void bk_dot_backward(const float *h, ptrdiff_t ldh, const float *dout, const int32_t *index,
                     ptrdiff_t count, const float *w, float *dz, float *gw, float *gbias,
                     ptrdiff_t columns);

/// dh ← dh ⊙ (h > 0); gbias += Σ rows (gbias may be null).
void bk_relu_backward(float *dh, ptrdiff_t lddh, const float *h, ptrdiff_t ldh, float *gbias,
                      ptrdiff_t rows, ptrdiff_t columns);

/// sum += column sums of x.
void bk_column_sums(const float *x, ptrdiff_t ldx, float *sum, ptrdiff_t rows, ptrdiff_t columns);

/// First layer on rows which share their state: h[r] = max(base[r / repeats] + Σₖ a[r,k]·wt[k], 0).
void bk_expand_first_layer(const float *base, ptrdiff_t ldbase, const float *a, ptrdiff_t actions,
                           const float *wt, float *h, ptrdiff_t states, ptrdiff_t repeats,
                           ptrdiff_t columns);

/// Backward of that layer, for rows listed in `index` (ascending): with dz = dh ⊙ (h > 0),
/// gwt[k] += Σ a[index[i],k]·dz[i] and gbase[index[i] / repeats] += dz[i].
/// dh and h hold the listed rows only, one after the other. h may be null: dh is dz already.
void bk_expand_first_layer_backward(const float *dh, const float *h, const float *a,
                                    ptrdiff_t actions, const int32_t *index, ptrdiff_t count,
                                    float *gwt, float *gbase, ptrdiff_t ldgbase,
                                    ptrdiff_t repeats, ptrdiff_t columns);

/// Moves the listed rows (ascending) of x to its front.
void bk_compact_rows(float *x, ptrdiff_t ldx, const int32_t *index, ptrdiff_t count,
                     ptrdiff_t columns);

// ---- actions of one state in groups -------------------------------------------------------------

// Forward, a unit of a hidden layer is a row of sixteen lanes, one for each action. Only units that are on for at
// least one lane are kept, in ascending order: their rows one after the other, their numbers in `index`. The row
// of each unit, kept or not, is in `place`; those that are off share row bk_group_off, which must be zero.
// Backward, up to 32 lanes that need a gradient stand side by side.

/// Lanes of a group, backward and forward.
#define BK_GROUP 32
#define BK_HALF_GROUP 16
/// Rows and lists need room for this many more than there are units.
#define BK_GROUP_ROOM 16
/// Row of the units that are off.
static inline ptrdiff_t bk_group_off(ptrdiff_t units) { return units + BK_GROUP_ROOM - 1; }
/// Lanes that so many kept ones take up.
static inline ptrdiff_t bk_group_width(ptrdiff_t kept) { return (kept + 7) / 8 * 8; }
/// Floats per unit that `bk_group_first_layer_backward` gathers.
static inline ptrdiff_t bk_group_sums(ptrdiff_t actions) { return (actions + 8) / 8 * 8; }
/// Floats that `bk_group_weight_gradient` needs besides, for so many units below.
static inline ptrdiff_t bk_group_scratch(ptrdiff_t units) {
  return (units + 15) / 16 * (16 * (BK_GROUP + BK_GROUP_ROOM) + 2 * 48) + 16;
}

/// A row-major weight `[outputs, inputs]` in another order: the weights of as many outputs as an instruction set works on at once
/// for one input side by side, then those for the next input, zeros beyond the last output.
/// `arranged` has room for BK_GROUP_ROOM outputs more.
void bk_group_arrange(const float *w, ptrdiff_t ldw, ptrdiff_t inputs, ptrdiff_t outputs,
                      float *arranged);

/// max(base[unit] + Σₖ w[unit, k]·a[k, lane], 0); returns how many units are kept.
ptrdiff_t bk_group_first_layer(const float *base, const float *a, ptrdiff_t actions, const float *w,
                               ptrdiff_t ldw, ptrdiff_t units, float *out, int32_t *index,
                               int32_t *place);

/// max(bias + W·x, 0); returns how many units are kept. w holds W as bk_group_arrange wrote it.
ptrdiff_t bk_group_layer(const float *x, const int32_t *index, ptrdiff_t inputs, const float *w,
                         ptrdiff_t input_units, const float *bias, ptrdiff_t units, float *out,
                         int32_t *out_index, int32_t *place);

/// q[lane] = bias + Σ w[unit]·x[unit, lane].
void bk_group_dot(const float *x, const int32_t *index, ptrdiff_t inputs, const float *w,
                  float bias, float *q);

/// Puts the listed lanes (ascending; those from 16 on are of `second`) side by side, bk_group_width of
/// them to a row, and keeps the units that are on for one of these; returns how many.
ptrdiff_t bk_group_keep(const float *first, const int32_t *first_place, const float *second,
                        const int32_t *second_place, ptrdiff_t units, const int32_t *lanes,
                        ptrdiff_t kept, float *out, int32_t *index);

/// Backward of the head and the ReLU before it: dz = w[unit]·dq ⊙ (h > 0); gw[unit, 8] += dq·h;
/// gbias[unit, 8] += dz (gbias may be null). Sums over every eighth lane, to be added up at the end.
void bk_group_dot_backward(const float *dq, ptrdiff_t width, const float *h, const int32_t *index,
                           ptrdiff_t count, const float *w, float *dz, float *gw, float *gbias);

/// dbelow = Wᵀ·dz ⊙ (below > 0) for the units kept below; gbias[unit, 8] += dbelow (may be null).
/// w holds W as bk_group_arrange wrote it; `place` is scratch for `count` numbers.
void bk_group_layer_backward(const float *dz, ptrdiff_t width, const int32_t *index,
                             ptrdiff_t count, const float *w, ptrdiff_t input_units,
                             const float *below, const int32_t *below_index, ptrdiff_t below_count,
                             int32_t *place, float *dbelow, float *gbias);

/// gradient[unit, unit below] += Σ dz·below over the first `lanes` lanes; row-major, `below_units`
/// wide. scratch: bk_group_scratch(below_units).
void bk_group_weight_gradient(const float *dz, ptrdiff_t width, ptrdiff_t lanes,
                              const int32_t *index, ptrdiff_t count, const float *below,
                              const int32_t *below_index, ptrdiff_t below_count,
                              ptrdiff_t below_units, float *scratch, float *gradient);

/// base[unit] += Σ dz over lanes; sums[unit, 0] += the same, sums[unit, 1 + k] += Σ a[k, lane]·dz.
/// sums has bk_group_sums(actions) floats per unit.
void bk_group_first_layer_backward(const float *dz, ptrdiff_t width, const int32_t *index,
                                   ptrdiff_t count, const float *a, ptrdiff_t actions, float *sums,
                                   float *base);

/// out[unit] += Σ sums[unit, 8].
void bk_group_add_sums(const float *sums, float *out, ptrdiff_t units);

// ---- tanh-Gaussian policy -----------------------------------------------------------------------

/// Draws `repeats` actions per state. head[s] = (mean, raw log-std), 2·actions long.
/// z = m + σ·noise with σ = exp(clip(l, low, high)); action = tanh z; log_prob summed over actions.
void bk_tanh_gaussian(const float *head, const float *noise, float *action, float *log_prob,
                      ptrdiff_t states, ptrdiff_t repeats, ptrdiff_t actions, float low,
                      float high);

/// Log-density of given actions, clipped to ±0.999999, one per state.
void bk_tanh_gaussian_log_prob(const float *head, const float *action, float *log_prob,
                               ptrdiff_t states, ptrdiff_t actions, float low, float high);

/// Moment-matched mixture of `members` tanh-Gaussians before the squashing, BRED eq. 9: for each state
/// and action, mean = average of means, variance = mean σᵢ² + mean (μᵢ − mean)². Member i's heads start
/// at heads + i·member_stride; head receives (mean, log-std).
void bk_mixture_heads(const float *heads, ptrdiff_t member_stride, ptrdiff_t members, float *head,
                      ptrdiff_t states, ptrdiff_t actions, float low, float high);

/// Gradient of a loss towards member i's heads, given that towards the mixture's head.
void bk_mixture_backward(const float *member_head, const float *head, const float *dhead,
                         ptrdiff_t members, float *dmember, ptrdiff_t states, ptrdiff_t actions,
                         float low, float high);

/// y[i] = tanh(x[i]); y[i] = exp(x[i]).
void bk_tanh(const float *x, float *y, ptrdiff_t count);
void bk_exp(const float *x, float *y, ptrdiff_t count);

// ---- optimisation -------------------------------------------------------------------------------

/// One Adam step over a flat array, with the gradient given as `pieces` arrays `stride` apart, which
/// are added in order and cleared. bias1 = 1 − β₁ᵗ, bias2 = 1 − β₂ᵗ. If `target` is not null it then
/// follows: target ← (1 − tau)·target + tau·parameter. Returns the bits of the greatest magnitude among
/// parameters, second moments and targets: 0x7f800000 or more where one is infinite or not a number.
int32_t bk_adam(float *parameter, float *moment1, float *moment2, float *gradient,
                ptrdiff_t stride, ptrdiff_t pieces, float *target, float tau, float rate,
                float beta1, float beta2, float bias1, float bias2, float epsilon,
                ptrdiff_t count);

// ---- reductions ---------------------------------------------------------------------------------

/// Row-wise softmax of x[r]/temperature. lse[r] = temperature·log Σ exp(x/temperature).
void bk_softmax_rows(const float *x, float *softmax, float *lse, float temperature, ptrdiff_t rows,
                     ptrdiff_t columns);

// ---- random numbers -----------------------------------------------------------------------------

/// Philox 4×32-10 blocks from (key, step, first_block): uniform on [low, high).
void bk_fill_uniform(uint32_t key0, uint32_t key1, uint64_t step, uint64_t first_block, float *out,
                     ptrdiff_t count, float low, float high);

/// Standard normals by Box–Muller.
void bk_fill_normal(uint32_t key0, uint32_t key1, uint64_t step, uint64_t first_block, float *out,
                    ptrdiff_t count);

// ---- instruction sets ---------------------------------------------------------------------------

/// Name of the instruction set in use: "avx512", "avx2", "neon" or "baseline". It is the best that the processor has,
/// or what BRED_VECTORS in the environment names.
const char *bk_instruction_set(void);

/// Makes this thread use another one until it is told otherwise (null: the process's); 0 if there is none of
/// that name here. For tests.
int bk_use_instruction_set(const char *name);

// ---- threads --------------------------------------------------------------------------------------

/// Tells the processor that this thread only waits.
static inline void bk_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
