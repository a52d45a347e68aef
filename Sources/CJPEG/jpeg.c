#include "CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// A progressive file may have any number of scans. A scan may be a few bytes long, and each is a pass over the whole
// image. Encoders write about ten. Large images have less: 25 scans of 200 megapixels take some seconds.
#define MIN_SCANS 25
#define MAX_SCANS 100
#define SCANNED_PIXELS 2000000000

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf target;
    int code;
    int ended;  // the data ended before the end-of-image marker
    int cut;    // the data ended inside the last row of blocks
    char *message;
} failure;

_Noreturn static void leave(j_common_ptr common, int code) {
    failure *f = (failure *)common->err;
    char text[JMSG_LENGTH_MAX];
    (*common->err->format_message)(common, text);
    snprintf(f->message, MMX_JPEG_MESSAGE, "%s", text);
    f->code = code;
    longjmp(f->target, 1);
}

static void on_error(j_common_ptr common) {
    failure *f = (failure *)common->err;
    int code = f->ended ? MMX_JPEG_TRUNCATED : MMX_JPEG_CORRUPT;
    switch (common->err->msg_code) {
    case JERR_IMAGE_TOO_BIG: code = MMX_JPEG_TOO_LARGE; break;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOT_COMPILED: code = MMX_JPEG_UNSUPPORTED; break;
    }
    leave(common, code);
}

// Whether the decoder is in a scan's last row of blocks, and that is little of the image.
static int in_last_row(j_decompress_ptr d) {
    return d->input_iMCU_row + 1 >= d->total_iMCU_rows && d->total_iMCU_rows >= MMX_JPEG_ROWS_OF_BLOCKS;
}

// libjpeg only warns about damage that it can work around (it fills the missing pixels with grey). Here, damage to the
// pixels is an error, but for an end that is missing (CJPEG.h says how much); problems that do not affect them are not.
static void on_message(j_common_ptr common, int level) {
    failure *f = (failure *)common->err;
    if (level >= 0 || !common->is_decompressor) return;
    j_decompress_ptr d = (j_decompress_ptr)common;
    switch (common->err->msg_code) {
    case JWRN_JPEG_EOF:
        f->ended = 1;
        // Huffman decoders report when they run out of bits (JWRN_HIT_MARKER); arithmetic ones read zeros.
        if (d->arith_code) leave(common, MMX_JPEG_TRUNCATED);
        return;
    case JWRN_HIT_MARKER:
    case JWRN_MUST_RESYNC:
        if (!f->ended) leave(common, MMX_JPEG_CORRUPT);
        if (!in_last_row(d)) leave(common, MMX_JPEG_TRUNCATED);
        f->cut = 1;
        return;
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE: leave(common, MMX_JPEG_CORRUPT);
    }
}

// Whether every component had its scans, and in a progressive file every coefficient its last bit. Otherwise the data
// ended between two scans.
static int has_all_scans(j_decompress_ptr d) {
    for (int c = 0; c < d->num_components; c++) {
        if (!d->comp_info[c].quant_table) return 0;  // set by the component's first scan
        for (int k = 0; d->progressive_mode && k < DCTSIZE2; k++)
            if (d->coef_bits[c][k] != 0) return 0;
    }
    return 1;
}

static void print_nothing(j_common_ptr common) { (void)common; }

static void on_progress(j_common_ptr common) {
    j_decompress_ptr d = (j_decompress_ptr)common;
    if (!common->is_decompressor || d->input_scan_number <= MIN_SCANS) return;
    uint64_t limit = SCANNED_PIXELS / ((uint64_t)d->image_width * d->image_height);
    limit = limit < MIN_SCANS ? MIN_SCANS : limit > MAX_SCANS ? MAX_SCANS : limit;
    if ((uint64_t)d->input_scan_number <= limit) return;
    failure *f = (failure *)common->err;
    snprintf(f->message, MMX_JPEG_MESSAGE, "more than %d scans", (int)limit);
    f->code = MMX_JPEG_UNSUPPORTED;
    longjmp(f->target, 1);
}

static struct jpeg_error_mgr *prepare(failure *f, char *message) {
    memset(f, 0, sizeof *f);
    jpeg_std_error(&f->base);
    f->base.error_exit = on_error;
    f->base.emit_message = on_message;
    f->base.output_message = print_nothing;
    f->message = message;
    message[0] = 0;
    return &f->base;
}

