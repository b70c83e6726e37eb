/*
 * hash.h - checksum arithmetic for the search of the tail (search.c), beyond reel_crc32() and
 * reel_crc32_combine(). All of it is free of state; gf_prepare() comes before anything else here.
 */
#ifndef REEL_HASH_H
#define REEL_HASH_H

#include <stdint.h>

#include "format.h"

/* Builds the tables, once a process. */
void gf_prepare(void);

/*
 * The checksum `crc`, moved `bytes` further from the end: what it contributes to the checksum of
 * data that goes on for so many bytes.
 */
uint32_t crc32_shift(uint32_t crc, uint64_t bytes);
/* Back: crc32_shift() of the result is `crc` again. */
uint32_t crc32_unshift(uint32_t crc, uint64_t bytes);

/* The product of two such checksums as polynomials. What is multiplied by GF_ONE stays as it is. */
uint32_t gf_multiply(uint32_t a, uint32_t b);
#define GF_ONE 0x80000000u

/* [k][b]: what the byte b, followed by k zero bytes, adds to the checksum's remainder. */
extern uint32_t crc_of_byte[8][256];

/* As crc32_shift(), for 1 to 8 bytes: without a call. */
static inline uint32_t shift_near(uint32_t crc, unsigned bytes)
{
	if (bytes >= 4)
		return crc_of_byte[bytes - 1][crc & 0xff] ^ crc_of_byte[bytes - 2][(crc >> 8) & 0xff] ^
		       crc_of_byte[bytes - 3][(crc >> 16) & 0xff] ^ crc_of_byte[bytes - 4][crc >> 24];
	for (; bytes > 0; bytes--)
		crc = (crc >> 8) ^ crc_of_byte[0][crc & 0xff];
	return crc;
}

/* As reel_crc32(), for few bytes: without a call. */
static inline uint32_t crc32_few(uint32_t crc, const uint8_t *data, uint64_t len)
{
	crc = ~crc;
	for (; len >= 8; len -= 8, data += 8) {
		uint32_t low = load_u32(data) ^ crc, high = load_u32(data + 4);
		crc = crc_of_byte[7][low & 0xff] ^ crc_of_byte[6][(low >> 8) & 0xff] ^ crc_of_byte[5][(low >> 16) & 0xff] ^
		      crc_of_byte[4][low >> 24] ^ crc_of_byte[3][high & 0xff] ^ crc_of_byte[2][(high >> 8) & 0xff] ^
		      crc_of_byte[1][(high >> 16) & 0xff] ^ crc_of_byte[0][high >> 24];
	}
	if (len >= 4) {
		uint32_t low = load_u32(data) ^ crc;
		crc = crc_of_byte[3][low & 0xff] ^ crc_of_byte[2][(low >> 8) & 0xff] ^ crc_of_byte[1][(low >> 16) & 0xff] ^
		      crc_of_byte[0][low >> 24];
		len -= 4, data += 4;
	}
	for (; len > 0; len--, data++)
		crc = (crc >> 8) ^ crc_of_byte[0][(crc ^ *data) & 0xff];
	return ~crc;
}

#endif
