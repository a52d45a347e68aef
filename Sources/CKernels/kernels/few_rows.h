// Products with few rows on the left: a decoder's step, a caption's words. Almost all the time is for reading B once,
// so B is read in place. Included for floats and for halves, with:
//   ELEMENTS(name)   the name of a function for this kind of element
//   ELEMENT          the type of B's elements
//   WIDENED(p)       a vector of floats from the elements at p
//   WIDENED_ONE(x)   one float

// Some rows of A times four rows of B. If B has fewer rows, the last one is used again, and those results are not
// stored.
INLINE void ELEMENTS(dot)(
    const int rows, const mmx_few_rows *p, const float *a, const ELEMENT *b, const long columns, float *c) {
    const long depth = p->k, lda = p->a_stride, ldb = p->b_stride;
    const ELEMENT *b1 = b + (columns > 1 ? 1 : 0) * ldb;
    const ELEMENT *b2 = b + (columns > 2 ? 2 : columns - 1) * ldb, *b3 = b + (columns - 1) * ldb;
    Vector sums[DOT_ROWS][4];
    UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int j = 0; j < 4; j++) sums[r][j] = 0;
    // The processor's own prefetching stops at page boundaries. For short rows, prefetch the next four rows; for long
    // rows, the next lines, because four long rows would evict each other from the cache before they are used.
    const long size = sizeof(ELEMENT), line = 64 / size;
    const long next = ldb * size <= 4096 ? 4 * ldb : 512 / size;
    long i = 0;
    ROLLED for (; i + LANES <= depth; i += LANES) {
        if ((i & (line - 1)) == 0) {
            __builtin_prefetch(b + i + next);
            __builtin_prefetch(b1 + i + next);
            __builtin_prefetch(b2 + i + next);
            __builtin_prefetch(b3 + i + next);
        }
        // The rows' vectors and one of B at a time: with twelve sums, that is all that sixteen registers hold.
        Vector x[DOT_ROWS];
        UNROLLED for (int r = 0; r < rows; r++) x[r] = LOAD(a + r * lda + i);
        UNROLLED for (int j = 0; j < 4; j++) {
            const Vector y = WIDENED((j == 0 ? b : j == 1 ? b1 : j == 2 ? b2 : b3) + i);
            UNROLLED for (int r = 0; r < rows; r++) sums[r][j] = MULTIPLY_ADD(x[r], y, sums[r][j]);
            if (rows > 2) IN_ORDER(sums[rows - 1][j]);
        }
    }
    typedef float Four __attribute__((ext_vector_type(4)));
    typedef float UnalignedFour __attribute__((ext_vector_type(4), aligned(4)));
    UNROLLED for (int r = 0; r < rows; r++) {
        Four total;
        SET(totals)(sums[r][0], sums[r][1], sums[r][2], sums[r][3], (float *)&total);
        for (long k = i; k < depth; k++) {
            const Four y = {WIDENED_ONE(b[k]), WIDENED_ONE(b1[k]), WIDENED_ONE(b2[k]), WIDENED_ONE(b3[k])};
            total += y * a[r * lda + k];
        }
        total *= p->alpha;
        float *to = c + r * p->c_stride;
        if (columns == 4) {
            if (p->beta != 0) total += *(UnalignedFour *)to * p->beta;
            *(UnalignedFour *)to = total;
        } else {
            for (long j = 0; j < columns; j++) to[j] = total[j] + (p->beta == 0 ? 0 : p->beta * to[j]);
        }
    }
}

#define DOT(n)                                                                                                        \
    static __attribute__((noinline)) void ELEMENTS(dot_##n)(                                                          \
        const mmx_few_rows *p, const float *a, const ELEMENT *b, long columns, float *c) {                            \
        ELEMENTS(dot)(n, p, a, b, columns, c);                                                                        \
    }
DOT(1)
DOT(2)
DOT(3)
#if DOT_ROWS > 3
DOT(4)
#endif
#undef DOT

