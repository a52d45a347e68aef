#include "CPNG.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <png.h>
#include <zlib.h>

typedef struct {
    jmp_buf target;
    int code;
    char *message;
    const uint8_t *input;
    size_t input_size, position;
    size_t limit;  // the position at which the rows must be complete
    uint8_t *output;
    size_t output_count, output_capacity;
    uint8_t *packed;  // the rows as a zlib stream
    size_t packed_count;
    uint8_t *rows;    // scratch
    uint16_t *sums;   // scratch
} state;

// The largest chunk of image data, in bytes; PNG allows 2^31 - 1.
#define MOST_OF_A_CHUNK ((size_t)1 << 30)

static void on_error(png_structp png, png_const_charp text) {
    state *s = png_get_error_ptr(png);
    snprintf(s->message, MMX_PNG_MESSAGE, "%s", text);
    longjmp(s->target, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep bytes, size_t count) {
    state *s = png_get_io_ptr(png);
    if (count > s->input_size - s->position) {
        s->code = MMX_PNG_TRUNCATED;
        png_error(png, "the data ends early");
    }
    if (s->position + count > s->limit) png_error(png, "it holds more data than the pixels of its header");
    memcpy(bytes, s->input + s->position, count);
    s->position += count;
}

static void on_write(png_structp png, png_bytep bytes, size_t count) {
    state *s = png_get_io_ptr(png);
    if (count > s->output_capacity - s->output_count) {
        size_t capacity = s->output_capacity * 2 + count + 65536;
        uint8_t *larger = realloc(s->output, capacity);
        if (!larger) png_error(png, "out of memory");
        s->output = larger;
        s->output_capacity = capacity;
    }
    memcpy(s->output + s->output_count, bytes, count);
    s->output_count += count;
}

static void on_flush(png_structp png) { (void)png; }

static void over_white(const uint8_t *rgba, uint8_t *rgb, uint32_t count) {
    for (uint32_t i = 0; i < count; i++, rgba += 4, rgb += 3) {
        unsigned alpha = rgba[3];
        for (int c = 0; c < 3; c++) {
            unsigned t = rgba[c] * alpha + 255 * (255 - alpha) + 128;
            rgb[c] = (uint8_t)((t + (t >> 8)) >> 8);
        }
    }
}

// Reads one row. After the last one, libpng unpacks what is left of the image data, whatever its size: a few bytes of
// file become a thousand times as much. So little more may be read than the row needs.
static void read_row(png_structp png, png_infop info, state *s, uint8_t *row, int last) {
    if (last) s->limit = s->position + 2 * png_get_rowbytes(png, info) + 65536;
    png_read_row(png, row, NULL);
}

static void decode_whole(
    png_structp png, png_infop info, state *s, int passes, uint8_t *pixels, uint32_t width, uint32_t height) {
    size_t row_bytes = png_get_rowbytes(png, info), stride = (size_t)width * 3;
    int opaque = png_get_channels(png, info) == 3;
    // With transparency, an interlaced image is complete only after seven passes; otherwise memory for one row is
    // enough.
    if (!opaque) s->rows = calloc(passes > 1 ? height : 1, row_bytes);
    if (!opaque && !s->rows) png_error(png, "out of memory");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < height; y++) {
            uint8_t *row = opaque ? pixels + y * stride : s->rows + (passes > 1 ? y * row_bytes : 0);
            read_row(png, info, s, row, pass == passes - 1 && y == height - 1);
            if (!opaque && pass == passes - 1) over_white(row, pixels + y * stride, width);
        }
}

// The mean of each square of a row of squares, from its sums. Squares at the right and lower edge may be smaller.
static void write_means(
    const uint16_t *sums, uint8_t *pixels, uint32_t row, uint32_t side, uint32_t width, uint32_t height) {
    uint32_t down = height - row * side < side ? height - row * side : side;
    for (uint32_t x = 0; x < width; x += side) {
        uint32_t count = down * (width - x < side ? width - x : side);
        for (int c = 0; c < 3; c++) *pixels++ = (uint8_t)((*sums++ + count / 2) / count);
    }
}

