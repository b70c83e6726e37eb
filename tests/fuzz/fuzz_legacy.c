/*
 * fuzz_legacy.c - the bytes describe a container of one of the four generations, made by the rules of FORMAT.md
 * alone (build.c), with containers inside contents and a torn end. It must be read as that container, of no other
 * generation and to the last entry, and converted to the same keys and values.
 *
 * The description: the generation, how many bytes at the end are torn off, then operations of a kind, a key, a length
 * and the value's bytes.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "format.h"
#include "fuzz.h"

enum { KEYS = 16, VALUE_MAX = 2000, ENTRIES_MAX = 400 };

struct value {
	uint8_t *bytes;
	size_t len;
};

struct maker {
	struct bytes in;
	struct build out;
	struct value live[KEYS];    /* what is to be read */
	struct value written[KEYS]; /* at the end of the last whole entry */
	size_t whole;
	unsigned entries;
	bool nested; /* some contents are a container themselves */
};

static uint64_t key_hash(unsigned key)
{
	char name = (char)('a' + key);

	return reel_hash(&name, 1);
}

static void set(struct value *v, const void *bytes, size_t len)
{
	free(v->bytes);
	*v = (struct value){.len = len};
	if (!bytes)
		return;
	v->bytes = malloc(len + 1);
	FUZZ_CHECK(v->bytes, "no memory");
	if (len)
		memcpy(v->bytes, bytes, len);
}

/* One operation; the key that it changed, or -1. */
static int make_entry(struct maker *m, struct value *now)
{
	static uint8_t value[VALUE_MAX];
	uint8_t kind = bytes_u8(&m->in), key = bytes_u8(&m->in) % KEYS;
	size_t len = bytes_u16(&m->in) % VALUE_MAX, given;
	const uint8_t *p;

	if (kind % 8 == 0)
		return build_tombstone(&m->out, key_hash(key)) ? (set(&now[key], NULL, 0), (int)key) : -1;
	if (kind % 8 == 1 && m->out.size > 0 && m->out.size < BUILD_MAX / 8) {
		/* The container so far, or its beginning. */
		size_t part = kind & 0x80 ? m->out.size : 1 + len % m->out.size;
		uint8_t *copy = malloc(part);
		bool done;

		FUZZ_CHECK(copy, "no memory");
		memcpy(copy, m->out.bytes, part);
		done = (part > 1 || copy[0] != 0) && build_entry(&m->out, key_hash(key), copy, part, NULL);
		if (done)
			set(&now[key], copy, part);
		free(copy);
		m->nested = true;
		return done ? key : -1;
	}
	given = len;
	p = bytes_take(&m->in, &given);
	memset(value, kind & 0x40 ? 0 : 'x', len);
	if (given)
		memcpy(value, p, given);
	/* What is no entry, and what is not told from zeros at the start of a file. */
	if (len < m->out.gen->shortest || (len == 1 && value[0] == 0) || (len == 0 && m->out.size == 0))
		return -1;
	if (!build_entry(&m->out, key_hash(key), value, len, NULL))
		return -1;
	set(&now[key], value, len);
	return key;
}

static void check_live(struct reel *r, const struct value *live, const char *when)
{
	for (unsigned key = 0; key < KEYS; key++) {
		struct reel_entry e;
		int err = reel_read_hash(r, key_hash(key), &e);

		FUZZ_CHECK(err == (live[key].bytes ? 0 : -ENOENT), "%s: key %u: %s", when, key, strerror(-err));
		if (err < 0)
			continue;
		FUZZ_CHECK(e.len == live[key].len && memcmp(e.payload, live[key].bytes, e.len) == 0,
			   "%s: key %u has another value", when, key);
		reel_entry_release(&e);
	}
}

static void check_container(struct maker *m, const struct value *live)
{
	struct reel_options options = {.flags = REEL_RDONLY, .log = fuzz_log};
	const char *path = fuzz_path("c"), *to = fuzz_path("converted");
	struct reel_info info;
	struct reel *r;
	bool has_empty = false;
	int err;

	err = reel_open(path, &options, &r);
	FUZZ_CHECK(err == 0, "opening: %s", strerror(-err));
	check_live(r, live, "as it is");
	FUZZ_CHECK(reel_info(r, &info) == 0 && info.entries == m->entries, "%llu entries, not %u",
		   (unsigned long long)info.entries, m->entries);
	FUZZ_CHECK(info.file_size == m->whole, "the tail is %llu, not %zu", (unsigned long long)info.file_size, m->whole);
	reel_close(r);
	for (unsigned key = 0; key < KEYS; key++)
		has_empty |= live[key].bytes && live[key].len == 0;
	err = reel_convert(path, to, &options, NULL);
	if (has_empty)
		return;
	FUZZ_CHECK(err == 0, "converting: %s", strerror(-err));
	options.flags = 0;
	err = reel_open(to, &options, &r);
	FUZZ_CHECK(err == 0, "opening what was converted: %s", strerror(-err));
	check_live(r, live, "converted");
	reel_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct maker m = {.in = {data, size}};
	const struct generation *gen = &GENERATIONS[bytes_u8(&m.in) % GENERATION_COUNT];
	unsigned torn = bytes_u16(&m.in);
	size_t before_last = 0;
	int last = -1;

	build_init(&m.out, gen);
	while (m.in.left > 0 && m.entries < ENTRIES_MAX) {
		size_t before = m.out.size;
		int key;

		/* What was written before the last entry is what is read when that is torn. */
		if (last >= 0)
			set(&m.live[last], m.written[last].bytes, m.written[last].len);
		last = -1;
		key = make_entry(&m, m.written);
		if (key < 0)
			continue;
		last = key;
		before_last = before;
		m.entries++;
	}
	fuzz_clean();
	m.whole = m.out.size;
	/*
	 * A single entry cut short is no container, and one that lacks a byte can be one of the oldest generation. What is
	 * torn holds no bytes of the input's: they could be an entry themselves. Nor are there copies of the container inside
	 * it, which another generation could go on with.
	 */
	if (torn > 0 && !m.nested && last >= 0 && m.entries > 2 && m.out.size - before_last > 1) {
		size_t cut = 1 + torn % (m.out.size - before_last - 1);

		memset(m.out.bytes + before_last, 'x', m.out.size - before_last);
		fuzz_store(fuzz_path("c"), m.out.bytes, m.out.size - cut);
		m.whole = before_last;
		m.entries--;
		check_container(&m, m.live);
	} else if (m.entries > 1) {
		fuzz_store(fuzz_path("c"), m.out.bytes, m.out.size);
		check_container(&m, m.written);
	}
	for (unsigned i = 0; i < KEYS; i++) {
		free(m.live[i].bytes);
		free(m.written[i].bytes);
	}
	build_free(&m.out);
	return 0;
}
