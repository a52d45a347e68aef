// AVX-512: 32 registers of 16 floats.
#if defined(__x86_64__)
#define SET(name) mmx_avx512_##name
#define SET_NAME "avx512"
#define LANES 16
#define ROWS 12
#define DOT_ROWS 4
#define MOST_COLUMNS 7
#define HAS_FMA 1
#define HAS_HALF 1
#define HAS_HALF_PANELS 1
#define HAS_COMPRESS 1
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,popcnt"))), apply_to = function)
#include "kernels/all.h"
#pragma clang attribute pop
#endif
