// Functions of vectors, and rows of numbers. What is left of a row is done in a padded copy.

#pragma clang fp contract(off)

typedef int Ints __attribute__((ext_vector_type(LANES)));

// e^x, within 2 units in the last place for x in [-87, 88]; clamped outside.
//
// x = n ln 2 + r with |r| <= ln 2 / 2. e^r is a polynomial of degree 6 (Taylor's coefficients adjusted as in Cephes'
// expf); then n is added to the exponent's bits.
INLINE Vector SET(exponential)(Vector input) {
    const Vector x = CLAMPED(input, -87, 88);
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
    const Vector magic = 12582912.0f;
    const Vector n = (x * 1.44269504f + magic) - magic;
    const Vector r = (x - n * 0.693359375f) - n * -2.1219444e-4f;
    Vector p = r * 1.9875691e-4f + 1.3981999e-3f;
    p = p * r + 8.333452e-3f;
    p = p * r + 4.1665796e-2f;
    p = p * r + 1.6666665e-1f;
    p = p * r + 5.0000001e-1f;
    p = p * (r * r) + r + 1.0f;
    // The low bits of n + magic hold n; shifted by 23 they add n to the exponent.
    return (Vector)((Ints)p + ((Ints)(n + magic) << 23));
}

INLINE Vector SET(sigmoid)(Vector x) { return 1.0f / (1.0f + SET(exponential)(-x)); }

// tanh x. Near zero, where 1 - 2 / (e^2x + 1) would cancel, it uses the Taylor series.
INLINE Vector SET(hyperbolic_tangent)(Vector x) {
    const Vector square = x * x, limit = 0.01f;
    const Vector small = x * (1.0f + square * (-0.33333333f + square * (0.13333333f + square * -0.053968254f)));
    const Vector large = 1.0f - 2.0f / (SET(exponential)(x + x) + 1.0f);
    return square < limit ? small : large;
}

INLINE Vector SET(function)(const mmx_function kind, Vector x) {
    const Vector zero = 0.0f;
    switch (kind) {
    case MMX_RELU: return x < zero ? zero : x;
    case MMX_RELU6: return CLAMPED(x, 0, 6);
    case MMX_TANH: return SET(hyperbolic_tangent)(x);
    case MMX_SIGMOID: return SET(sigmoid)(x);
    }
    return x;
}

// The first n elements at p, then zeros; fewer than a vector.
INLINE Vector SET(load_some)(const float *p, long n) {
    float values[LANES] = {0};
    for (long i = 0; i < n; i++) values[i] = p[i];
    return LOAD(values);
}

INLINE void SET(keep_some)(float *p, long n, Vector v) {
    float values[LANES];
    STORE(values, v);
    for (long i = 0; i < n; i++) p[i] = values[i];
}

INLINE void SET(apply_one)(const mmx_function kind, long n, const float *x, float *y) {
    long i = 0;
    for (; i + LANES <= n; i += LANES) STORE(y + i, SET(function)(kind, LOAD(x + i)));
    if (i < n) SET(keep_some)(y + i, n - i, SET(function)(kind, SET(load_some)(x + i, n - i)));
}

static void SET(apply)(mmx_function kind, long n, const float *x, float *y) {
    switch (kind) {
    case MMX_RELU: return SET(apply_one)(MMX_RELU, n, x, y);
    case MMX_RELU6: return SET(apply_one)(MMX_RELU6, n, x, y);
    case MMX_TANH: return SET(apply_one)(MMX_TANH, n, x, y);
    case MMX_SIGMOID: return SET(apply_one)(MMX_SIGMOID, n, x, y);
    }
}

static void SET(add)(long n, const float *a, const float *b, float factor, float *y) {
    long i = 0;
    for (; i + LANES <= n; i += LANES) STORE(y + i, LOAD(a + i) + LOAD(b + i) * factor);
    for (; i < n; i++) y[i] = a[i] + b[i] * factor;
}

static void SET(multiply)(long n, const float *a, const float *b, float factor, float *y) {
    long i = 0;
    for (; i + LANES <= n; i += LANES) STORE(y + i, LOAD(a + i) * LOAD(b + i) * factor);
    for (; i < n; i++) y[i] = a[i] * b[i] * factor;
}

// ReLUs pass nothing where y is at most 0 or, for ReLU6, at least 6. Where y is NaN, the gradient passes.
INLINE Vector SET(derivative)(const mmx_function kind, const mmx_relu_rule rule, Vector g, Vector y) {
    const Vector zero = 0.0f, six = 6.0f;
    if (kind == MMX_TANH) return g * (1.0f - y * y);
    if (kind == MMX_SIGMOID) return g * y * (1.0f - y);
    if (rule != MMX_EXACT) g = g <= zero ? zero : g;
    if (rule == MMX_DECONVOLUTION) return g;
    g = y <= zero ? zero : g;
    return kind == MMX_RELU6 ? (six <= y ? zero : g) : g;
}

INLINE void SET(apply_one_backward)(
    const mmx_function kind, const mmx_relu_rule rule, long n, const float *g, const float *y, float *dx) {
    long i = 0;
    for (; i + LANES <= n; i += LANES) STORE(dx + i, SET(derivative)(kind, rule, LOAD(g + i), LOAD(y + i)));
    if (i < n) {
        const Vector rest =
            SET(derivative)(kind, rule, SET(load_some)(g + i, n - i), SET(load_some)(y + i, n - i));
        SET(keep_some)(dx + i, n - i, rest);
    }
}

