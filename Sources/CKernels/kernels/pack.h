// Packs columns of B as a panel. Included for floats and for halves, as few_rows.h is.

static void ELEMENTS(pack)(const mmx_packing *p) {
    const ELEMENT *b = p->b;
    float *panel = p->panel;
    const long width = p->width, columns = p->columns;
    if (p->column_stride == 1) {
        for (long k = 0; k < p->depth; k++) {
            const ELEMENT *row = b + k * p->row_stride;
            float *to = panel + k * width;
            long j = 0;
            for (; j + LANES <= columns; j += LANES) STORE(to + j, WIDENED(row + j));
            for (; j < columns; j++) to[j] = WIDENED_ONE(row[j]);
            for (; j < width; j++) to[j] = 0;
        }
        return;
    }
    // Blocks along the depth: each cache line of B is read once, and each line of the panel is written once.
    for (long start = 0; start < p->depth; start += 16) {
        const long end = start + 16 < p->depth ? start + 16 : p->depth;
        for (long j = 0; j < columns; j++) {
            const ELEMENT *column = b + j * p->column_stride;
            long k = start;
            if (p->row_stride == 1) {
                for (; k + LANES <= end; k += LANES) {
                    float values[LANES];
                    STORE(values, WIDENED(column + k));
                    UNROLLED for (int i = 0; i < LANES; i++) panel[(k + i) * width + j] = values[i];
                }
            }
            for (; k < end; k++) panel[k * width + j] = WIDENED_ONE(column[k * p->row_stride]);
        }
        for (long j = columns; j < width; j++) {
            for (long k = start; k < end; k++) panel[k * width + j] = 0;
        }
    }
}
