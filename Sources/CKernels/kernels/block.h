// A register block: some rows of a product for one panel, with all sums in registers. Each step along the depth reads
// two vectors of B and one element of each row of A (Goto & van de Geijn 2008, section 4).
//
// Included for each kind of panel, with:
//   BLOCK(name)      the name of a function of this kind
//   SECOND           the type of the second vector; not defined if the panel has one vector
//   SECOND_UNALIGNED
//   WIDTH            the panel's columns
//   MOST_ROWS        the most rows of a block

INLINE void BLOCK(block)(
    const int rows, const int has_offsets, const mmx_product *p, long depth, long from, long row, float *kept,
    const int is_first, const int is_last) {
    const long stride = p->row_stride, step = p->step;
    const long *offsets = has_offsets ? p->offsets + from : NULL;
    const float *a = p->a + row * stride + (has_offsets ? 0 : from * step), *b = p->panel + from * WIDTH;
    Vector x[MOST_ROWS];
#ifdef SECOND
    SECOND y[MOST_ROWS];
#endif
    UNROLLED for (int i = 0; i < rows; i++) {
        x[i] = is_first ? (Vector)0 : LOAD(kept + i * WIDTH);
#ifdef SECOND
        y[i] = is_first ? (SECOND)0 : (SECOND) * (const SECOND_UNALIGNED *)(kept + i * WIDTH + LANES);
#endif
    }
    ROLLED for (long k = 0; k < depth; k++) {
        const float *first = has_offsets ? a + offsets[k] : a;
        // Three addresses, and the rows between them by multiples of the stride: twelve would not fit the registers.
        const float *second = first + 4 * stride, *third = first + 8 * stride;
        // One page ahead: the processor's own prefetching stops at page boundaries.
        __builtin_prefetch(b + 1024);
#ifdef SECOND
        if (WIDTH > 16) __builtin_prefetch(b + 1040);
#endif
        const Vector b0 = LOAD(b);
#ifdef SECOND
        const SECOND b1 = *(const SECOND_UNALIGNED *)(b + LANES);
#endif
        UNROLLED for (int i = 0; i < rows; i++) {
            const float element = (i < 4 ? first : i < 8 ? second : third)[(i & 3) * stride];
            x[i] = MULTIPLY_ADD((Vector)element, b0, x[i]);
#ifdef SECOND
            y[i] = MULTIPLY_ADD((SECOND)element, b1, y[i]);
#endif
        }
        a += has_offsets ? 0 : step;
        b += WIDTH;
    }
    if (!is_last) {
        UNROLLED for (int i = 0; i < rows; i++) {
            STORE(kept + i * WIDTH, x[i]);
#ifdef SECOND
            *(SECOND_UNALIGNED *)(kept + i * WIDTH + LANES) = y[i];
#endif
        }
        return;
    }
    float *c = p->c + row * p->c_stride + p->column;
    const mmx_epilogue *e = &p->epilogue;
    if (p->columns < WIDTH) {
        float sums[WIDTH];
        UNROLLED for (int i = 0; i < rows; i++) {
            STORE(sums, x[i]);
#ifdef SECOND
            *(SECOND_UNALIGNED *)(sums + LANES) = y[i];
#endif
            SET(store_some)(sums, p->columns, c + i * p->c_stride, p->column, e);
        }
        return;
    }
    const Vector low = e->low, high = e->high;
#ifdef SECOND
    const SECOND low1 = e->low, high1 = e->high;
#endif
    if (e->bias) {
        const Vector b0 = LOAD(e->bias + p->column);
        UNROLLED for (int i = 0; i < rows; i++) x[i] += b0;
#ifdef SECOND
        const SECOND b1 = *(const SECOND_UNALIGNED *)(e->bias + p->column + LANES);
        UNROLLED for (int i = 0; i < rows; i++) y[i] += b1;
#endif
    }
    if (e->shortcut) {
        const float *other = (const float *)((const char *)c + e->shortcut);
        UNROLLED for (int i = 0; i < rows; i++) {
            x[i] += LOAD(other + i * p->c_stride);
#ifdef SECOND
            y[i] += *(const SECOND_UNALIGNED *)(other + i * p->c_stride + LANES);
#endif
        }
    }
    UNROLLED for (int i = 0; i < rows; i++) {
        x[i] = x[i] < low ? low : x[i];
        STORE(c + i * p->c_stride, high < x[i] ? high : x[i]);
#ifdef SECOND
        y[i] = y[i] < low1 ? low1 : y[i];
        *(SECOND_UNALIGNED *)(c + i * p->c_stride + LANES) = high1 < y[i] ? high1 : y[i];
#endif
    }
}

// The block with a number of rows that is known when it is compiled.
#define WITH_ROWS(n)                                                                                             \
    static __attribute__((noinline)) void BLOCK(rows_##n)(                                                       \
        const mmx_product *p, long depth, long from, long row, float *kept, int is_first, int is_last) {         \
        BLOCK(block)(n, 0, p, depth, from, row, kept, is_first, is_last);                                        \
    }                                                                                                            \
    static __attribute__((noinline)) void BLOCK(window_rows_##n)(                                                \
        const mmx_product *p, long depth, long from, long row, float *kept, int is_first, int is_last) {         \
        BLOCK(block)(n, 1, p, depth, from, row, kept, is_first, is_last);                                        \
    }
WITH_ROWS(1)
WITH_ROWS(2)
WITH_ROWS(3)
WITH_ROWS(4)
WITH_ROWS(5)
WITH_ROWS(6)
#if MOST_ROWS > 6
WITH_ROWS(7)
WITH_ROWS(8)
WITH_ROWS(9)
WITH_ROWS(10)
WITH_ROWS(11)
WITH_ROWS(12)
#endif
#undef WITH_ROWS

static const SET(Block) BLOCK(by_rows)[2][MOST_ROWS] = {
    {BLOCK(rows_1), BLOCK(rows_2), BLOCK(rows_3), BLOCK(rows_4), BLOCK(rows_5), BLOCK(rows_6),
#if MOST_ROWS > 6
     BLOCK(rows_7), BLOCK(rows_8), BLOCK(rows_9), BLOCK(rows_10), BLOCK(rows_11), BLOCK(rows_12)
#endif
    },
    {BLOCK(window_rows_1), BLOCK(window_rows_2), BLOCK(window_rows_3), BLOCK(window_rows_4), BLOCK(window_rows_5),
     BLOCK(window_rows_6),
#if MOST_ROWS > 6
     BLOCK(window_rows_7), BLOCK(window_rows_8), BLOCK(window_rows_9), BLOCK(window_rows_10),
     BLOCK(window_rows_11), BLOCK(window_rows_12)
#endif
    }};

#undef BLOCK
#undef SECOND
#undef SECOND_UNALIGNED
#undef WIDTH
#undef MOST_ROWS
