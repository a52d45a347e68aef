#ifndef CVECTOR_H
#define CVECTOR_H

// Sixteen floats: Swift's SIMD16<Float>.
typedef float mmx_float16 __attribute__((ext_vector_type(16)));
// SIMD8<Float>.
typedef float mmx_float8 __attribute__((ext_vector_type(8)));
// SIMD4<Float>.
typedef float mmx_float4 __attribute__((ext_vector_type(4)));
// Sixteen bit patterns: SIMD16<UInt16>.
typedef unsigned short mmx_ushort16 __attribute__((ext_vector_type(16)));

// a * b + c, in one instruction and rounded once if the processor has a fused multiply-add. Swift's `addingProduct`
// compiles to sixteen instructions, and its * and + to two, which is half the speed.
static inline __attribute__((always_inline)) mmx_float16 mmx_multiply_add(mmx_float16 a, mmx_float16 b, mmx_float16 c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

static inline __attribute__((always_inline)) mmx_float8 mmx_multiply_add8(mmx_float8 a, mmx_float8 b, mmx_float8 c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

// Converts sixteen halves to floats, exactly. Without an instruction for it, this uses integer arithmetic: the
// compiler's own conversion would be sixteen calls.
static inline __attribute__((always_inline)) mmx_float16 mmx_widened(mmx_ushort16 halves) {
#if defined(__F16C__) || defined(__AVX512F__) || defined(__aarch64__)
    typedef _Float16 half16 __attribute__((ext_vector_type(16)));
    return __builtin_convertvector((half16)halves, mmx_float16);
#else
    typedef unsigned int uint16 __attribute__((ext_vector_type(16)));
    uint16 bits = __builtin_convertvector(halves, uint16);
    uint16 sign = (bits & 0x8000u) << 16, magnitude = (bits & 0x7FFFu) << 13;
    // The exponent's bias changes by 127 - 15 = 112. Infinities and NaN need twice that.
    uint16 normal = magnitude + (112u << 23), special = magnitude + (224u << 23);
    // A subnormal half is m * 2^-24. It is computed as (2^-14 + m * 2^-24) - 2^-14, which is exact.
    mmx_float16 one = (mmx_float16)((uint16)(113u << 23));
    uint16 subnormal = (uint16)((mmx_float16)(magnitude + (113u << 23)) - one);
    uint16 value = magnitude >= (31u << 23) ? special : magnitude < (1u << 23) ? subnormal : normal;
    return (mmx_float16)(value | sign);
#endif
}

// The sums of the elements of a, b, c and d. Each adds its upper half to its lower half, and so on. This is fourteen
// instructions with AVX-512; Swift's shuffles compile to ten times as many.
static inline __attribute__((always_inline)) mmx_float4 mmx_totals(
    mmx_float16 a, mmx_float16 b, mmx_float16 c, mmx_float16 d) {
#define MMX_LOW 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define MMX_HIGH 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
    mmx_float16 ab = __builtin_shufflevector(a, b, MMX_LOW) + __builtin_shufflevector(a, b, MMX_HIGH);
    mmx_float16 cd = __builtin_shufflevector(c, d, MMX_LOW) + __builtin_shufflevector(c, d, MMX_HIGH);
#undef MMX_LOW
#undef MMX_HIGH
    mmx_float16 fours = __builtin_shufflevector(ab, cd, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
                      + __builtin_shufflevector(ab, cd, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    mmx_float16 twos = fours
                     + __builtin_shufflevector(fours, fours, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    return __builtin_shufflevector(twos, twos, 0, 4, 8, 12) + __builtin_shufflevector(twos, twos, 1, 5, 9, 13);
}

// Loads the cache line at p into the cache before it is read. p may be outside the program's memory.
static inline __attribute__((always_inline)) void mmx_prefetch(const void *p) { __builtin_prefetch(p); }

// The same for a line that will be written.
static inline __attribute__((always_inline)) void mmx_prefetch_write(const void *p) { __builtin_prefetch(p, 1); }

// Element by element: a < b ? x : y, and so on. One or two instructions each; Swift's `replacing(with:where:)` splits
// the vector and compiles to twenty.
static inline __attribute__((always_inline)) mmx_float16 mmx_if_less(
    mmx_float16 a, mmx_float16 b, mmx_float16 x, mmx_float16 y) {
    return a < b ? x : y;
}
static inline __attribute__((always_inline)) mmx_float16 mmx_if_at_most(
    mmx_float16 a, mmx_float16 b, mmx_float16 x, mmx_float16 y) {
    return a <= b ? x : y;
}
static inline __attribute__((always_inline)) mmx_float16 mmx_if_zero(mmx_float16 a, mmx_float16 x, mmx_float16 y) {
    return a == 0 ? x : y;
}
// a > b or a is NaN.
static inline __attribute__((always_inline)) mmx_float16 mmx_if_larger_or_nan(
    mmx_float16 a, mmx_float16 b, mmx_float16 x, mmx_float16 y) {
    return ((a > b) | (a != a)) ? x : y;
}

// Stores the elements of v that are not zero at `values`, and their positions plus `first` at `indices`. Both must have
// memory for sixteen. Returns the number of elements that are not zero.
static inline __attribute__((always_inline)) int mmx_gather_nonzero(
    mmx_float16 v, int first, float *values, int *indices) {
    typedef int int16 __attribute__((ext_vector_type(16), aligned(4)));
    typedef float float16 __attribute__((ext_vector_type(16), aligned(4)));
    int16 numbers = (int16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + first;
#if defined(__AVX512F__)
    mmx_float16 zero = 0;
    unsigned short mask = __builtin_ia32_cmpps512_mask(v, zero, 4, 0xFFFF, 4);
    *(float16 *)values = __builtin_ia32_compresssf512_mask(v, zero, mask);
    *(int16 *)indices = __builtin_ia32_compresssi512_mask(numbers, (int16)zero, mask);
    return __builtin_popcount(mask);
#else
    int count = 0;
    for (int i = 0; i < 16; i++) {
        values[count] = v[i];
        indices[count] = numbers[i];
        count += v[i] != 0;
    }
    return count;
#endif
}

#endif
