#pragma once
#include <stddef.h>
#include <stdint.h>

// libjpeg reports errors through setjmp and longjmp, which Swift cannot use: these few functions keep the jumps in C.
// None of them exits the process, prints, or keeps any of the memory it is given.

enum {
    MMX_JPEG_OK = 0,
    MMX_JPEG_CORRUPT = 1,
    MMX_JPEG_TRUNCATED = 2,
    MMX_JPEG_UNSUPPORTED = 3,
    MMX_JPEG_TOO_LARGE = 4,
};

// Size of every `message` buffer; filled with libjpeg's own words where a function returns anything but MMX_JPEG_OK.
#define MMX_JPEG_MESSAGE 256

typedef struct {
    uint32_t width, height;
    int components;
    // 8x8 blocks of all components together. Huffman coding spends at least one bit on each.
    uint64_t blocks;
    int arithmetic;
} mmx_jpeg_header;

// Reads up to the first scan; allocates nothing that grows with the picture.
int mmx_jpeg_read_header(const uint8_t *data, size_t size, mmx_jpeg_header *header, char *message);

// Decodes to 8-bit RGB, `width * height * 3` bytes at `pixels`. `denominator` (1, 2, 4 or 8) shrinks while decoding;
// `width` and `height` must be the header's divided by it, rounded up.
int mmx_jpeg_decode(
    const uint8_t *data, size_t size, int denominator, uint8_t *pixels, uint32_t width, uint32_t height, char *message);

// Encodes 8-bit RGB. `*bytes` is to be given to free().
int mmx_jpeg_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int quality, int full_chroma, uint8_t **bytes,
    size_t *count, char *message);
