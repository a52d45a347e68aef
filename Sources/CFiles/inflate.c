#include "files.h"

#include <zlib.h>

// zlib counts in 32 bits.
static uInt portion(size_t *left) {
    const size_t most = 1u << 30;
    const size_t taken = *left < most ? *left : most;
    *left -= taken;
    return (uInt)taken;
}

// Decompresses data of the form that `window_bits` says; see inflateInit2.
static int inflate_all(
    const uint8_t *input, size_t input_size, uint8_t *output, size_t output_size, int window_bits) {
    // No allocation of zlib grows with the data.
    z_stream stream = {0};
    uint8_t nothing;
    if (inflateInit2(&stream, window_bits) != Z_OK) return MMX_INFLATE_DAMAGED;
    stream.next_in = (Bytef *)input;
    stream.next_out = output_size > 0 ? output : &nothing;
    size_t input_left = input_size, output_left = output_size;
    int state = Z_OK;
    // Without progress, inflate gives Z_BUF_ERROR, which ends the loop.
    while (state == Z_OK) {
        if (stream.avail_in == 0) stream.avail_in = portion(&input_left);
        if (stream.avail_out == 0) stream.avail_out = portion(&output_left);
        state = inflate(&stream, Z_NO_FLUSH);
    }
    const int full = stream.avail_out == 0 && output_left == 0;
    const int rest = stream.avail_in > 0 || input_left > 0;
    inflateEnd(&stream);
    if (state == Z_BUF_ERROR && full) return MMX_INFLATE_SIZE;
    if (state != Z_STREAM_END || rest) return MMX_INFLATE_DAMAGED;
    return full ? MMX_INFLATE_OK : MMX_INFLATE_SIZE;
}

int mmx_inflate_zlib(const uint8_t *input, size_t input_size, uint8_t *output, size_t output_size) {
    return inflate_all(input, input_size, output, output_size, MAX_WBITS);
}

int mmx_inflate(const uint8_t *input, size_t input_size, uint8_t *output, size_t output_size, uint32_t checksum) {
    const int state = inflate_all(input, input_size, output, output_size, -MAX_WBITS);
    if (state != MMX_INFLATE_OK) return state;
    uLong sum = crc32(0, Z_NULL, 0);
    size_t summed = 0;
    while (summed < output_size) {
        size_t left = output_size - summed;
        const uInt count = portion(&left);
        sum = crc32(sum, output + summed, count);
        summed += count;
    }
    return sum == checksum ? MMX_INFLATE_OK : MMX_INFLATE_CHECKSUM;
}

uint32_t mmx_crc32(const uint8_t *bytes, size_t size) {
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, size);
}
