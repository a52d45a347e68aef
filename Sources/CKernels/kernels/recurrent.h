// Attention and the cell of an LSTM.

// s = 1 / (1 + e^(2 (k + q))) = (1 - tanh(k + q)) / 2 of a key k and a query q, or from e^2k and e^2q.
INLINE Vector SET(complement)(const int is_factored, Vector key, Vector query) {
    if (is_factored) return 1.0f / (1.0f + key * query);
    const Vector sum = key + query;
    return 1.0f / (1.0f + SET(exponential)(sum + sum));
}

static void SET(prepare_queries)(
    int is_factored, long rows, long width, long padded, const float *queries, float *prepared) {
    for (long n = 0; n < rows; n++) {
        const float *query = queries + n * width;
        float *to = prepared + n * padded;
        for (long j = 0; j < padded; j += LANES) {
            Vector v = j + LANES <= width ? LOAD(query + j) : j < width ? SET(load_some)(query + j, width - j) : 0;
            if (is_factored) {
                // Correct for keys of at most 20: with |q| above 30, |k + q| is above 10, where tanh is 1 to the last
                // bit.
                v = CLAMPED(v, -30, 30);
                v = SET(exponential)(v + v);
            }
            STORE(to + j, v);
        }
        for (long j = width; j < padded; j++) to[j] = 0;
    }
}

// The sum over j of weight_j s_j. With weight = -2 w, this is the score w . tanh(k + q) minus the sum of w. The softmax
// over the regions removes that constant.
INLINE float SET(attention_score)(
    const int is_factored, const float *key, const float *query, const float *weight, long padded) {
    Vector a = 0, b = 0;
    long j = 0;
    for (; j + 2 * LANES <= padded; j += 2 * LANES) {
        a = MULTIPLY_ADD(
            LOAD(weight + j), SET(complement)(is_factored, LOAD(key + j), LOAD(query + j)), a);
        b = MULTIPLY_ADD(
            LOAD(weight + j + LANES),
            SET(complement)(is_factored, LOAD(key + j + LANES), LOAD(query + j + LANES)), b);
    }
    if (j < padded) {
        a = MULTIPLY_ADD(LOAD(weight + j), SET(complement)(is_factored, LOAD(key + j), LOAD(query + j)), a);
    }
    return SET(total)(a + b);
}

// output_n = scale_n * sum over l of alpha_nl regions_l. The regions `[count, width]` are read once for all rows, four
// at a time.
static void SET(weighted_regions)(
    const float *alpha, const float *scale, long rows, long stride, const float *regions, long count, long width,
    float *output) {
    for (long n = 0; n < rows; n++) __builtin_memset(output + n * stride, 0, sizeof(float) * (unsigned long)width);
    long l = 0;
    for (; l + 4 <= count; l += 4) {
        const float *r0 = regions + l * width, *r1 = r0 + width, *r2 = r1 + width, *r3 = r2 + width;
        for (long n = 0; n < rows; n++) {
            const float *weight = alpha + n * stride + l, factor = scale[n];
            const float a0 = weight[0] * factor, a1 = weight[1] * factor, a2 = weight[2] * factor;
            const float a3 = weight[3] * factor;
            float *target = output + n * stride;
            long j = 0;
            for (; j + LANES <= width; j += LANES) {
                const Vector low = LOAD(r0 + j) * a0 + LOAD(r1 + j) * a1;
                const Vector high = LOAD(r2 + j) * a2 + LOAD(r3 + j) * a3;
                STORE(target + j, LOAD(target + j) + (low + high));
            }
            for (; j < width; j++) target[j] += (r0[j] * a0 + r1[j] * a1) + (r2[j] * a2 + r3[j] * a3);
        }
    }
    for (; l < count; l++) {
        for (long n = 0; n < rows; n++) {
            const float a = alpha[n * stride + l] * scale[n], *region = regions + l * width;
            float *target = output + n * stride;
            for (long j = 0; j < width; j++) target[j] += region[j] * a;
        }
    }
}

