// AVX2 with FMA: 16 registers of 8 floats.
#if defined(__x86_64__)
#define SET(name) mmx_avx2_##name
#define SET_NAME "avx2"
#define LANES 8
#define ROWS 6
#define DOT_ROWS 3
#define MOST_COLUMNS 7
#define HAS_SIXTEEN_REGISTERS 1
#define HAS_FMA 1
#define HAS_HALF 1
#define HAS_EXTRACT 1
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,popcnt"))), apply_to = function)
#include "kernels/all.h"
#pragma clang attribute pop
#endif
