// The transforms of Winograd's F(4x4, 3x3) (Lavin & Gray 2016, section 4.3), with the interpolation points 0, 1, -1, 2,
// -2 and infinity.

// Six elements times B^T: x[0], x[s], ... to y[0], y[t], ...
INLINE void SET(input_transform)(const Vector *x, const long s, Vector *y, const long t) {
    const Vector a = x[0], b = x[s], c = x[2 * s], d = x[3 * s], e = x[4 * s], f = x[5 * s];
    const Vector m4 = -4.0f, m5 = -5.0f, p4 = 4.0f, p2 = 2.0f, m2 = -2.0f;
    const Vector even = MULTIPLY_ADD(c, m4, e), odd = MULTIPLY_ADD(b, m4, d), near = e - c, far = d - b;
    y[0] = MULTIPLY_ADD(a, p4, MULTIPLY_ADD(c, m5, e));
    y[t] = even + odd;
    y[2 * t] = even - odd;
    y[3 * t] = MULTIPLY_ADD(far, p2, near);
    y[4 * t] = MULTIPLY_ADD(far, m2, near);
    y[5 * t] = MULTIPLY_ADD(b, p4, MULTIPLY_ADD(d, m5, f));
}

// Six elements times A^T.
INLINE void SET(output_transform)(const Vector *x, const long s, Vector *y, const long t) {
    const Vector a = x[0], b = x[s], c = x[2 * s], d = x[3 * s], e = x[4 * s], f = x[5 * s];
    const Vector sum = b + c, difference = b - c, far_sum = d + e, far_difference = d - e;
    const Vector p2 = 2.0f, p4 = 4.0f, p8 = 8.0f;
    y[0] = a + sum + far_sum;
    y[t] = MULTIPLY_ADD(far_difference, p2, difference);
    y[2 * t] = MULTIPLY_ADD(far_sum, p4, sum);
    y[3 * t] = MULTIPLY_ADD(far_difference, p8, difference + f);
}

// Three elements times G.
INLINE void SET(kernel_transform)(Vector a, Vector b, Vector c, Vector *y, const long t) {
    const Vector even = (a + c) * (-1.0f / 6), odd = b * (-1.0f / 6);
    const Vector far = a * (1.0f / 24) + c * (1.0f / 6), far_odd = b * (1.0f / 12);
    y[0] = a * 0.25f;
    y[t] = even + odd;
    y[2 * t] = even - odd;
    y[3 * t] = far + far_odd;
    y[4 * t] = far - far_odd;
    y[5 * t] = c;
}

static void SET(winograd_weights)(const mmx_winograd_weights *p) {
    for (long input = 0; input < p->inputs; input++) {
        for (long first = 0; first < p->stored; first += LANES) {
            const long valid = p->outputs - first < LANES ? p->outputs - first : LANES;
            const float *element = p->weights + input * p->input_stride + first * p->output_stride;
            Vector kernel[9];
            for (int i = 0; i < 9; i++) {
                const float *at = element + (p->is_turned ? 8 - i : i) * p->position_stride;
                float values[LANES] = {0};
                for (long j = 0; j < valid; j++) values[j] = at[j * p->output_stride];
                kernel[i] = p->output_stride == 1 && valid == LANES ? LOAD(at) : LOAD(values);
            }
            // G g: three columns of six elements.
            Vector grid[18];
            for (int column = 0; column < 3; column++) {
                SET(kernel_transform)(kernel[column], kernel[3 + column], kernel[6 + column], grid + column, 3);
            }
            float *to = p->panel + input * p->width + first;
            const long kept = p->stored - first < LANES ? p->stored - first : LANES;
            for (int row = 0; row < 6; row++) {
                Vector t[6];
                SET(kernel_transform)(grid[3 * row], grid[3 * row + 1], grid[3 * row + 2], t, 1);
                for (int column = 0; column < 6; column++) {
                    float *at = to + (6 * row + column) * p->plane;
                    if (kept == LANES) STORE(at, t[column]);
                    else SET(keep_some)(at, kept, t[column]);
                }
            }
        }
    }
}

