// Matrix products for processors with AVX-512.
//
// OpenBLAS copies both factors into its own order at every call, which costs 6 to 9 % of a product of the
// sizes that occur here. These read the factors where they are: one element of A is broadcast, one row of
// B is a vector. Only a transposed B is rearranged, by the caller once for many products, or here.
#include "wide.h"

#if BK_WIDE

#define ROWS 8

// Rows of B that are rearranged at a time where the caller has not done so: 64 KB on the stack.
#define DEPTH 512

typedef struct {
  const float *a;
  ptrdiff_t row_step, k_step;
  const float *b;
  ptrdiff_t ldb;
  float *c;
  ptrdiff_t ldc, k;
  /// Columns of this tile that exist.
  __mmask16 left, right;
  /// What is done to the tile before it is stored, for its first row and column.
  int accumulates;
  bk_finish finish;
} tile_t;

WIDE_INLINE __m512 finished(__m512 x, const bk_finish *f, int row, int half, __mmask16 columns) {
  // The second operand comes back where there is a NaN: it passes through and is noticed by the loss.
  if (f->relu) x = _mm512_max_ps(_mm512_setzero_ps(), x);
  if (f->mask) {
    __m512 h = _mm512_maskz_loadu_ps(columns, f->mask + row * f->ldmask + 16 * half);
    x = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(h, _mm512_setzero_ps(), _CMP_GT_OQ), x);
  }
  return x;
}

// `rows` and `halves` are compile-time constants in the callers, so the sums stay in registers.
WIDE_INLINE void tile(const tile_t *t, const int rows, const int halves, __mmask16 left,
                      __mmask16 right) {
  const bk_finish *f = &t->finish;
  __m512 zero = _mm512_setzero_ps(), first[ROWS], second[ROWS];
  __m512 bias0 = f->bias ? _mm512_maskz_loadu_ps(left, f->bias) : zero;
  __m512 bias1 = f->bias && halves == 2 ? _mm512_maskz_loadu_ps(right, f->bias + 16) : zero;
  UNROLL for (int i = 0; i < ROWS; i++) {
    first[i] = i < rows ? bias0 : zero;
    second[i] = i < rows ? bias1 : zero;
  }
  const float *a = t->a, *b = t->b;
  ptrdiff_t row_step = t->row_step, k_step = t->k_step, ldb = t->ldb;
  _Pragma("clang loop unroll_count(4)") for (ptrdiff_t p = t->k; p > 0; p--) {
    __m512 b0 = _mm512_maskz_loadu_ps(left, b), b1 = zero;
    if (halves == 2) b1 = _mm512_maskz_loadu_ps(right, b + 16);
    UNROLL for (int i = 0; i < rows; i++) {
      __m512 x = _mm512_set1_ps(a[i * row_step]);
      first[i] = _mm512_fmadd_ps(x, b0, first[i]);
      if (halves == 2) second[i] = _mm512_fmadd_ps(x, b1, second[i]);
    }
    a += k_step;
    b += ldb;
  }
  UNROLL for (int i = 0; i < rows; i++) {
    float *row = t->c + i * t->ldc;
    if (t->accumulates) {
      first[i] = _mm512_add_ps(first[i], _mm512_maskz_loadu_ps(left, row));
      if (halves == 2)
        second[i] = _mm512_add_ps(second[i], _mm512_maskz_loadu_ps(right, row + 16));
    }
    first[i] = finished(first[i], f, i, 0, left);
    _mm512_mask_storeu_ps(row, left, first[i]);
    if (halves == 2) {
      second[i] = finished(second[i], f, i, 1, right);
      _mm512_mask_storeu_ps(row + 16, right, second[i]);
    }
  }
  if (f->column_sums) {
    __m512 sum0 = _mm512_maskz_loadu_ps(left, f->column_sums), sum1 = zero;
    if (halves == 2) sum1 = _mm512_maskz_loadu_ps(right, f->column_sums + 16);
    UNROLL for (int i = 0; i < rows; i++) {
      sum0 = _mm512_add_ps(sum0, first[i]);
      sum1 = _mm512_add_ps(sum1, second[i]);
    }
    _mm512_mask_storeu_ps(f->column_sums, left, sum0);
    if (halves == 2) _mm512_mask_storeu_ps(f->column_sums + 16, right, sum1);
  }
  if (f->dot) {
    __m512 w0 = _mm512_maskz_loadu_ps(left, f->dot);
    __m512 w1 = halves == 2 ? _mm512_maskz_loadu_ps(right, f->dot + 16) : zero;
    UNROLL for (int i = 0; i < ROWS; i++)
      first[i] = _mm512_fmadd_ps(second[i], w1, _mm512_mul_ps(first[i], w0));
    __m256 sums = bk_eight_sums(first);
    float partial[ROWS];
    _mm256_storeu_ps(partial, sums);
    UNROLL for (int i = 0; i < rows; i++) f->dots[i] += partial[i];
  }
}

#define TILES(name, halves, left, right)                                                           \
  WIDE static __attribute__((noinline)) void name(const tile_t *t, ptrdiff_t rows) {               \
    switch (rows) {                                                                                \
    case 1: tile(t, 1, halves, left, right); break;                                                \
    case 2: tile(t, 2, halves, left, right); break;                                                \
    case 3: tile(t, 3, halves, left, right); break;                                                \
    case 4: tile(t, 4, halves, left, right); break;                                                \
    case 5: tile(t, 5, halves, left, right); break;                                                \
    case 6: tile(t, 6, halves, left, right); break;                                                \
    case 7: tile(t, 7, halves, left, right); break;                                                \
    default: tile(t, 8, halves, left, right);                                                      \
    }                                                                                              \
  }
