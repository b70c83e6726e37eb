/*
 * hash.h - checksum arithmetic for the search of the tail (search.c), beyond reel_crc32() and
 * reel_crc32_combine(). All of it is free of state; gf_prepare() comes before anything else here.
 */
#ifndef REEL_HASH_H
#define REEL_HASH_H

#include <stdint.h>

/* Builds the tables, once a process. */
void gf_prepare(void);

/*
 * The checksum `crc`, moved `bytes` further from the end: what it contributes to the checksum of
 * data that goes on for so many bytes.
 */
uint32_t crc32_shift(uint32_t crc, uint64_t bytes);

/* As reel_crc32(), for a few bytes. */
uint32_t crc32_few(uint32_t crc, const uint8_t *data, uint64_t len);

#endif