INLINE void SET(scatter)(
    const int is_inside, const mmx_tiles *p, const float *first, long y, long column, float *v, long plane) {
    const long line = p->width * p->channels;
    for (long channel = 0; channel < p->channels; channel += LANES) {
        const long valid = p->channels - channel;
        Vector grid[36];
        for (long j = 0; j < 6; j++) {
            Vector d[6];
            if (is_inside && valid >= LANES) {
                const float *at = first + y * line + (column + j) * p->channels + channel;
                // The pixels of the next tile that are not in this one.
                if (j >= 2) UNROLLED for (int i = 0; i < 6; i++) __builtin_prefetch(at + i * line + 4 * p->channels);
                UNROLLED for (int i = 0; i < 6; i++) d[i] = LOAD(at + i * line);
            } else {
                UNROLLED for (int i = 0; i < 6; i++) {
                    const long row = y + i, x = column + j;
                    const float *at = first + row * line + x * p->channels + channel;
                    d[i] = row < 0 || row >= p->height || x < 0 || x >= p->width ? (Vector)0
                         : valid >= LANES ? LOAD(at) : SET(load_some)(at, valid);
                }
            }
            SET(input_transform)(d, 1, grid + j, 6);
        }
        for (long i = 0; i < 6; i++) {
            Vector t[6];
            SET(input_transform)(grid + 6 * i, 1, t, 1);
            float *to = v + 6 * i * plane + channel;
            UNROLLED for (int j = 0; j < 6; j++) STORE(to + j * plane, t[j]);
        }
    }
}

static void SET(winograd_scatter)(const mmx_tiles *p, const float *x, long tile, float *v, long plane) {
    const long image = tile / (p->down * p->across), within = tile % (p->down * p->across);
    const long y = within / p->across * 4 - p->top, column = within % p->across * 4 - p->left;
    const float *first = x + image * p->height * p->width * p->channels;
    if (y >= 0 && column >= 0 && y + 6 <= p->height && column + 6 <= p->width) {
        SET(scatter)(1, p, first, y, column, v, plane);
    } else {
        SET(scatter)(0, p, first, y, column, v, plane);
    }
}

// NaN counts as larger, as in PyTorch, so that it is not hidden.
INLINE Vector SET(larger)(Vector a, Vector b) { return ((b > a) | (b != b)) ? b : a; }

static void SET(winograd_gather)(
    const mmx_tiles *p, const float *m, long plane, long tile, float *y, const mmx_epilogue *e) {
    const long image = tile / (p->down * p->across), within = tile % (p->down * p->across);
    const long row = within / p->across * 4, column = within % p->across * 4;
    const long rows = p->output_height - row < 4 ? p->output_height - row : 4;
    const long columns = p->output_width - column < 4 ? p->output_width - column : 4;
    const long scale = p->is_pooled ? 2 : 1, line = p->output_width / scale * p->outputs;
    float *first = y + (image * p->output_height + row) / scale * line + column / scale * p->outputs;
    for (long channel = 0; channel < p->outputs; channel += LANES) {
        const long valid = p->outputs - channel;
        const int is_whole = valid >= LANES;
        const Vector bias = !e->bias ? (Vector)0
                          : is_whole ? LOAD(e->bias + channel) : SET(load_some)(e->bias + channel, valid);
        Vector grid[24];
        for (long j = 0; j < 6; j++) {
            Vector x[6];
            UNROLLED for (int i = 0; i < 6; i++) x[i] = LOAD(m + (6 * i + j) * plane + channel);
            SET(output_transform)(x, 1, grid + j, 6);
        }
        for (long i = 0; i < rows; i += scale) {
            Vector t[4];
            SET(output_transform)(grid + 6 * i, 1, t, 1);
            float *to = first + i / scale * line + channel;
            if (p->is_pooled) {
                // Adding the bias and clamping do not change the order, so they are applied to the maximum only.
                Vector u[4];
                SET(output_transform)(grid + 6 * i + 6, 1, u, 1);
                t[0] = SET(larger)(SET(larger)(SET(larger)(t[0], t[1]), u[0]), u[1]);
                t[1] = SET(larger)(SET(larger)(SET(larger)(t[2], t[3]), u[2]), u[3]);
            } else {
                // The memory that the next tile will store to. A line that is not in the cache would be read before it
                // is written.
                UNROLLED for (int j = 4; j < 8; j++) __builtin_prefetch(to + j * p->outputs, 1);
            }
            for (long j = 0; j < columns / scale; j++) {
                Vector value = t[j] + bias;
                float *at = to + j * p->outputs;
                if (e->shortcut) {
                    const float *other = (const float *)((const char *)at + e->shortcut);
                    value += is_whole ? LOAD(other) : SET(load_some)(other, valid);
                }
                value = CLAMPED(value, e->low, e->high);
                if (is_whole) STORE(at, value);
                else SET(keep_some)(at, valid, value);
            }
        }
    }
}
