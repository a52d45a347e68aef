#ifndef CVECTOR_H
#define CVECTOR_H

// Sixteen floats: Swift's SIMD16<Float>.
typedef float mmx_float16 __attribute__((ext_vector_type(16)));

// a * b + c in one instruction, rounded once, where the processor has one. Swift's own `addingProduct` becomes sixteen, and its * and +
// stay two: half the speed of a processor whose units multiply and add together (Intel's).
static inline __attribute__((always_inline)) mmx_float16 mmx_multiply_add(mmx_float16 a, mmx_float16 b, mmx_float16 c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

#endif