static void SET(apply_backward)(
    mmx_function kind, mmx_relu_rule rule, long n, const float *g, const float *y, float *dx) {
    if (kind == MMX_TANH) return SET(apply_one_backward)(MMX_TANH, MMX_EXACT, n, g, y, dx);
    if (kind == MMX_SIGMOID) return SET(apply_one_backward)(MMX_SIGMOID, MMX_EXACT, n, g, y, dx);
    if (rule == MMX_DECONVOLUTION) return SET(apply_one_backward)(MMX_RELU, MMX_DECONVOLUTION, n, g, y, dx);
    if (kind == MMX_RELU) {
        if (rule == MMX_GUIDED) return SET(apply_one_backward)(MMX_RELU, MMX_GUIDED, n, g, y, dx);
        return SET(apply_one_backward)(MMX_RELU, MMX_EXACT, n, g, y, dx);
    }
    if (rule == MMX_GUIDED) return SET(apply_one_backward)(MMX_RELU6, MMX_GUIDED, n, g, y, dx);
    SET(apply_one_backward)(MMX_RELU6, MMX_EXACT, n, g, y, dx);
}

static void SET(exponentials)(long n, const float *x, float scale, float shift, float *y) {
    long i = 0;
    for (; i + LANES <= n; i += LANES) STORE(y + i, SET(exponential)(LOAD(x + i) * scale - shift));
    if (i < n) SET(keep_some)(y + i, n - i, SET(exponential)(SET(load_some)(x + i, n - i) * scale - shift));
}

static void SET(widen)(long n, const void *halves, float *y) {
    const char *at = halves;
    long i = 0;
    for (; i + LANES <= n; i += LANES) STORE(y + i, SET(widened)(at + 2 * i));
    for (; i < n; i++) {
        unsigned short half;
        __builtin_memcpy(&half, at + 2 * i, sizeof half);
        y[i] = SET(widened_one)(half);
    }
}

// The sum of the elements: the upper half is added to the lower half, and so on.
INLINE float SET(total)(Vector v) {
    float x[LANES];
    STORE(x, v);
    UNROLLED for (int half = LANES / 2; half > 0; half /= 2) UNROLLED for (int i = 0; i < half; i++) x[i] += x[i + half];
    return x[0];
}

static float SET(maximum)(long n, const float *x) {
    float best = -__builtin_inff();
    long i = 0;
    if (n >= LANES) {
        Vector high = LOAD(x);
        for (i = LANES; i + LANES <= n; i += LANES) {
            const Vector v = LOAD(x + i);
            high = high < v ? v : high;
        }
        for (int j = 0; j < LANES; j++) best = high[j] > best ? high[j] : best;
    }
    for (; i < n; i++) best = x[i] > best ? x[i] : best;
    return best;
}

static float SET(sum)(long n, const float *x) {
    Vector sum = 0;
    long i = 0;
    for (; i + LANES <= n; i += LANES) sum += LOAD(x + i);
    float total = SET(total)(sum);
    for (; i < n; i++) total += x[i];
    return total;
}

// e^(x - shift) of what is left, and zeros.
INLINE Vector SET(rest_of_exponentials)(const float *x, long n, float shift) {
    float values[LANES];
    STORE(values, SET(exponential)(SET(load_some)(x, n) - shift));
    for (long i = n; i < LANES; i++) values[i] = 0;
    return LOAD(values);
}

static void SET(softmax)(long n, const float *x, float *y) {
    const float high = SET(maximum)(n, x);
    Vector sum = 0;
    long i = 0;
    for (; i + LANES <= n; i += LANES) {
        const Vector v = SET(exponential)(LOAD(x + i) - high);
        sum += v;
        STORE(y + i, v);
    }
    if (i < n) {
        const Vector v = SET(rest_of_exponentials)(x + i, n - i, high);
        sum += v;
        SET(keep_some)(y + i, n - i, v);
    }
    const float scale = 1 / SET(total)(sum);
    for (i = 0; i + LANES <= n; i += LANES) STORE(y + i, LOAD(y + i) * scale);
    for (; i < n; i++) y[i] *= scale;
}

static float SET(log_sum_exp)(long n, const float *x) {
    const float high = SET(maximum)(n, x);
    Vector sum = 0;
    long i = 0;
    for (; i + LANES <= n; i += LANES) sum += SET(exponential)(LOAD(x + i) - high);
    if (i < n) sum += SET(rest_of_exponentials)(x + i, n - i, high);
    return high + __builtin_logf(SET(total)(sum));
}

static float SET(dot_product)(long n, const float *a, const float *b) {
    // Four sums, because each addition to a sum waits for the one before.
    Vector sum = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    long i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        sum = MULTIPLY_ADD(LOAD(a + i), LOAD(b + i), sum);
        sum1 = MULTIPLY_ADD(LOAD(a + i + LANES), LOAD(b + i + LANES), sum1);
        sum2 = MULTIPLY_ADD(LOAD(a + i + 2 * LANES), LOAD(b + i + 2 * LANES), sum2);
        sum3 = MULTIPLY_ADD(LOAD(a + i + 3 * LANES), LOAD(b + i + 3 * LANES), sum3);
    }
    for (; i + LANES <= n; i += LANES) sum = MULTIPLY_ADD(LOAD(a + i), LOAD(b + i), sum);
    float total = SET(total)((sum + sum1) + (sum2 + sum3));
    for (; i < n; i++) total += a[i] * b[i];
    return total;
}