// Squares of `side` x `side` pixels become their mean. An interlaced image's rows come in seven passes, so the sums of
// all squares are kept; else those of one row of squares.
static void decode_reduced(
    png_structp png, png_infop info, state *s, uint32_t side, uint8_t *pixels, uint32_t width, uint32_t height) {
    int interlaced = png_get_interlace_type(png, info) == PNG_INTERLACE_ADAM7;
    uint32_t squares = (height + side - 1) / side;
    size_t stride = (size_t)((width + side - 1) / side) * 3;
    s->rows = malloc(png_get_rowbytes(png, info));
    s->sums = calloc((interlaced ? squares : 1) * stride, sizeof *s->sums);
    if (!s->rows || !s->sums) png_error(png, "out of memory");
    int last = interlaced ? 6 : 0;  // the last pass that has a pixel
    while (last > 0 && (PNG_PASS_ROWS(height, last) == 0 || PNG_PASS_COLS(width, last) == 0)) last--;
    for (int pass = 0; pass <= last; pass++) {
        uint32_t x0 = interlaced ? PNG_PASS_START_COL(pass) : 0, dx = interlaced ? PNG_PASS_COL_OFFSET(pass) : 1;
        uint32_t y0 = interlaced ? PNG_PASS_START_ROW(pass) : 0, dy = interlaced ? PNG_PASS_ROW_OFFSET(pass) : 1;
        if (x0 >= width) continue;
        for (uint32_t y = y0; y < height; y += dy) {
            read_row(png, info, s, s->rows, pass == last && y + dy >= height);
            if (png_get_channels(png, info) == 4) over_white(s->rows, s->rows, (width - x0 + dx - 1) / dx);
            uint16_t *sums = s->sums + (interlaced ? y / side * stride : 0);
            const uint8_t *rgb = s->rows;
            for (uint32_t x = x0; x < width; x += dx, rgb += 3)
                for (int c = 0; c < 3; c++) sums[x / side * 3 + c] += rgb[c];
            if (interlaced || ((y + 1) % side != 0 && y + 1 < height)) continue;
            write_means(sums, pixels + y / side * stride, y / side, side, width, height);
            memset(sums, 0, stride * sizeof *sums);
        }
    }
    for (uint32_t row = 0; interlaced && row < squares; row++)
        write_means(s->sums + row * stride, pixels + row * stride, row, side, width, height);
}

static void decode(
    png_structp png, png_infop info, state *s, uint32_t side, uint8_t *pixels, uint32_t width, uint32_t height) {
    png_set_read_fn(png, s, on_read);
    // Text, profiles and similar chunks may be compressed, so they cost memory and time. They are not used here, and
    // none is kept, so none is too long.
    png_set_chunk_cache_max(png, 1);
    png_set_chunk_malloc_max(png, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    static const png_byte skipped[] =
        "iCCP\0tEXt\0zTXt\0iTXt\0sPLT\0hIST\0tIME\0pCAL\0sCAL\0eXIf\0gAMA\0cHRM\0sRGB\0bKGD";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, skipped, (int)(sizeof skipped / 5));
    png_read_info(png, info);
    if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height)
        png_error(png, "its size changed while it was read");
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    int passes = side == 1 ? png_set_interlace_handling(png) : 1;
    png_read_update_info(png, info);
    int channels = png_get_channels(png, info);
    if ((channels != 3 && channels != 4) || png_get_rowbytes(png, info) != (size_t)width * channels)
        png_error(png, "unexpected layout of rows");
    if (side == 1)
        decode_whole(png, info, s, passes, pixels, width, height);
    else
        decode_reduced(png, info, s, side, pixels, width, height);
}

int mmx_png_decode(
    const uint8_t *data, size_t size, uint32_t side, uint8_t *pixels, uint32_t width, uint32_t height, char *message) {
    state *s = calloc(1, sizeof *s);
    if (!s) return MMX_PNG_CORRUPT;
    message[0] = 0;
    s->message = message;
    s->code = MMX_PNG_CORRUPT;
    s->input = data;
    s->input_size = size;
    s->limit = SIZE_MAX;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, s, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (info) {
        if (setjmp(s->target) == 0) {
            decode(png, info, s, side, pixels, width, height);
            s->code = MMX_PNG_OK;
        }
    }
    png_destroy_read_struct(&png, &info, NULL);
    int code = s->code;
    free(s->rows);
    free(s->sums);
    free(s);
    return code;
}

static void set_texts(png_structp png, png_infop info, const uint8_t *texts, int count) {
    for (int i = 0; i < count; i++) {
        png_text text;
        memset(&text, 0, sizeof text);
        text.compression = *texts++ ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE;
        text.key = (png_charp)texts;
        texts += strlen(text.key) + 1;
        text.text = (png_charp)texts;
        size_t length = strlen(text.text);
        texts += length + 1;
        if (text.compression == PNG_TEXT_COMPRESSION_NONE) text.text_length = length;
        else text.itxt_length = length;
        png_set_text(png, info, &text, 1);
    }
}

