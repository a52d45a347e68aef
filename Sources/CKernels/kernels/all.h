// All kernels of one set of instructions, and its table (see vector.h).
#include "vector.h"

#include "totals.h"

#include "product.h"

#include "sparse.h"

#include "depthwise.h"

#define ELEMENTS(name) SET(name)
#define ELEMENT float
#define WIDENED(p) LOAD(p)
#define WIDENED_ONE(x) (x)
#include "few_rows.h"
#define ELEMENTS(name) SET(name##_half)
#define ELEMENT unsigned short
#define WIDENED(p) SET(widened)(p)
#define WIDENED_ONE(x) SET(widened_one)(x)
#include "few_rows.h"

const mmx_kernels SET(table) = {
    .name = SET_NAME,
    .vector = LANES,
    .panel = 2 * LANES,
    .block_rows = ROWS,
#if HAS_HALF_PANELS
    .has_half_panels = 1,
#endif
    .longest_depth = SET(longest_depth),
    .product = SET(product),
    .sparse_row = SET(sparse_row),
    .gather_nonzero = SET(gather_nonzero),
    .few_rows_transposed = SET(few_rows_transposed),
    .few_rows_transposed_half = SET(few_rows_transposed_half),
    .depthwise = SET(depthwise),
};
