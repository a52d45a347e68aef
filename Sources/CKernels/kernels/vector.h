// The vectors of a set of instructions. A file of `sets` defines, and then includes `all.h`:
//   SET(name)    the name of a function of this set
//   SET_NAME     the set's name
//   LANES        the floats of a vector register
//   ROWS         the rows of a register block: twice as many accumulators, and what a step reads, fit the registers
//   DOT_ROWS     the rows of A that are multiplied with four rows of B at once
//   MOST_COLUMNS the most output columns of a depthwise convolution at once
//   HAS_SIXTEEN_REGISTERS  1 if there are no more
//   HAS_FMA      1 if there is a multiply-add that rounds once
//   HAS_HALF     1 if there is an instruction that widens halves
#include "../include/CKernels.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")

typedef float Vector __attribute__((ext_vector_type(LANES)));
// The same at any address.
typedef float Unaligned __attribute__((ext_vector_type(LANES), aligned(4)));
typedef float HalfVector __attribute__((ext_vector_type(LANES / 2)));
typedef float UnalignedHalfVector __attribute__((ext_vector_type(LANES / 2), aligned(4)));

#define LOAD(p) ((Vector) * (const Unaligned *)(p))
#define STORE(p, v) (*(Unaligned *)(p) = (v))
#define SPLAT(x) ((Vector)(x))

#if HAS_FMA
#define MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

// Keeps what computes v before what follows, where the compiler would otherwise load more than sixteen registers hold,
// and move sums to the stack.
#if HAS_SIXTEEN_REGISTERS && defined(__x86_64__)
#define IN_ORDER(v) __asm__ volatile("" : "+x"(v))
#else
#define IN_ORDER(v) ((void)0)
#endif

// NaN stays NaN.
#define CLAMPED(v, low, high) SET(clamped)(v, low, high)
INLINE Vector SET(clamped)(Vector v, float low, float high) {
    const Vector l = low, h = high;
    v = v < l ? l : v;
    return h < v ? h : v;
}

// The epilogue of n results, fewer than a vector or a panel has.
static __attribute__((noinline)) void SET(store_some)(
    const float *sums, long n, float *c, long column, const mmx_epilogue *e) {
    for (long i = 0; i < n; i++) {
        float value = sums[i];
        if (e->bias) value += e->bias[column + i];
        if (e->shortcut) value += *(const float *)((const char *)(c + i) + e->shortcut);
        value = value < e->low ? e->low : value;
        c[i] = e->high < value ? e->high : value;
    }
}
