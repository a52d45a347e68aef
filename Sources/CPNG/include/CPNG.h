#pragma once
#include <stddef.h>
#include <stdint.h>

// libpng reports errors through setjmp and longjmp, which Swift cannot use. These functions keep the jumps in C.

enum {
    MMX_PNG_OK = 0,
    MMX_PNG_CORRUPT = 1,
    MMX_PNG_TRUNCATED = 2,
};

// The size of each `message` buffer. It gets libpng's message if a function does not return MMX_PNG_OK.
#define MMX_PNG_MESSAGE 256

// Decodes any PNG to 8-bit RGB. Each square of `side` x `side` pixels (1...16) becomes one, their mean, while the rows
// are read; `width` and `height` are the header's, and `pixels` takes 3 bytes for each square. Transparent pixels are
// composed with white. Samples of 16 bits keep their high byte. Gamma and colour profiles are not applied.
//
// Beside `pixels`, one row is kept. Two kinds of interlaced images need more: 4 bytes for each pixel where pixels are
// transparent (and `side` is 1), 6 bytes for each square where `side` is larger.
int mmx_png_decode(
    const uint8_t *data, size_t size, uint32_t side, uint8_t *pixels, uint32_t width, uint32_t height, char *message);

// Encodes 8-bit samples, `channels` 1 (gray), 3 (RGB) or 4 (RGBA, alpha not premultiplied). `texts` holds
// `text_count` texts, written before the pixels. Each is a byte (1: the text is UTF-8, 0: Latin-1), the keyword, a NUL,
// the text, a NUL. The caller must free() `*bytes`.
int mmx_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channels, const uint8_t *texts, int text_count,
    uint8_t **bytes, size_t *count, char *message);

// Unpacks a zlib stream (a compressed text of a PNG) into at most `capacity` bytes and returns how many they are. The
// rest of a longer stream is left out; a damaged stream gives 0.
size_t mmx_png_inflate(const uint8_t *data, size_t size, uint8_t *output, size_t capacity);