static void ELEMENTS(few_rows_transposed)(const mmx_few_rows *p) {
    for (long column = 0; column < p->n; column += 4) {
        const ELEMENT *b = (const ELEMENT *)p->b + column * p->b_stride;
        const long columns = p->n - column < 4 ? p->n - column : 4;
        for (long row = 0; row < p->m;) {
            const float *a = p->a + row * p->a_stride;
            float *c = p->c + row * p->c_stride + column;
            switch (p->m - row) {
            case 1: ELEMENTS(dot_1)(p, a, b, columns, c); row += 1; break;
            case 2: ELEMENTS(dot_2)(p, a, b, columns, c); row += 2; break;
            case 3: ELEMENTS(dot_3)(p, a, b, columns, c); row += 3; break;
#if DOT_ROWS > 3
            default: ELEMENTS(dot_4)(p, a, b, columns, c); row += 4;
#else
            case 4: ELEMENTS(dot_2)(p, a, b, columns, c); row += 2; break;
            default: ELEMENTS(dot_3)(p, a, b, columns, c); row += 3;
#endif
            }
        }
    }
}

// Weighted sums of the rows of B, for four vectors of columns; the weights are the elements of a row of A.
INLINE void ELEMENTS(combine)(const int rows, const mmx_few_rows *p, const float *a, const ELEMENT *b, float *c) {
    Vector sums[DOT_ROWS][4];
    UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int j = 0; j < 4; j++) sums[r][j] = 0;
    ROLLED for (long i = 0; i < p->k; i++) {
        Vector x[4];
        UNROLLED for (int j = 0; j < 4; j++) x[j] = WIDENED(b + j * LANES);
        UNROLLED for (int r = 0; r < rows; r++) {
            const Vector weight = a[r * p->a_stride + i];
            UNROLLED for (int j = 0; j < 4; j++) sums[r][j] = MULTIPLY_ADD(weight, x[j], sums[r][j]);
        }
        b += p->b_stride;
    }
    UNROLLED for (int r = 0; r < rows; r++) {
        float *to = c + r * p->c_stride;
        UNROLLED for (int j = 0; j < 4; j++, to += LANES) {
            const Vector sum = sums[r][j] * p->alpha;
            STORE(to, p->beta == 0 ? sum : sum + LOAD(to) * p->beta);
        }
    }
}

#define COMBINE(n)                                                                                                    \
    static __attribute__((noinline)) void ELEMENTS(combine_##n)(                                                      \
        const mmx_few_rows *p, const float *a, const ELEMENT *b, float *c) {                                          \
        ELEMENTS(combine)(n, p, a, b, c);                                                                             \
    }
COMBINE(1)
COMBINE(2)
#if DOT_ROWS > 3
COMBINE(4)
#endif
#undef COMBINE

// The sum of the rows of B in `used`, four at a time, for long rows. The sums of a chunk stay in the L1 cache while the
// rows of B are read.
static void ELEMENTS(combine_chunk)(const mmx_few_rows *p, long used, long start, long width) {
    const long stride = p->b_stride;
    float *scratch = p->scratch;
    for (long row = 0; row < p->m; row++) {
        __builtin_memset(scratch + row * p->scratch_columns, 0, sizeof(float) * (unsigned long)width);
    }
    for (long at = 0; at < used; at += 4) {
        // If fewer than four are left, the last one is used again with weight 0.
        long index[8];
        for (int i = 0; i < 8; i++) index[i] = p->used[at + i < used ? at + i : used - 1];
        const ELEMENT *b = (const ELEMENT *)p->b + start;
        const ELEMENT *b0 = b + index[0] * stride, *b1 = b + index[1] * stride, *b2 = b + index[2] * stride;
        const ELEMENT *b3 = b + index[3] * stride, *n0 = b + index[4] * stride, *n1 = b + index[5] * stride;
        const ELEMENT *n2 = b + index[6] * stride, *n3 = b + index[7] * stride;
        for (long row = 0; row < p->m; row++) {
            const float *weights = p->a + row * p->a_stride;
            float w[4];
            for (int i = 0; i < 4; i++) w[i] = at + i < used ? weights[index[i]] : 0;
            const Vector w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
            float *sums = scratch + row * p->scratch_columns;
            long j = 0;
            ROLLED for (; j + LANES <= width; j += LANES) {
                if (row == 0 && (j & (64 / (long)sizeof(ELEMENT) - 1)) == 0) {
                    __builtin_prefetch(n0 + j);
                    __builtin_prefetch(n1 + j);
                    __builtin_prefetch(n2 + j);
                    __builtin_prefetch(n3 + j);
                }
                Vector sum = LOAD(sums + j);
                sum = MULTIPLY_ADD(WIDENED(b0 + j), w0, sum);
                sum = MULTIPLY_ADD(WIDENED(b1 + j), w1, sum);
                sum = MULTIPLY_ADD(WIDENED(b2 + j), w2, sum);
                sum = MULTIPLY_ADD(WIDENED(b3 + j), w3, sum);
                STORE(sums + j, sum);
            }
            for (; j < width; j++) {
                float sum = sums[j];
                sum = MULTIPLY_ADD(WIDENED_ONE(b0[j]), w[0], sum);
                sum = MULTIPLY_ADD(WIDENED_ONE(b1[j]), w[1], sum);
                sum = MULTIPLY_ADD(WIDENED_ONE(b2[j]), w[2], sum);
                sums[j] = MULTIPLY_ADD(WIDENED_ONE(b3[j]), w[3], sum);
            }
        }
    }
    for (long row = 0; row < p->m; row++) {
        const float *sums = scratch + row * p->scratch_columns;
        float *c = p->c + row * p->c_stride + start;
        for (long j = 0; j < width; j++) c[j] = p->beta == 0 ? sums[j] * p->alpha : sums[j] * p->alpha + c[j] * p->beta;
    }
}

