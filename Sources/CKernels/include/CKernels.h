#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>

// The kernels whose code depends on the processor's vector instructions. They are written once, in `kernels`, and
// compiled for each set of instructions; the program takes the table of the best set that the processor has when it
// starts.

// What is done with a result before it is stored: clamp(value + bias + shortcut, low, high).
typedef struct {
    // A value for each column; NULL for none.
    const float *bias;
    float low, high;
    // The distance in bytes from a result to the value that is added to it; 0 for none.
    long shortcut;
} mmx_epilogue;

// C = epilogue(A B) for one panel of B. An element of A is at `a + row * row_stride + k * step`, or, if there are
// offsets, at `a + row * row_stride + offsets[k]`.
typedef struct {
    long rows, depth;
    const float *a;
    long row_stride, step;
    const long *offsets;
    // `[depth, width]`
    const float *panel;
    long width;
    // Column `column` of the first row is at `c + column`; the panel has `columns` columns that are stored.
    float *c;
    long c_stride, column, columns;
    mmx_epilogue epilogue;
    // Memory for the sums of all rows, `[rows, width]`, between two parts of a depth of more than `longest_depth`. With
    // NULL, the whole depth is one part.
    float *kept;
} mmx_product;

// Columns of a matrix B, whose element (k, n) is at `b + k * row_stride + n * column_stride`, as a panel `[depth,
// width]` with zeros after `columns` columns.
typedef struct {
    const void *b;
    long depth, columns, row_stride, column_stride;
    float *panel;
    long width;
} mmx_packing;

// A row of few elements that are not zero, by ascending index, times some panels of B.
typedef struct {
    const float *values;
    const int *indices;
    long count;
    // The panels: the first one's address, their width, the distance between two, and the vectors that they have.
    const float *panels;
    long width, panel_stride, vectors;
    // The elements whose index is below `end`, from number `from` on, are multiplied.
    long from, end;
    int is_first, is_last;
    // Memory for the sums.
    float *kept;
    float *c;
    long column, columns;
    mmx_epilogue epilogue;
} mmx_sparse_row;

// C = alpha A op(B) + beta C: A `[m, k]`, C `[m, n]`; B `[k, n]`, or `[n, k]` if it is transposed.
typedef struct {
    long m, n, k;
    float alpha, beta;
    const float *a;
    long a_stride;
    const void *b;
    long b_stride;
    float *c;
    long c_stride;
    // Only for a B that is not transposed and has `mmx_kernels.long_row` columns or more: memory for `m` rows of
    // `scratch_columns` sums, and for k indices.
    float *scratch;
    long scratch_columns;
    int *used;
} mmx_few_rows;

// A depthwise convolution's rows, for whole vectors of channels.
typedef struct {
    // `[height, width, channels]`
    const float *image;
    long height, width, channels;
    // `[kernel_height, kernel_width, channels]`
    const float *weights;
    long kernel_height, kernel_width, stride_height, stride_width, top, left;
    long first_row, end_row, columns;
    long first_channel, end_channel;
    mmx_epilogue epilogue;
    // `[rows, columns, channels]`
    float *output;
} mmx_depthwise;

// The gradient of the input of a depthwise convolution with a stride, for one pixel and all channels: the sum over some
// rows and columns of the output's gradients times the weights.
typedef struct {
    const float *gradients;
    long row_step, column_step;
    const float *weights;
    long weight_row_step, weight_column_step;
    long rows, columns, channels;
    float *output;
} mmx_taps;

// Weights of some outputs of a 3x3 convolution, which are in one panel, for Winograd's products.
typedef struct {
    // Weight (output, row, column, input) is at `weights + output * output_stride + input * input_stride + (3 * row +
    // column) * position_stride`, or, if the kernel is turned by 180 degrees, at position 8 less that.
    const float *weights;
    long output_stride, input_stride, position_stride;
    int is_turned;
    long inputs, outputs;
    // The first of 36 planes, which are `plane` apart; an input's row of the panel has `width` columns, of which
    // `stored` are written, with zeros after the outputs.
    float *panel;
    long plane, width, stored;
} mmx_winograd_weights;

// What the gradient of an activation y is: g times its derivative; 0 where g is not positive, or both.
typedef enum { MMX_EXACT, MMX_GUIDED, MMX_DECONVOLUTION } mmx_relu_rule;

// Functions of one element.
typedef enum { MMX_RELU, MMX_RELU6, MMX_TANH, MMX_SIGMOID } mmx_function;

// Soft attention of some rows to the regions of one image (AttentionLSTM.swift).
typedef struct {
    // Whether keys and prepared queries are e^2k and e^2q; else k and q.
    int is_factored;
    long rows, regions, width, padded, depth, hidden;
    // `[regions, padded]`, `[regions, depth]`, `[padded]`
    const float *keys, *annotations, *weight;
    // `[rows, width]`, and memory for `[rows, padded]`
    const float *queries;
    float *prepared;
    // The states, in rows `h_stride` apart, and the gate's weight `[hidden]` and bias.
    const float *h;
    long h_stride;
    const float *gate_weight;
    float gate_bias;
    // The results: beta `[rows]`; z `[depth]` and alpha `[regions]` in rows `stride` apart.
    float *beta, *z, *alpha;
    long stride;
} mmx_attention;

