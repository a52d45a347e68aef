#ifndef CVECTOR_H
#define CVECTOR_H

// Sixteen floats: Swift's SIMD16<Float>.
typedef float mmx_float16 __attribute__((ext_vector_type(16)));

// For loops over vectors in Swift, which take little time: they are compiled for what every processor of the architecture
// has. All other such loops are in CKernels.

// a * b + c, in one instruction and rounded once if the architecture has that. Swift's `addingProduct` compiles to
// sixteen instructions.
static inline __attribute__((always_inline)) mmx_float16 mmx_multiply_add(mmx_float16 a, mmx_float16 b, mmx_float16 c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

// Element by element: a < b ? x : y, and so on. One or two instructions each; Swift's `replacing(with:where:)` splits
// the vector and compiles to twenty.
static inline __attribute__((always_inline)) mmx_float16 mmx_if_less(
    mmx_float16 a, mmx_float16 b, mmx_float16 x, mmx_float16 y) {
    return a < b ? x : y;
}
static inline __attribute__((always_inline)) mmx_float16 mmx_if_zero(mmx_float16 a, mmx_float16 x, mmx_float16 y) {
    return a == 0 ? x : y;
}
// a > b or a is NaN.
static inline __attribute__((always_inline)) mmx_float16 mmx_if_larger_or_nan(
    mmx_float16 a, mmx_float16 b, mmx_float16 x, mmx_float16 y) {
    return ((a > b) | (a != a)) ? x : y;
}

#endif