static void ELEMENTS(few_rows)(const mmx_few_rows *p) {
    if (p->scratch) {
        // Rows whose weights in A are all 0 are not read: a gradient from a ReLU is 0 for every inactive unit, and
        // reading the rows takes almost all the time.
        long used = 0;
        for (long i = 0; i < p->k; i++) {
            int is_used = 0;
            for (long row = 0; row < p->m; row++) is_used |= p->a[row * p->a_stride + i] != 0;
            p->used[used] = (int)i;
            used += is_used;
        }
        for (long start = 0; start < p->n; start += p->scratch_columns) {
            const long left = p->n - start;
            ELEMENTS(combine_chunk)(p, used, start, left < p->scratch_columns ? left : p->scratch_columns);
        }
        return;
    }
    const ELEMENT *b = p->b;
    long column = 0;
    for (; column + 4 * LANES <= p->n; column += 4 * LANES) {
        for (long row = 0; row < p->m;) {
            const float *a = p->a + row * p->a_stride;
            float *c = p->c + row * p->c_stride + column;
            const long left = p->m - row;
#if DOT_ROWS > 3
            if (left >= 4) {
                ELEMENTS(combine_4)(p, a, b + column, c);
                row += 4;
                continue;
            }
#endif
            if (left >= 2) {
                ELEMENTS(combine_2)(p, a, b + column, c);
                row += 2;
            } else {
                ELEMENTS(combine_1)(p, a, b + column, c);
                row += 1;
            }
        }
    }
    // The same sums, a vector or a column at a time.
    for (; column + LANES <= p->n; column += LANES) {
        for (long row = 0; row < p->m; row++) {
            Vector sum = 0;
            const float *a = p->a + row * p->a_stride;
            for (long i = 0; i < p->k; i++) {
                sum = MULTIPLY_ADD((Vector)a[i], WIDENED(b + i * p->b_stride + column), sum);
            }
            float *c = p->c + row * p->c_stride + column;
            sum *= p->alpha;
            STORE(c, p->beta == 0 ? sum : sum + LOAD(c) * p->beta);
        }
    }
    for (; column < p->n; column++) {
        for (long row = 0; row < p->m; row++) {
            float sum = 0;
            for (long i = 0; i < p->k; i++) {
                sum = MULTIPLY_ADD(p->a[row * p->a_stride + i], WIDENED_ONE(b[i * p->b_stride + column]), sum);
            }
            float *c = p->c + row * p->c_stride + column;
            *c = p->beta == 0 ? sum * p->alpha : sum * p->alpha + *c * p->beta;
        }
    }
}
