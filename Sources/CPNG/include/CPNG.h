#pragma once
#include <stddef.h>
#include <stdint.h>

// libpng reports errors through setjmp and longjmp, which Swift cannot use. These two functions keep the jumps in C.

enum {
    MMX_PNG_OK = 0,
    MMX_PNG_CORRUPT = 1,
    MMX_PNG_TRUNCATED = 2,
};

// The size of each `message` buffer. It gets libpng's message if a function does not return MMX_PNG_OK.
#define MMX_PNG_MESSAGE 256

// Decodes any PNG to 8-bit RGB, `width * height * 3` bytes at `pixels`. Transparent pixels are composed with white. The
// size must be the header's. Samples of 16 bits keep their high byte. Gamma and colour profiles are not applied.
int mmx_png_decode(
    const uint8_t *data, size_t size, uint8_t *pixels, uint32_t width, uint32_t height, char *message);

// Encodes 8-bit samples, `channels` 1 (gray), 3 (RGB) or 4 (RGBA, alpha not premultiplied). The caller must
// free() `*bytes`.
int mmx_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channels, uint8_t **bytes, size_t *count,
    char *message);

// Unpacks a zlib stream (a compressed text of a PNG) into at most `capacity` bytes and returns how many they are. The
// rest of a longer stream is left out; a damaged stream gives 0.
size_t mmx_inflate(const uint8_t *data, size_t size, uint8_t *output, size_t capacity);
