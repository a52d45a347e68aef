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
    // Memory for the sums of all rows, `[rows, width]`, between two parts of a long depth; may be NULL for a depth of
    // at most `longest_depth`.
    float *kept;
} mmx_product;

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
    void (*sparse_row)(mmx_sparse_row *);
    // Stores the elements of x that are not zero at `values` and their positions at `indices`, both with memory for a
    // vector more than n. Returns their number.
    long (*gather_nonzero)(const float *x, long n, float *values, int *indices);
    // B as floats and as halves.
    void (*few_rows_transposed)(const mmx_few_rows *);
    void (*few_rows_transposed_half)(const mmx_few_rows *);
    // For kernels of 3 and 5 columns, strides of 1 and 2, and 5 output columns or more.
    void (*depthwise)(const mmx_depthwise *);
} mmx_kernels;

// The table of a set of instructions by its name, or of the best one for NULL; NULL if the processor does not have it.
const mmx_kernels *mmx_kernels_named(const char *name);

// The names of the sets that the processor has, the best first, separated by a space.
const char *mmx_kernels_names(void);

#endif