INLINE void SET(attend)(const int is_factored, const mmx_attention *p) {
    SET(prepare_queries)(is_factored, p->rows, p->width, p->padded, p->queries, p->prepared);
    for (long l = 0; l < p->regions; l++) {
        for (long n = 0; n < p->rows; n++) {
            p->alpha[n * p->stride + l] = SET(attention_score)(
                is_factored, p->keys + l * p->padded, p->prepared + n * p->padded, p->weight, p->padded);
        }
    }
    for (long n = 0; n < p->rows; n++) {
        SET(softmax)(p->regions, p->alpha + n * p->stride, p->alpha + n * p->stride);
        const Vector sum = SET(dot_product)(p->hidden, p->h + n * p->h_stride, p->gate_weight) + p->gate_bias;
        p->beta[n] = SET(sigmoid)(sum)[0];
    }
    SET(weighted_regions)(p->alpha, p->beta, p->rows, p->stride, p->annotations, p->regions, p->depth, p->z);
}

static void SET(attention)(const mmx_attention *p) {
    if (p->is_factored) SET(attend)(1, p);
    else SET(attend)(0, p);
}

// Let u = d s and v = u (1 - s), for a score with gradient d. Then d q and d k are 4 w v, and d w is -2 u (after the
// softmax, the sum of d over all regions is 0). This adds v and u; the caller multiplies by the factors.
INLINE void SET(attend_backward)(const int is_factored, const mmx_attention_backward *p) {
    for (long l = 0; l < p->regions; l++) {
        const float *key = p->keys + l * p->padded;
        float *key_sum = p->key_sums + l * p->padded;
        for (long n = 0; n < p->rows; n++) {
            const float *query = p->prepared + n * p->padded;
            float *query_sum = p->query_sums + n * p->padded;
            const float d = p->gradients[n * p->regions + l];
            for (long j = 0; j < p->padded; j += LANES) {
                const Vector s = SET(complement)(is_factored, LOAD(key + j), LOAD(query + j));
                const Vector u = s * d, v = u - u * s;
                STORE(query_sum + j, LOAD(query_sum + j) + v);
                STORE(key_sum + j, LOAD(key_sum + j) + v);
                STORE(p->weight_sums + j, LOAD(p->weight_sums + j) + u);
            }
        }
    }
}

static void SET(attention_backward)(const mmx_attention_backward *p) {
    if (p->is_factored) SET(attend_backward)(1, p);
    else SET(attend_backward)(0, p);
}

static void SET(lstm_cell)(long hidden, float *gates, const float *c_before, float *h, float *c) {
    SET(apply)(MMX_SIGMOID, 2 * hidden, gates, gates);
    SET(apply)(MMX_TANH, hidden, gates + 2 * hidden, gates + 2 * hidden);
    SET(apply)(MMX_SIGMOID, hidden, gates + 3 * hidden, gates + 3 * hidden);
    const float *forget = gates + hidden, *given = gates + 2 * hidden, *out = gates + 3 * hidden;
    long j = 0;
    for (; j + LANES <= hidden; j += LANES) {
        const Vector value = LOAD(gates + j) * LOAD(given + j) + LOAD(forget + j) * LOAD(c_before + j);
        STORE(c + j, value);
        STORE(h + j, SET(hyperbolic_tangent)(value) * LOAD(out + j));
    }
    for (; j < hidden; j++) {
        c[j] = gates[j] * given[j] + forget[j] * c_before[j];
        h[j] = SET(hyperbolic_tangent)(SPLAT(c[j]))[0] * out[j];
    }
}

static void SET(lstm_cell_backward)(
    long hidden, const float *gates, const float *c, const float *c_before, const float *dh, float *dc, float *d_gates) {
    for (long j = 0; j < hidden; j += LANES) {
        const long n = hidden - j < LANES ? hidden - j : LANES;
        const int is_whole = n == LANES;
#define AT(p) (is_whole ? LOAD((p) + j) : SET(load_some)((p) + j, n))
#define PUT(v, p) do { if (is_whole) STORE((p) + j, v); else SET(keep_some)((p) + j, n, v); } while (0)
        const Vector i = AT(gates), f = AT(gates + hidden), g = AT(gates + 2 * hidden), o = AT(gates + 3 * hidden);
        const Vector squashed = SET(hyperbolic_tangent)(AT(c)), d = AT(dh);
        const Vector total = AT(dc) + d * o * (1.0f - squashed * squashed);
        const Vector di = total * g * i * (1.0f - i), df = total * AT(c_before) * f * (1.0f - f);
        const Vector dg = total * i * (1.0f - g * g), od = d * squashed * o * (1.0f - o), before = total * f;
        PUT(di, d_gates);
        PUT(df, d_gates + hidden);
        PUT(dg, d_gates + 2 * hidden);
        PUT(od, d_gates + 3 * hidden);
        PUT(before, dc);
#undef AT
#undef PUT
    }
}
