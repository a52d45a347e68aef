// Depthwise convolutions: each channel has its own small kernel. The vectors run along the channels. An input vector
// is used for all output columns of a block; their sums stay in registers.

// The rows (columns) of a kernel that are inside the image, for a window that begins at row (column) x.
#define KERNEL_FROM(x) ((x) < 0 ? -(x) : 0)
#define KERNEL_END(x, kernel, size) ((size) - (x) < (kernel) ? (size) - (x) : (kernel))

// The block of n columns whose first window begins at column ix, which is negative if it begins in the padding.
INLINE void SET(depthwise_block)(
    const int n, const int kw, const int sw, const int is_edge, const mmx_depthwise *p, long iy, long from, long end,
    long ix, long channel, float *output) {
    const long c = p->channels, w = p->width;
    Vector sums[MOST_COLUMNS];
    const Vector start = p->epilogue.bias ? LOAD(p->epilogue.bias + channel) : (Vector)0;
    UNROLLED for (int i = 0; i < n; i++) sums[i] = start;
    const float *line = p->image + ((iy + from) * w + ix) * c + channel;
    const float *weights = p->weights + from * kw * c + channel;
    ROLLED for (long ky = from; ky < end; ky++) {
        UNROLLED for (int j = 0; j < (n - 1) * sw + kw; j++) {
            if (is_edge && (ix + j < 0 || ix + j >= w)) continue;
            const Vector input = LOAD(line + j * c);
            // Window i has its column kx = j - i * sw here.
            UNROLLED for (int i = 0; i < n; i++) {
                const int kx = j - i * sw;
                if (kx >= 0 && kx < kw) sums[i] = MULTIPLY_ADD(input, LOAD(weights + kx * c), sums[i]);
            }
        }
        line += w * c;
        weights += kw * c;
    }
    UNROLLED for (int i = 0; i < n; i++)
        STORE(output + i * c, CLAMPED(sums[i], p->epilogue.low, p->epilogue.high));
}

// All rows, n columns at a time. Channels are the inner loop, as in memory. The last block of a row overlaps the one
// before it and stores the same results again.
INLINE void SET(depthwise_rows)(const int n, const int kw, const int sw, const mmx_depthwise *p) {
    float *to = p->output;
    for (long row = p->first_row; row < p->end_row; row++) {
        const long iy = row * p->stride_height - p->top;
        const long from = KERNEL_FROM(iy), end = KERNEL_END(iy, p->kernel_height, p->height);
        for (long at = 0; at < p->columns; at += n) {
            const long ox = at < p->columns - n ? at : p->columns - n, ix = ox * sw - p->left;
            const int is_edge = ix < 0 || ix + (n - 1) * sw + kw > p->width;
            float *output = to + ox * p->channels;
            for (long ch = p->first_channel; ch + LANES <= p->end_channel; ch += LANES) {
                if (is_edge) {
                    SET(depthwise_block)(n, kw, sw, 1, p, iy, from, end, ix, ch, output + ch);
                } else {
                    SET(depthwise_block)(n, kw, sw, 0, p, iy, from, end, ix, ch, output + ch);
                }
            }
        }
        to += p->columns * p->channels;
    }
}

#define DEPTHWISE(n, kw, sw)                                                                                           \
    static __attribute__((noinline)) void SET(depthwise_##n##_##kw##_##sw)(const mmx_depthwise *p) {                   \
        SET(depthwise_rows)(n, kw, sw, p);                                                                             \
    }
DEPTHWISE(5, 3, 1)
DEPTHWISE(6, 3, 1)
DEPTHWISE(7, 3, 1)
DEPTHWISE(5, 3, 2)
DEPTHWISE(5, 5, 1)
DEPTHWISE(6, 5, 1)
DEPTHWISE(7, 5, 1)
DEPTHWISE(5, 5, 2)
#undef DEPTHWISE

static void SET(depthwise)(const mmx_depthwise *p) {
    // The block that wastes the least at the end of a row. The cost of a block is about one column more than it has.
    long best = 5;
    for (long n = 6; n <= 7 && n <= p->columns; n++) {
        if ((p->columns + n - 1) / n * (n + 1) <= (p->columns + best - 1) / best * (best + 1)) best = n;
    }
    const int is_small = p->kernel_width == 3;
    if (p->stride_width == 2) {
        // A block of more than five columns would use more inputs than there are registers.
        if (is_small) return SET(depthwise_5_3_2)(p);
        return SET(depthwise_5_5_2)(p);
    }
    switch (best) {
    case 5: return is_small ? SET(depthwise_5_3_1)(p) : SET(depthwise_5_5_1)(p);
    case 6: return is_small ? SET(depthwise_6_3_1)(p) : SET(depthwise_6_5_1)(p);
    default: return is_small ? SET(depthwise_7_3_1)(p) : SET(depthwise_7_5_1)(p);
    }
}

// Four vectors of channels at a time, because each addition to a sum waits for the one before.
INLINE void SET(taps)(const int vectors, const mmx_taps *p, long channel) {
    Vector sums[4];
    UNROLLED for (int i = 0; i < vectors; i++) sums[i] = 0;
    for (long row = 0; row < p->rows; row++) {
        const float *g = p->gradients + row * p->row_step + channel;
        const float *w = p->weights + row * p->weight_row_step + channel;
        ROLLED for (long column = 0; column < p->columns; column++) {
            UNROLLED for (int i = 0; i < vectors; i++)
                sums[i] = MULTIPLY_ADD(LOAD(g + i * LANES), LOAD(w + i * LANES), sums[i]);
            g += p->column_step;
            w += p->weight_column_step;
        }
    }
    UNROLLED for (int i = 0; i < vectors; i++) STORE(p->output + channel + i * LANES, sums[i]);
}

static void SET(sum_taps)(const mmx_taps *p) {
    long channel = 0;
    for (; channel + 4 * LANES <= p->channels; channel += 4 * LANES) SET(taps)(4, p, channel);
    for (; channel + LANES <= p->channels; channel += LANES) SET(taps)(1, p, channel);
    for (; channel < p->channels; channel++) {
        float sum = 0;
        for (long row = 0; row < p->rows; row++) {
            for (long column = 0; column < p->columns; column++) {
                sum = MULTIPLY_ADD(
                    p->gradients[row * p->row_step + column * p->column_step + channel],
                    p->weights[row * p->weight_row_step + column * p->weight_column_step + channel], sum);
            }
        }
        p->output[channel] = sum;
    }
}