// The backward pass of the scores of some rows for the regions of one image.
typedef struct {
    int is_factored;
    long rows, regions, padded;
    // The gradients of the scores, `[rows, regions]`.
    const float *gradients;
    const float *keys, *prepared;
    // Sums that are added to: `[rows, padded]`, `[regions, padded]`, `[padded]`.
    float *query_sums, *key_sums, *weight_sums;
} mmx_attention_backward;

// The tiles of a Winograd convolution (Winograd.swift).
typedef struct {
    long height, width, channels, output_height, output_width, outputs, top, left, down, across;
    // Whether the maximum of each 2x2 results is stored.
    int is_pooled;
} mmx_tiles;

typedef struct {
    // As MMX_INSTRUCTIONS names it: "avx512", "avx2", "sse2", "neon" or "portable".
    const char *name;
    // The floats of a vector; the columns of a panel, twice as many; the rows of a register block.
    long vector, panel, block_rows;
    // Whether a last panel may be one vector and a half wide.
    int has_half_panels;
    // A product of a longer depth needs memory for its sums (`mmx_product.kept`).
    long longest_depth;

    void (*product)(const mmx_product *);
    // B as floats and as halves.
    void (*pack)(const mmx_packing *);
    void (*pack_half)(const mmx_packing *);
    void (*sparse_row)(mmx_sparse_row *);
    // Stores the elements of x that are not zero at `values` and their positions at `indices`, both with memory for a
    // vector more than n. Returns their number.
    long (*gather_nonzero)(const float *x, long n, float *values, int *indices);
    // B as floats and as halves.
    void (*few_rows)(const mmx_few_rows *);
    void (*few_rows_half)(const mmx_few_rows *);
    void (*few_rows_transposed)(const mmx_few_rows *);
    void (*few_rows_transposed_half)(const mmx_few_rows *);
    // The columns from which `few_rows` works in chunks of this many.
    long long_row;
    // For kernels of 3 and 5 columns, strides of 1 and 2, and 5 output columns or more.
    void (*depthwise)(const mmx_depthwise *);
    // B^T d B of a tile, to 36 planes that are `plane` apart, each padded to whole vectors of 16 channels.
    void (*winograd_scatter)(const mmx_tiles *, const float *x, long tile, float *v, long plane);
    // A^T m A of a tile, after the epilogue, to y.
    void (*winograd_gather)(
        const mmx_tiles *, const float *m, long plane, long tile, float *y, const mmx_epilogue *);

    // The same for a weight: G g G^T.
    void (*winograd_weights)(const mmx_winograd_weights *);
    void (*sum_taps)(const mmx_taps *);

    // y = a + factor b, and y = factor a b; y may be a or b.
    void (*add)(long n, const float *a, const float *b, float factor, float *y);
    void (*multiply)(long n, const float *a, const float *b, float factor, float *y);
    // The gradient of x from that of y = f(x), g, and y.
    void (*apply_backward)(mmx_function, mmx_relu_rule, long n, const float *g, const float *y, float *dx);
    // y = f(x); x may be y.
    void (*apply)(mmx_function, long n, const float *x, float *y);
    // y = e^(scale x - shift); x may be y.
    void (*exponentials)(long n, const float *x, float scale, float shift, float *y);
    // Halves at any address, as floats.
    void (*widen)(long n, const void *halves, float *y);
    // The softmax of a row; x may be y.
    void (*softmax)(long n, const float *x, float *y);
    float (*log_sum_exp)(long n, const float *x);
    float (*maximum)(long n, const float *x);
    float (*sum)(long n, const float *x);
    float (*dot)(long n, const float *a, const float *b);

    void (*attention)(const mmx_attention *);
    // Queries as `mmx_attention.prepared`.
    void (*prepare_queries)(int is_factored, long rows, long width, long padded, const float *queries, float *prepared);
    void (*attention_backward)(const mmx_attention_backward *);
    // A row of an LSTM's cell (LSTM.swift): gates `[4, hidden]`, on entry the sums.
    void (*lstm_cell)(long hidden, float *gates, const float *c_before, float *h, float *c);
    void (*lstm_cell_backward)(
        long hidden, const float *gates, const float *c, const float *c_before, const float *dh, float *dc,
        float *d_gates);
} mmx_kernels;

// The table of a set of instructions by its name, or of the best one for NULL; NULL if the processor does not have it.
const mmx_kernels *mmx_kernels_named(const char *name);

// The names of the sets that the processor has, the best first, separated by a space.
const char *mmx_kernels_names(void);

#endif
