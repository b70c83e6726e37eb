/*
 * keys.c - tells names with one hash apart (reel.h, "Keys"). A tag is 32 bits of the name's hash under a seed that
 * is drawn once a process: who chooses names cannot choose two with one tag.
 */
#include "config.h"

#include <sys/random.h>
#include <xxhash.h>

#include "store.h"

static pthread_once_t seed_once = PTHREAD_ONCE_INIT;
static uint64_t seed;

static void draw_seed(void)
{
	/* Without randomness only an enemy's names pass for others. */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = 0x5bd1e9955bd1e995u;
}

uint32_t key_tag(const struct reel *r, const void *key, size_t len)
{
	if (!keys_checked(r))
		return 0;
	pthread_once(&seed_once, draw_seed);
	uint32_t tag = (uint32_t)(XXH3_64bits_withSeed(len == 0 ? "" : key, len, seed) >> 32);
	return tag == 0 ? 1 : tag;
}
