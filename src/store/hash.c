/*
 * hash.c - the two checksums of the format: XXH3-64 of keys and CRC-32 of payloads. Relies on
 * xxHash and libdeflate for both; what is done here is the arithmetic that joins CRCs.
 *
 * A CRC-32 is a polynomial over GF(2), kept with x^0 in the highest bit, modulo POLYNOMIAL. Data of
 * n bytes after it multiplies it by x^(8n); the order of x is 2^32-1, so exponents count modulo that.
 */
#include "config.h"

#include "hash.h"

#include <libdeflate.h>
#include <pthread.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

#include "engine.h"

#define POLYNOMIAL 0xedb88320u /* without its x^32 */
#define ORDER      0xffffffffu

enum {
	EXPONENT_BYTES = 4,
	NEAR = 256, /* shifts below this many bytes take one multiplication */
};

static pthread_once_t tables_once = PTHREAD_ONCE_INIT;
static uint32_t times_x4[16];               /* of what is shifted out: low nibble times x^4 */
static uint32_t power[EXPONENT_BYTES][256]; /* [k][j]: x^(j * 256^k) */
static uint32_t power_near[NEAR];           /* x^(8j) */
uint32_t crc_of_byte[8][256];

static uint32_t times_x(uint32_t a)
{
	return (a >> 1) ^ (a & 1 ? POLYNOMIAL : 0);
}

/* Four bits of `a` at a time: `multiple` has b times each of the 16 values they can have. */
static uint32_t multiply_anywhere(uint32_t a, uint32_t b)
{
	uint32_t multiple[16] = {0}, product = 0;

	multiple[8] = b;
	multiple[4] = times_x(multiple[8]);
	multiple[2] = times_x(multiple[4]);
	multiple[1] = times_x(multiple[2]);
	for (unsigned high = 2; high < 16; high *= 2)
		for (unsigned low = 1; low < high; low++)
			multiple[high + low] = multiple[high] ^ multiple[low];
	for (unsigned shift = 0; shift < 32; shift += 4)
		product = (product >> 4) ^ times_x4[product & 15] ^ multiple[(a >> shift) & 15];
	return product;
}

#if defined(__x86_64__)
/* The processor multiplies; what is x^32 and more of the product is reduced as a checksum of four more bytes is. */
__attribute__((target("pclmul"))) static uint32_t multiply_here(uint32_t a, uint32_t b)
{
	__m128i both = _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)a), _mm_cvtsi32_si128((int)b), 0);
	uint64_t product = (uint64_t)_mm_cvtsi128_si64(both) << 1;

	return (uint32_t)(product >> 32) ^ shift_near((uint32_t)product, 4);
}

static bool can_multiply;
#endif

static inline uint32_t multiply(uint32_t a, uint32_t b)
{
#if defined(__x86_64__)
	if (__builtin_expect(can_multiply, true))
		return multiply_here(a, b);
#endif
	return multiply_anywhere(a, b);
}

uint32_t gf_multiply(uint32_t a, uint32_t b)
{
	return multiply(a, b);
}

static void build_tables(void)
{
	for (uint32_t i = 0; i < 16; i++)
		times_x4[i] = times_x(times_x(times_x(times_x(i))));

	uint32_t step = times_x(GF_ONE);
	for (int k = 0; k < EXPONENT_BYTES; k++) {
		power[k][0] = GF_ONE;
		for (int j = 1; j < 256; j++)
			power[k][j] = multiply(power[k][j - 1], step);
		step = multiply(power[k][255], step);
	}
	power_near[0] = GF_ONE;
	for (int j = 1; j < NEAR; j++)
		power_near[j] = multiply(power_near[j - 1], power[0][8]);
	for (int k = 0; k < 8; k++) {
		for (uint32_t i = 0; i < 256; i++)
			crc_of_byte[k][i] = multiply(i, power_near[k + 1]);
	}
#if defined(__x86_64__)
	can_multiply = __builtin_cpu_supports("pclmul");
#endif
}

void gf_prepare(void)
{
	pthread_once(&tables_once, build_tables);
}

static uint32_t times_power(uint32_t crc, uint64_t exponent)
{
	for (int k = 0; k < EXPONENT_BYTES; k++) {
		unsigned digit = (exponent >> (8 * k)) & 0xff;
		if (digit != 0)
			crc = multiply(power[k][digit], crc);
	}
	return crc;
}

uint32_t crc32_shift(uint32_t crc, uint64_t bytes)
{
	if (bytes < NEAR)
		return multiply(power_near[bytes], crc);
	return times_power(crc, bytes % ORDER * 8 % ORDER);
}

uint32_t crc32_unshift(uint32_t crc, uint64_t bytes)
{
	return times_power(crc, ORDER - bytes % ORDER * 8 % ORDER);
}

uint32_t reel_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
	gf_prepare();
	return crc32_shift(crc_a, len_b) ^ crc_b;
}

uint32_t reel_crc32(uint32_t crc, const void *data, size_t len)
{
	return len == 0 ? crc : libdeflate_crc32(crc, data, len);
}

uint64_t reel_hash(const void *key, size_t key_len)
{
	return XXH3_64bits(key_len == 0 ? "" : key, key_len);
}

void reel_hash_batch(const struct reel_key *keys, size_t n, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = reel_hash(keys[i].data, keys[i].len);
}

void reel_copy(void *to, const void *from, size_t len)
{
	if (len > 0)
		memcpy(to, from, len);
}
