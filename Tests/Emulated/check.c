// The kernels of an architecture that this machine is not, against plain loops in double: `make emulate` compiles it for
// aarch64 with the kernels and runs it in an emulator. On x86-64, InstructionSetTests does the same and more.
#include "../../Sources/CKernels/include/CKernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void compare(const char *what, long i, float found, double expected, double accuracy) {
    if (fabs(found - expected) <= accuracy * fmax(1, fabs(expected))) return;
    if (failures++ < 10) printf("%s, element %ld: %g, expected %g\n", what, i, found, expected);
}

static float *random_floats(long n) {
    static unsigned long long state = 1;
    float *x = malloc(sizeof(float) * (n + 64));
    for (long i = 0; i < n + 64; i++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        x[i] = (float)(state >> 40) / (1 << 23) - 1;
    }
    return x;
}

static void products(const mmx_kernels *k) {
    const long depths[] = {1, 7, 300, 600};
    for (long rows = 1; rows <= 26; rows++) {
        for (int d = 0; d < 4; d++) {
            for (long columns = 1; columns <= k->panel; columns++) {
                const long depth = depths[d], width = columns <= k->vector ? k->vector : k->panel;
                float *a = random_floats(rows * depth), *b = random_floats(depth * columns);
                float *bias = random_floats(columns), *c = random_floats(rows * columns);
                float *packed = random_floats(depth * width), *kept = random_floats(rows * width);
                k->pack(&(mmx_packing){b, depth, columns, columns, 1, packed, width});
                k->product(&(mmx_product){
                    .rows = rows, .depth = depth, .a = a, .row_stride = depth, .step = 1, .panel = packed,
                    .width = width, .c = c, .c_stride = columns, .columns = columns,
                    .epilogue = {.bias = bias, .low = -2, .high = 3}, .kept = kept});
                for (long i = 0; i < rows * columns; i++) {
                    double sum = bias[i % columns];
                    for (long n = 0; n < depth; n++) {
                        sum += (double)a[i / columns * depth + n] * b[n * columns + i % columns];
                    }
                    compare("product", i, c[i], fmin(fmax(sum, -2), 3), 1e-4);
                }
                free(a), free(b), free(bias), free(c), free(packed), free(kept);
            }
        }
    }
}

static void few_rows(const mmx_kernels *k) {
    for (long m = 1; m <= 6; m++) {
        for (long n = 1; n < 40; n += 3) {
            const long depth = 37;
            float *a = random_floats(m * depth), *b = random_floats(n * depth), *c = random_floats(m * n);
            unsigned short *halves = malloc(sizeof *halves * n * depth);
            for (long i = 0; i < n * depth; i++) {
                const _Float16 half = (_Float16)b[i];
                memcpy(&halves[i], &half, 2);
                b[i] = half;
            }
            for (int kind = 0; kind < 4; kind++) {
                const int is_transposed = kind & 1, is_half = kind > 1;
                mmx_few_rows p = {.m = m, .n = n, .k = depth, .alpha = 1, .a = a, .a_stride = depth,
                                  .b = is_half ? (void *)halves : b, .b_stride = is_transposed ? depth : n, .c = c,
                                  .c_stride = n};
                if (kind == 0) k->few_rows(&p);
                if (kind == 1) k->few_rows_transposed(&p);
                if (kind == 2) k->few_rows_half(&p);
                if (kind == 3) k->few_rows_transposed_half(&p);
                for (long i = 0; i < m * n; i++) {
                    double sum = 0;
                    for (long j = 0; j < depth; j++) {
                        sum += (double)a[i / n * depth + j] * b[is_transposed ? i % n * depth + j : j * n + i % n];
                    }
                    compare("few rows", i, c[i], sum, 1e-5);
                }
            }
            free(a), free(b), free(c), free(halves);
        }
    }
}

static void depthwise(const mmx_kernels *k) {
    for (long kernel = 3; kernel <= 5; kernel += 2) {
        for (long stride = 1; stride <= 2; stride++) {
            for (long columns = 5; columns < 12; columns++) {
                const long channels = 32, width = columns * stride, height = 5, rows = (height + stride - 1) / stride;
                float *image = random_floats(width * height * channels);
                float *weights = random_floats(kernel * kernel * channels), *y = random_floats(rows * columns * channels);
                k->depthwise(&(mmx_depthwise){
                    image, height, width, channels, weights, kernel, kernel, stride, stride, kernel / 2, kernel / 2, 0,
                    rows, columns, 0, channels, {.low = -INFINITY, .high = INFINITY}, y});
                for (long i = 0; i < rows * columns * channels; i++) {
                    const long c = i % channels, x = i / channels % columns, row = i / channels / columns;
                    double sum = 0;
                    for (long ky = 0; ky < kernel; ky++) {
                        for (long kx = 0; kx < kernel; kx++) {
                            const long iy = row * stride - kernel / 2 + ky, ix = x * stride - kernel / 2 + kx;
                            if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
                            sum += (double)image[(iy * width + ix) * channels + c]
                                 * weights[(ky * kernel + kx) * channels + c];
                        }
                    }
                    compare("depthwise", i, y[i], sum, 1e-5);
                }
                free(image), free(weights), free(y);
            }
        }
    }
}

static void rows(const mmx_kernels *k) {
    for (long n = 1; n < 70; n++) {
        float *x = random_floats(n), *y = random_floats(n), *z = random_floats(n);
        double sum = 0, dot = 0, exponentials = 0;
        for (long i = 0; i < n; i++) sum += x[i], dot += (double)x[i] * y[i], exponentials += exp(x[i]);
        compare("sum", n, k->sum(n, x), sum, 1e-5);
        compare("dot", n, k->dot(n, x, y), dot, 1e-5);
        compare("log sum exp", n, k->log_sum_exp(n, x), log(exponentials), 1e-5);
        k->softmax(n, x, z);
        for (long i = 0; i < n; i++) compare("softmax", i, z[i], exp(x[i]) / exponentials, 1e-6);
        k->exponentials(n, x, 2, 0.5f, z);
        for (long i = 0; i < n; i++) compare("exponential", i, z[i], exp(2 * (double)x[i] - 0.5), 1e-6);
        k->apply(MMX_TANH, n, x, z);
        for (long i = 0; i < n; i++) compare("tanh", i, z[i], tanh(x[i]), 1e-6);
        k->apply(MMX_SIGMOID, n, x, z);
        for (long i = 0; i < n; i++) compare("sigmoid", i, z[i], 1 / (1 + exp(-x[i])), 1e-6);
        free(x), free(y), free(z);
    }
}

int main(void) {
    const mmx_kernels *k = mmx_kernels_named(NULL);
    products(k);
    few_rows(k);
    depthwise(k);
    rows(k);
    printf("%s: %d wrong\n", k->name, failures);
    return failures != 0;
}
