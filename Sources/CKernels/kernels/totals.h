// Halves as floats, and sums over the elements of vectors.

typedef unsigned short Halves __attribute__((ext_vector_type(LANES)));
typedef unsigned short UnalignedHalves __attribute__((ext_vector_type(LANES), aligned(1)));

// Exact. Without an instruction for it, this uses integer arithmetic: the compiler's own conversion would be a call for
// each element.
INLINE Vector SET(widened)(const void *p) {
    const Halves halves = *(const UnalignedHalves *)p;
#if HAS_HALF
    typedef _Float16 Half __attribute__((ext_vector_type(LANES)));
    return __builtin_convertvector((Half)halves, Vector);
#else
    typedef unsigned int Bits __attribute__((ext_vector_type(LANES)));
    const Bits bits = __builtin_convertvector(halves, Bits);
    const Bits sign = (bits & 0x8000u) << 16, magnitude = (bits & 0x7FFFu) << 13;
    // The exponent's bias changes by 127 - 15 = 112. Infinities and NaN need twice that.
    const Bits normal = magnitude + (112u << 23), special = magnitude + (224u << 23);
    // A subnormal half is m * 2^-24. It is computed as (2^-14 + m * 2^-24) - 2^-14, which is exact.
    const Vector one = (Vector)((Bits)(113u << 23));
    const Bits subnormal = (Bits)((Vector)(magnitude + (113u << 23)) - one);
    const Bits value = magnitude >= (31u << 23) ? special : magnitude < (1u << 23) ? subnormal : normal;
    return (Vector)(value | sign);
#endif
}

static float SET(widened_one)(unsigned short half) {
    const unsigned sign = (half & 0x8000u) << 16, magnitude = (half & 0x7FFFu) << 13;
    union { unsigned bits; float value; } x, one = {113u << 23};
    if (magnitude >= (31u << 23)) {
        x.bits = magnitude + (224u << 23);
    } else if (magnitude < (1u << 23)) {
        x.bits = magnitude + (113u << 23);
        x.value -= one.value;
    } else {
        x.bits = magnitude + (112u << 23);
    }
    x.bits |= sign;
    return x.value;
}

// The sums of the elements of four vectors. Each adds its upper half to its lower half, and so on.
INLINE void SET(totals)(Vector a, Vector b, Vector c, Vector d, float *result) {
    typedef float Four __attribute__((ext_vector_type(4)));
#if LANES == 16
#define LOW 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
    const Vector ab = __builtin_shufflevector(a, b, LOW) + __builtin_shufflevector(a, b, HIGH);
    const Vector cd = __builtin_shufflevector(c, d, LOW) + __builtin_shufflevector(c, d, HIGH);
#undef LOW
#undef HIGH
    const Vector fours =
        __builtin_shufflevector(ab, cd, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
        + __builtin_shufflevector(ab, cd, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    const Vector twos =
        fours + __builtin_shufflevector(fours, fours, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    *(Four *)result =
        __builtin_shufflevector(twos, twos, 0, 4, 8, 12) + __builtin_shufflevector(twos, twos, 1, 5, 9, 13);
#else
#if LANES == 8
#define FOUR(v) (__builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7))
#else
#define FOUR(v) (v)
#endif
    const Four w = FOUR(a), x = FOUR(b), y = FOUR(c), z = FOUR(d);
#undef FOUR
    const Four wx = __builtin_shufflevector(w, x, 0, 1, 4, 5) + __builtin_shufflevector(w, x, 2, 3, 6, 7);
    const Four yz = __builtin_shufflevector(y, z, 0, 1, 4, 5) + __builtin_shufflevector(y, z, 2, 3, 6, 7);
    *(Four *)result = __builtin_shufflevector(wx, yz, 0, 2, 4, 6) + __builtin_shufflevector(wx, yz, 1, 3, 5, 7);
#endif
}
