#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
    MMX_INFLATE_OK = 0,
    // The data are not what a compressor writes, or end too early.
    MMX_INFLATE_DAMAGED = 1,
    // They hold more or fewer bytes than `output_size`.
    MMX_INFLATE_SIZE = 2,
    // The bytes differ from those that the checksum was made of.
    MMX_INFLATE_CHECKSUM = 3,
};

// Decompresses raw deflate data (RFC 1951), as they are in a zip archive, into exactly `output_size` bytes. Never writes
// beyond them. `checksum` is their CRC-32.
int mmx_inflate(const uint8_t *input, size_t input_size, uint8_t *output, size_t output_size, uint32_t checksum);

// The same of a zlib stream (RFC 1950), as HDF5's chunks are; it has its own checksum.
int mmx_inflate_zlib(const uint8_t *input, size_t input_size, uint8_t *output, size_t output_size);

// CRC-32 of bytes, as zip archives have it.
uint32_t mmx_crc32(const uint8_t *bytes, size_t size);

// Pages of a mapped file that lie beyond its end raise SIGBUS, which ends a process without a word. From the first call
// on, such a signal writes a line on standard error that names the file, and ends the process with `exit_code`. For any
// other SIGBUS, a handler that was set before is called.
void mmx_watch_mappings(int exit_code);

// Names the file that is mapped at `start`, for that line. Returns a number for `mmx_forget_mapping`; -1 where too many
// mappings are known already.
int mmx_name_mapping(const void *start, size_t size, const char *path);
void mmx_forget_mapping(int number);