int mmx_jpeg_read_header(const uint8_t *data, size_t size, mmx_jpeg_header *header, char *message) {
    struct jpeg_decompress_struct d;
    failure f;
    memset(&d, 0, sizeof d);
    d.err = prepare(&f, message);
    if (setjmp(f.target)) {
        jpeg_destroy_decompress(&d);
        return f.code;
    }
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, data, size);
    jpeg_read_header(&d, TRUE);
    header->width = d.image_width;
    header->height = d.image_height;
    header->components = d.num_components;
    header->arithmetic = d.arith_code;
    header->progressive = d.progressive_mode;
    header->block_rows = d.max_v_samp_factor * DCTSIZE;
    header->blocks = 0;
    for (int i = 0; i < d.num_components; i++)
        header->blocks += (uint64_t)d.comp_info[i].width_in_blocks * d.comp_info[i].height_in_blocks;
    jpeg_destroy_decompress(&d);
    return MMX_JPEG_OK;
}

// a * b / 255, rounded.
static inline unsigned scaled(unsigned a, unsigned b) {
    unsigned t = a * b + 128;
    return (t + (t >> 8)) >> 8;
}

// Four-component files hold inverted ink values (Adobe's convention, which all readers follow): `cmyk[3]` is the light
// that passes the black ink, and the others likewise for their inks. No colour profile is applied.
static void ink_to_rgb(const uint8_t *cmyk, uint8_t *rgb, uint32_t count) {
    for (uint32_t i = 0; i < count; i++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(cmyk[3] - scaled(255u - cmyk[c], cmyk[3]));
}

int mmx_jpeg_decode(
    const uint8_t *data, size_t size, int denominator, uint8_t *pixels, uint32_t width, uint32_t height, int *end,
    char *message) {
    struct jpeg_decompress_struct d;
    struct jpeg_progress_mgr progress;
    failure f;
    memset(&d, 0, sizeof d);
    d.err = prepare(&f, message);
    if (setjmp(f.target)) {
        jpeg_destroy_decompress(&d);
        return f.code;
    }
    jpeg_create_decompress(&d);
    memset(&progress, 0, sizeof progress);
    progress.progress_monitor = on_progress;
    d.progress = &progress;
    jpeg_mem_src(&d, data, size);
    jpeg_read_header(&d, TRUE);
    int inks = d.num_components == 4;
    d.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    d.scale_num = 1;
    d.scale_denom = (unsigned)denominator;
    jpeg_start_decompress(&d);
    if (d.output_width != width || d.output_height != height) {
        snprintf(message, MMX_JPEG_MESSAGE, "its size changed while it was read");
        jpeg_destroy_decompress(&d);
        return MMX_JPEG_CORRUPT;
    }
    JSAMPARRAY inked = inks ? (*d.mem->alloc_sarray)((j_common_ptr)&d, JPOOL_IMAGE, width * 4, 1) : NULL;
    size_t stride = (size_t)width * 3;
    while (d.output_scanline < height) {
        uint8_t *row = pixels + d.output_scanline * stride;
        if (inks) {
            jpeg_read_scanlines(&d, inked, 1);
            ink_to_rgb(inked[0], row, width);
        } else {
            JSAMPROW rows[8];
            JDIMENSION count = height - d.output_scanline;
            if (count > 8) count = 8;
            for (JDIMENSION i = 0; i < count; i++) rows[i] = row + i * stride;
            jpeg_read_scanlines(&d, rows, count);
        }
    }
    if (f.ended && !has_all_scans(&d)) {
        snprintf(message, MMX_JPEG_MESSAGE, "scans are missing");
        jpeg_destroy_decompress(&d);
        return MMX_JPEG_TRUNCATED;
    }
    *end = f.cut ? MMX_JPEG_CUT : f.ended ? MMX_JPEG_UNMARKED : MMX_JPEG_WHOLE;
    // Not jpeg_finish_decompress: all pixels are decoded, and the data after them does not matter.
    jpeg_destroy_decompress(&d);
    return MMX_JPEG_OK;
}

int mmx_jpeg_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int quality, int full_chroma, uint8_t **bytes,
    size_t *count, char *message) {
    struct jpeg_compress_struct c;
    failure f;
    struct { unsigned char *bytes; unsigned long count; } out = {NULL, 0};
    memset(&c, 0, sizeof c);
    c.err = prepare(&f, message);
    if (setjmp(f.target)) {
        jpeg_destroy_compress(&c);
        free(out.bytes);
        return f.code;
    }
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out.bytes, &out.count);
    c.image_width = width;
    c.image_height = height;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, quality, TRUE);
    if (full_chroma) c.comp_info[0].h_samp_factor = c.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < height) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)c.next_scanline * width * 3);
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    *bytes = out.bytes;
    *count = out.count;
    return MMX_JPEG_OK;
}
