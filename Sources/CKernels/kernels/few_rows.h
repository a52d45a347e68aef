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
        const Vector y0 = WIDENED(b + i), y1 = WIDENED(b1 + i), y2 = WIDENED(b2 + i), y3 = WIDENED(b3 + i);
        UNROLLED for (int r = 0; r < rows; r++) {
            const Vector x = LOAD(a + r * lda + i);
            sums[r][0] = MULTIPLY_ADD(x, y0, sums[r][0]);
            sums[r][1] = MULTIPLY_ADD(x, y1, sums[r][1]);
            sums[r][2] = MULTIPLY_ADD(x, y2, sums[r][2]);
            sums[r][3] = MULTIPLY_ADD(x, y3, sums[r][3]);
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
#if DOT_ROWS > 2
DOT(3)
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
#if DOT_ROWS > 2
            case 2: ELEMENTS(dot_2)(p, a, b, columns, c); row += 2; break;
            case 3: ELEMENTS(dot_3)(p, a, b, columns, c); row += 3; break;
            default: ELEMENTS(dot_4)(p, a, b, columns, c); row += 4;
#else
            default: ELEMENTS(dot_2)(p, a, b, columns, c); row += 2;
#endif
            }
        }
    }
}

#undef ELEMENTS
#undef ELEMENT
#undef WIDENED
#undef WIDENED_ONE