TILES(full_tile, 2, 0xFFFF, 0xFFFF)
TILES(edge_tile, 2, t->left, t->right)
TILES(narrow_tile, 1, t->left, 0)

// All rows of C for one panel of columns.
static void panel(tile_t t, ptrdiff_t m, ptrdiff_t columns) {
  t.left = bk_first(columns);
  t.right = bk_first(columns - 16);
  for (ptrdiff_t i = 0; i < m; i += ROWS) {
    ptrdiff_t rows = m - i < ROWS ? m - i : ROWS;
    if (columns == BK_PANEL)
      full_tile(&t, rows);
    else if (columns > 16)
      edge_tile(&t, rows);
    else
      narrow_tile(&t, rows);
    t.a += rows * t.row_step;
    t.c += rows * t.ldc;
    if (t.finish.mask) t.finish.mask += rows * t.finish.ldmask;
    if (t.finish.dots) t.finish.dots += rows;
  }
}

static const bk_finish nothing = {0};

static tile_t start(const float *a, ptrdiff_t row_step, ptrdiff_t k_step, ptrdiff_t k, float *c,
                    ptrdiff_t ldc, int accumulates, const bk_finish *finish) {
  tile_t t = {.a = a, .row_step = row_step, .k_step = k_step, .k = k, .c = c, .ldc = ldc};
  t.accumulates = accumulates;
  t.finish = finish ? *finish : nothing;
  return t;
}

static void move_to_column(tile_t *t, const bk_finish *finish, float *c, ptrdiff_t j) {
  t->c = c + j;
  if (!finish) return;
  if (finish->bias) t->finish.bias = finish->bias + j;
  if (finish->mask) t->finish.mask = finish->mask + j;
  if (finish->dot) t->finish.dot = finish->dot + j;
  if (finish->column_sums) t->finish.column_sums = finish->column_sums + j;
}

static void begin_dots(const bk_finish *finish, ptrdiff_t m) {
  if (finish && finish->dot)
    for (ptrdiff_t i = 0; i < m; i++) finish->dots[i] = finish->dot_start;
}

int bk_has_products(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("x86-64-v4") ? 1 : 0;
}

void bk_product(const float *a, ptrdiff_t row_step, ptrdiff_t k_step, const float *b, ptrdiff_t ldb,
                ptrdiff_t panel_step, float *c, ptrdiff_t ldc, ptrdiff_t m, ptrdiff_t n,
                ptrdiff_t k, int accumulates, const bk_finish *finish) {
  tile_t t = start(a, row_step, k_step, k, c, ldc, accumulates, finish);
  t.ldb = ldb;
  begin_dots(finish, m);
  for (ptrdiff_t j = 0; j < n; j += BK_PANEL) {
    move_to_column(&t, finish, c, j);
    t.b = b + j / BK_PANEL * panel_step;
    panel(t, m, n - j < BK_PANEL ? n - j : BK_PANEL);
  }
}

void bk_product_transposed(const float *a, ptrdiff_t row_step, ptrdiff_t k_step, const float *b,
                           ptrdiff_t ldb, float *c, ptrdiff_t ldc, ptrdiff_t m, ptrdiff_t n,
                           ptrdiff_t k, int accumulates, const bk_finish *finish) {
  float columns[DEPTH * BK_PANEL] __attribute__((aligned(64)));
  begin_dots(finish, m);
  for (ptrdiff_t j = 0; j < n; j += BK_PANEL) {
    ptrdiff_t width = n - j < BK_PANEL ? n - j : BK_PANEL;
    for (ptrdiff_t p = 0; p < k; p += DEPTH) {
      ptrdiff_t depth = k - p < DEPTH ? k - p : DEPTH;
      const bk_finish *now = p + depth == k ? finish : NULL;
      bk_pack_transposed(b + j * ldb + p, ldb, depth, width, columns);
      tile_t t = start(a + p * k_step, row_step, k_step, depth, c, ldc, accumulates || p > 0, now);
      t.ldb = BK_PANEL;
      t.b = columns;
      move_to_column(&t, now, c, j);
      panel(t, m, width);
    }
  }
}

void bk_pack_transposed(const float *b, ptrdiff_t ldb, ptrdiff_t k, ptrdiff_t n, float *packed) {
  for (ptrdiff_t j = 0; j < n; j += BK_PANEL) {
    float *out = packed + j * k;
    for (ptrdiff_t half = 0; half < BK_PANEL; half += 16) {
      ptrdiff_t rows = n - j - half;
      rows = rows < 0 ? 0 : rows > 16 ? 16 : rows;
      const float *from = rows > 0 ? b + (j + half) * ldb : b;
      for (ptrdiff_t p = 0; p < k; p += 16)
        bk_transpose16(from + p, ldb, rows, k - p < 16 ? k - p : 16, out + p * BK_PANEL + half,
                       BK_PANEL);
    }
  }
}

#else

int bk_has_products(void) { return 0; }
void bk_product(const float *a, ptrdiff_t row_step, ptrdiff_t k_step, const float *b, ptrdiff_t ldb,
                ptrdiff_t panel_step, float *c, ptrdiff_t ldc, ptrdiff_t m, ptrdiff_t n,
                ptrdiff_t k, int accumulates, const bk_finish *finish) {
  __builtin_trap();
}
void bk_product_transposed(const float *a, ptrdiff_t row_step, ptrdiff_t k_step, const float *b,
                           ptrdiff_t ldb, float *c, ptrdiff_t ldc, ptrdiff_t m, ptrdiff_t n,
                           ptrdiff_t k, int accumulates, const bk_finish *finish) {
  __builtin_trap();
}
void bk_pack_transposed(const float *b, ptrdiff_t ldb, ptrdiff_t k, ptrdiff_t n, float *packed) {
  __builtin_trap();
}

#endif
