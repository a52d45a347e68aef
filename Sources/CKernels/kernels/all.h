// All kernels of one set of instructions, and its table (see vector.h).
#include "vector.h"

#include "totals.h"

#include "math.h"

#include "product.h"

#include "sparse.h"

#include "depthwise.h"

#include "winograd.h"

#include "recurrent.h"

#define ELEMENTS(name) SET(name)
#define ELEMENT float
#define WIDENED(p) LOAD(p)
#define WIDENED_ONE(x) (x)
#include "few_rows.h"
#include "pack.h"
#undef ELEMENTS
#undef ELEMENT
#undef WIDENED
#undef WIDENED_ONE
#define ELEMENTS(name) SET(name##_half)
#define ELEMENT unsigned short
#define WIDENED(p) SET(widened)(p)
#define WIDENED_ONE(x) SET(widened_one)(x)
#include "few_rows.h"
#include "pack.h"
#undef ELEMENTS
#undef ELEMENT
#undef WIDENED
#undef WIDENED_ONE

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
    .pack = SET(pack),
    .pack_half = SET(pack_half),
    .sparse_row = SET(sparse_row),
    .gather_nonzero = SET(gather_nonzero),
    .few_rows = SET(few_rows),
    .few_rows_half = SET(few_rows_half),
    .few_rows_transposed = SET(few_rows_transposed),
    .few_rows_transposed_half = SET(few_rows_transposed_half),
    .long_row = 1024,
    .depthwise = SET(depthwise),
    .winograd_scatter = SET(winograd_scatter),
    .winograd_gather = SET(winograd_gather),
    .winograd_weights = SET(winograd_weights),
    .sum_taps = SET(sum_taps),
    .add = SET(add),
    .multiply = SET(multiply),
    .apply_backward = SET(apply_backward),
    .apply = SET(apply),
    .exponentials = SET(exponentials),
    .widen = SET(widen),
    .softmax = SET(softmax),
    .log_sum_exp = SET(log_sum_exp),
    .maximum = SET(maximum),
    .sum = SET(sum),
    .dot = SET(dot_product),
    .attention = SET(attention),
    .prepare_queries = SET(prepare_queries),
    .attention_backward = SET(attention_backward),
    .lstm_cell = SET(lstm_cell),
    .lstm_cell_backward = SET(lstm_cell_backward),
};
