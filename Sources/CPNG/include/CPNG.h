#pragma once
#include <stddef.h>
#include <stdint.h>

// libpng reports errors through setjmp and longjmp, which Swift cannot use: these two functions keep the jumps in C.

enum {
    MMX_PNG_OK = 0,
    MMX_PNG_CORRUPT = 1,
    MMX_PNG_TRUNCATED = 2,
};

// Size of every `message` buffer; filled with libpng's own words where a function returns anything but MMX_PNG_OK.
#define MMX_PNG_MESSAGE 256

// Decodes any PNG to 8-bit RGB, `width * height * 3` bytes at `pixels`; transparent parts are laid over white. The
// size must be the header's. Samples of 16 bits keep their high byte; gamma and colour profiles are not applied.
int mmx_png_decode(
    const uint8_t *data, size_t size, uint8_t *pixels, uint32_t width, uint32_t height, char *message);

// Encodes 8-bit samples, `channels` 1 (gray), 3 (RGB) or 4 (RGBA, alpha not premultiplied). `*bytes` is to be given
// to free().
int mmx_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channels, uint8_t **bytes, size_t *count,
    char *message);
