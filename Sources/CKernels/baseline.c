// What every processor of an architecture has: SSE2 (16 registers of 4 floats) or NEON (32 of 4).
#define SET(name) mmx_baseline_##name
#define LANES 4
#define MOST_COLUMNS 7
#if defined(__aarch64__)
#define SET_NAME "neon"
#define ROWS 12
#define DOT_ROWS 4
#define HAS_FMA 1
#define HAS_HALF 1
#else
#define SET_NAME "sse2"
#define ROWS 6
#define DOT_ROWS 3
#define HAS_SIXTEEN_REGISTERS 1
#endif
#include "kernels/all.h"