// Filters a row: by the differences from the pixels before, or from the row above, whichever are smaller in all. A
// photograph has no use for other filters. `above` is a row of zeros for the first row.
static void filter_row(const uint8_t *row, const uint8_t *above, size_t count, size_t channels, uint8_t *out) {
    uint32_t sub = 0, up = 0;
    for (size_t i = 0; i < channels; i++) {
        sub += (uint32_t)abs((int8_t)row[i]);
        up += (uint32_t)abs((int8_t)(row[i] - above[i]));
    }
    for (size_t i = channels; i < count; i++) {
        sub += (uint32_t)abs((int8_t)(row[i] - row[i - channels]));
        up += (uint32_t)abs((int8_t)(row[i] - above[i]));
    }
    if (sub < up) {
        *out++ = PNG_FILTER_VALUE_SUB;
        memcpy(out, row, channels);
        for (size_t i = channels; i < count; i++) out[i] = (uint8_t)(row[i] - row[i - channels]);
    } else {
        *out++ = PNG_FILTER_VALUE_UP;
        for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(row[i] - above[i]);
    }
}

// The filtered rows as a zlib stream, at `s->output`.
static void compress_rows(
    png_structp png, state *s, const uint8_t *pixels, size_t height, size_t stride, size_t channels) {
    size_t count = height * (stride + 1);
    s->rows = malloc(count);
    uint8_t *zeros = calloc(stride, 1);
    if (s->rows && zeros)
        for (size_t y = 0; y < height; y++) {
            const uint8_t *row = pixels + y * stride;
            filter_row(row, y ? row - stride : zeros, stride, channels, s->rows + y * (stride + 1));
        }
    free(zeros);
    // Level 2 takes 1.4 to 2 times as long for 5 % of the size.
    struct libdeflate_compressor *compressor = zeros && s->rows ? libdeflate_alloc_compressor(1) : NULL;
    if (compressor) {
        s->packed_count = libdeflate_zlib_compress_bound(compressor, count);
        s->packed = malloc(s->packed_count);
        if (s->packed)
            s->packed_count = libdeflate_zlib_compress(compressor, s->rows, count, s->packed, s->packed_count);
        libdeflate_free_compressor(compressor);
    }
    if (!s->packed || s->packed_count == 0) png_error(png, "out of memory");
    free(s->rows);
    s->rows = NULL;
}

static void encode(
    png_structp png, png_infop info, state *s, const uint8_t *pixels, uint32_t width, uint32_t height, int channels,
    const uint8_t *texts, int text_count) {
    int type = channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA;
    png_set_write_fn(png, s, on_write, on_flush);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_IHDR(
        png, info, width, height, 8, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    set_texts(png, info, texts, text_count);
    png_write_info(png, info);
    // libpng would compress with zlib: an overlay of 4000x3000 in 0.69 s to 7.1 MB at zlib's fastest (Z_RLE), and in
    // 0.26 s to 6.5 MB with libdeflate.
    compress_rows(png, s, pixels, height, (size_t)width * channels, channels);
    for (size_t at = 0; at < s->packed_count;) {
        size_t count = s->packed_count - at < MOST_OF_A_CHUNK ? s->packed_count - at : MOST_OF_A_CHUNK;
        png_write_chunk(png, (png_const_bytep) "IDAT", s->packed + at, count);
        at += count;
    }
    png_write_chunk(png, (png_const_bytep) "IEND", NULL, 0);
}

int mmx_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channels, const uint8_t *texts, int text_count,
    uint8_t **bytes, size_t *count, char *message) {
    state *s = calloc(1, sizeof *s);
    if (!s) return MMX_PNG_CORRUPT;
    message[0] = 0;
    s->message = message;
    s->code = MMX_PNG_CORRUPT;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, s, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (info) {
        if (setjmp(s->target) == 0) {
            encode(png, info, s, pixels, width, height, channels, texts, text_count);
            s->code = MMX_PNG_OK;
        }
    }
    png_destroy_write_struct(&png, &info);
    int code = s->code;
    free(s->packed);
    free(s->rows);
    if (code == MMX_PNG_OK) {
        *bytes = s->output;
        *count = s->output_count;
    } else {
        free(s->output);
    }
    free(s);
    return code;
}

size_t mmx_png_inflate(const uint8_t *data, size_t size, uint8_t *output, size_t capacity) {
    z_stream z;
    memset(&z, 0, sizeof z);
    if (size > UINT_MAX || capacity > UINT_MAX || inflateInit(&z) != Z_OK) return 0;
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)size;
    z.next_out = output;
    z.avail_out = (uInt)capacity;
    int result = inflate(&z, Z_FINISH);
    // Z_BUF_ERROR: the stream goes on, or its end is missing.
    size_t count = result == Z_STREAM_END || result == Z_BUF_ERROR ? capacity - z.avail_out : 0;
    inflateEnd(&z);
    return count;
}
