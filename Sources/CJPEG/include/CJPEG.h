#pragma once
#include <stddef.h>
#include <stdint.h>

// libjpeg reports errors through setjmp and longjmp, which Swift cannot use. These functions keep the jumps in C.
// None of them exits the process, prints, or keeps memory that it was given.

enum {
    MMX_JPEG_OK = 0,
    MMX_JPEG_CORRUPT = 1,
    MMX_JPEG_TRUNCATED = 2,
    MMX_JPEG_UNSUPPORTED = 3,
    MMX_JPEG_TOO_LARGE = 4,
};

// How a file ends that was decoded. Baseline and progressive files have one rule: a file that lacks its end is read if
// all of its scans are there, and each is whole but for its last row of blocks (8 or 16 rows of pixels). That row may be
// cut only in an image of at least MMX_JPEG_ROWS_OF_BLOCKS such rows. Arithmetic coding does not tell where data are
// missing, so such a file must have its end marker.
enum {
    MMX_JPEG_WHOLE = 0,
    MMX_JPEG_UNMARKED = 1,  // every pixel is there, the end marker is not
    MMX_JPEG_CUT = 2,       // the last row of blocks is not whole: grey or, in a progressive file, less sharp
};
#define MMX_JPEG_ROWS_OF_BLOCKS 32

// The size of each `message` buffer. It gets libjpeg's message if a function does not return MMX_JPEG_OK.
#define MMX_JPEG_MESSAGE 256

typedef struct {
    uint32_t width, height;
    int components;
    // The number of 8x8 blocks of all components together.
    uint64_t blocks;
    int arithmetic, progressive;
    int block_rows;  // rows of pixels in a row of blocks of all components: 8 times the largest sampling factor
} mmx_jpeg_header;

// Reads up to the first scan. Allocates no memory that grows with the image.
int mmx_jpeg_read_header(const uint8_t *data, size_t size, mmx_jpeg_header *header, char *message);

// Decodes to 8-bit RGB, `width * height * 3` bytes at `pixels`. `denominator` (1, 2, 4 or 8) shrinks the image
// while it is decoded; `width` and `height` must be the header's divided by it, rounded up. `end` says how the data end.
int mmx_jpeg_decode(
    const uint8_t *data, size_t size, int denominator, uint8_t *pixels, uint32_t width, uint32_t height, int *end,
    char *message);

// Encodes 8-bit RGB. The caller must free() `*bytes`.
int mmx_jpeg_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int quality, int full_chroma, uint8_t **bytes,
    size_t *count, char *message);
