// Products with rows of few elements that are not zero.

static long SET(gather_nonzero)(const float *x, long n, float *values, int *indices) {
    long count = 0, k = 0;
#if HAS_COMPRESS
    typedef int Ints __attribute__((ext_vector_type(16), aligned(4)));
    Ints numbers = (Ints){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (; k + 16 <= n; k += 16) {
        const Vector v = LOAD(x + k), zero = 0;
        const unsigned short mask = __builtin_ia32_cmpps512_mask(v, zero, 4, 0xFFFF, 4);
        STORE(values + count, __builtin_ia32_compresssf512_mask(v, zero, mask));
        *(Ints *)(indices + count) = __builtin_ia32_compresssi512_mask(numbers, (Ints)0, mask);
        count += __builtin_popcount(mask);
        numbers += 16;
    }
#elif HAS_EXTRACT
    typedef int Ints __attribute__((ext_vector_type(8), aligned(4)));
    typedef unsigned char Bytes __attribute__((ext_vector_type(8)));
    typedef int Positions __attribute__((ext_vector_type(8)));
    for (; k + 8 <= n; k += 8) {
        const Vector v = LOAD(x + k), zero = 0;
        const unsigned mask = (unsigned)__builtin_ia32_movmskps256((Vector)(v != zero));
        // The numbers of the elements that are not zero, a byte each, one after the other.
        const unsigned long long wanted = __builtin_ia32_pdep_di(mask, 0x0101010101010101) * 0xFF;
        const unsigned long long found = __builtin_ia32_pext_di(0x0706050403020100, wanted);
        Bytes bytes;
        __builtin_memcpy(&bytes, &found, sizeof bytes);
        const Positions positions = __builtin_convertvector(bytes, Positions);
        STORE(values + count, __builtin_ia32_permvarsf256(v, positions));
        *(Ints *)(indices + count) = positions + (int)k;
        count += __builtin_popcount(mask);
    }
#endif
    for (; k < n; k++) {
        values[count] = x[k];
        indices[count] = (int)k;
        count += x[k] != 0;
    }
    return count;
}

INLINE void SET(multiply_sparse)(const int vectors, mmx_sparse_row *r) {
    Vector sums[8];
    float *kept = r->kept;
    UNROLLED for (int i = 0; i < vectors; i++) sums[i] = r->is_first ? (Vector)0 : LOAD(kept + i * LANES);
    const float *panels = r->panels, *values = r->values;
    const int *indices = r->indices;
    const long width = r->width, stride = r->panel_stride, count = r->count, end = r->end;
    long n = r->from;
    ROLLED while (n < count) {
        const long k = indices[n];
        if (k >= end) break;
        const Vector x = values[n];
        const float *line = panels + k * width;
        UNROLLED for (int i = 0; i < vectors; i++)
            sums[i] = MULTIPLY_ADD(x, LOAD(line + (i >> 1) * stride + (i & 1) * LANES), sums[i]);
        n++;
    }
    UNROLLED for (int i = 0; i < vectors; i++) STORE(kept + i * LANES, sums[i]);
    r->from = n;
    if (!r->is_last) return;
    const mmx_epilogue *e = &r->epilogue;
    float *c = r->c + r->column;
    long i = 0;
    for (; i + LANES <= r->columns; i += LANES) {
        Vector v = LOAD(kept + i);
        if (e->bias) v += LOAD(e->bias + r->column + i);
        if (e->shortcut) v += LOAD((const float *)((const char *)(c + i) + e->shortcut));
        STORE(c + i, CLAMPED(v, e->low, e->high));
    }
    if (i < r->columns) SET(store_some)(kept + i, r->columns - i, c + i, r->column + i, e);
}

static __attribute__((noinline)) void SET(sparse_8)(mmx_sparse_row *r) { SET(multiply_sparse)(8, r); }
static __attribute__((noinline)) void SET(sparse_6)(mmx_sparse_row *r) { SET(multiply_sparse)(6, r); }
static __attribute__((noinline)) void SET(sparse_4)(mmx_sparse_row *r) { SET(multiply_sparse)(4, r); }
static __attribute__((noinline)) void SET(sparse_2)(mmx_sparse_row *r) { SET(multiply_sparse)(2, r); }
static __attribute__((noinline)) void SET(sparse_1)(mmx_sparse_row *r) { SET(multiply_sparse)(1, r); }

static void SET(sparse_row)(mmx_sparse_row *r) {
    switch (r->vectors) {
    case 8: return SET(sparse_8)(r);
    case 6: return SET(sparse_6)(r);
    case 4: return SET(sparse_4)(r);
    case 2: return SET(sparse_2)(r);
    default: return SET(sparse_1)(r);
    }
}
