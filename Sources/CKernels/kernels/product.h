// All rows of a product for one panel.

typedef void (*SET(Block))(
    const mmx_product *p, long depth, long from, long row, float *kept, int is_first, int is_last);

#define BLOCK(name) SET(two_##name)
#define SECOND Vector
#define SECOND_UNALIGNED Unaligned
#define WIDTH (2 * LANES)
#define MOST_ROWS ROWS
#include "block.h"

// Of a panel of one vector, as many rows as sums must be in flight.
#define ROWS_OF_ONE 12
#define BLOCK(name) SET(one_##name)
#define WIDTH LANES
#define MOST_ROWS ROWS_OF_ONE
#include "block.h"

// One vector and a half. On processors where a vector of sixteen takes two operations (Zen 4), the half costs half.
#if HAS_HALF_PANELS
#define BLOCK(name) SET(half_##name)
#define SECOND HalfVector
#define SECOND_UNALIGNED UnalignedHalfVector
#define WIDTH (LANES / 2 * 3)
#define MOST_ROWS ROWS
#include "block.h"
#endif

// The part of a panel's depth that is read for all rows before the next part: at most 32 KiB, which stay in the L1
// cache.
enum { SET(longest_depth) = 256 };

static void SET(product)(const mmx_product *p) {
    const SET(Block) *by_rows = p->width == 2 * LANES ? SET(two_by_rows)[p->offsets != NULL]
                              : p->width == LANES     ? SET(one_by_rows)[p->offsets != NULL]
#if HAS_HALF_PANELS
                                                      : SET(half_by_rows)[p->offsets != NULL];
#else
                                                      : NULL;
#endif
    const long longest = SET(longest_depth), parts = p->kept ? (p->depth + longest - 1) / longest : 1;
    // Blocks of nearly equal height: a low one at the end would read as much of B for fewer sums.
    const long most = p->width == LANES ? ROWS_OF_ONE : ROWS, blocks = (p->rows + most - 1) / most;
    for (long part = 0; part < (parts > 0 ? parts : 1); part++) {
        const long from = parts > 0 ? p->depth * part / parts : 0;
        const long end = parts > 0 ? p->depth * (part + 1) / parts : 0;
        for (long block = 0; block < blocks; block++) {
            const long row = p->rows * block / blocks, rows = p->rows * (block + 1) / blocks - row;
            by_rows[rows - 1](
                p, end - from, from, row, p->kept ? p->kept + row * p->width : NULL, part == 0, part + 1 >= parts);
        }
    }
}
