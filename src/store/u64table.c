/*
 * u64table.c - open addressing with linear probing (u64table.h). A key's home is its mixed value scaled
 * to the capacity, so that nearly any capacity will do, and growing goes through both tables in order. It is the first
 * slot of a cache line, so that most keys are found by one access to memory; and u64table_peek() looks at that line
 * without a branch that depends on where in it the key is, so that the processor can go on to the next lookup while
 * memory is fetched.
 *
 * Small tables double. Of larger ones between 27/40 and 27/32 of the slots are in use: at most 23.8 bytes a
 * key. With tags, 20 bytes a slot, it is between 5/6 and 15/16: at most 24.
 *
 * Stores are releases and loads of u64table_peek() acquires, so that a reader who sees something of a
 * change also sees that it began.
 */
#include "config.h"

#include "u64table.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

enum {
	CAPACITY_FIRST = 64,
	CAPACITY_LARGE = 1 << 20, /* memory counts for more than the time of growing from here on */
	LINE_SLOTS = 4,           /* of a cache line; capacities are multiples of it */
	HUGE_PAGE = 2 << 20,
};

static uint64_t draw(void)
{
	uint64_t drawn = 0;

	/* Without randomness the table is correct all the same, and fast but for an enemy's keys. */
	if (getrandom(&drawn, sizeof(drawn), 0) != sizeof(drawn))
		drawn = 0;
	return drawn | 1;
}

static _Atomic uint64_t the_secret; /* of the process; 0: not drawn yet */

__attribute__((noinline, cold)) static uint64_t new_secret(void)
{
	uint64_t known = 0, drawn = draw();

	/* The first thread's draw is everybody's. */
	return atomic_compare_exchange_strong(&the_secret, &known, drawn) ? drawn : known;
}

static inline uint64_t secret(void)
{
	uint64_t known = atomic_load_explicit(&the_secret, memory_order_relaxed);

	return __builtin_expect(known != 0, true) ? known : new_secret();
}

static inline uint64_t key_of(const struct u64table_slot *slot)
{
	return atomic_load_explicit(&slot->key, memory_order_acquire);
}

static inline uint64_t value_of(const struct u64table_slot *slot)
{
	return atomic_load_explicit(&slot->value, memory_order_acquire);
}

static inline uint64_t home(const struct u64table *t, uint64_t key)
{
	uint64_t x = key ^ secret();

	x = (x ^ (x >> 33)) * 0xc2b2ae3d27d4eb4fu;
	x = (x ^ (x >> 29)) * 0x9fb21c651e98df25u;
	x ^= x >> 32;
	return (uint64_t)(((unsigned __int128)x * t->capacity) >> 64) & ~(uint64_t)(LINE_SLOTS - 1);
}

static inline uint64_t after(const struct u64table *t, uint64_t i)
{
	return i + 1 == t->capacity ? 0 : i + 1;
}

/*
 * The key's slot, or the free one where it would go. Slots of a line are in use from the first on, so that their number
 * says which is free; no branch depends on it, nor on where in the line the key is.
 */
static inline uint64_t probe(const struct u64table *t, uint64_t key)
{
	for (uint64_t i = home(t, key);;) {
		unsigned used = 0, at = 0;
		for (unsigned j = 0; j < LINE_SLOTS; j++) {
			unsigned in_use = value_of(&t->slots[i + j]) != 0;
			used += in_use;
			at += (in_use & (key_of(&t->slots[i + j]) == key)) ? j + 1 : 0;
		}
		if (at != 0)
			return i + at - 1;
		if (__builtin_expect(used < LINE_SLOTS, true))
			return i + used;
		i = i + LINE_SLOTS == t->capacity ? 0 : i + LINE_SLOTS;
	}
}

static inline void fill(struct u64table *t, uint64_t i, uint64_t key, uint64_t value, uint32_t tag)
{
	atomic_store_explicit(&t->slots[i].key, key, memory_order_release);
	atomic_store_explicit(&t->slots[i].value, value, memory_order_release);
	if (t->tags != NULL)
		atomic_store_explicit(&t->tags[i], tag, memory_order_release);
}

static inline uint32_t tag_of(const struct u64table *t, uint64_t i)
{
	return t->tags == NULL ? 0 : atomic_load_explicit(&t->tags[i], memory_order_acquire);
}

static size_t slot_bytes(const struct u64table *t)
{
	return sizeof(struct u64table_slot) + (t->tagged ? sizeof(uint32_t) : 0);
}

/* Zeroed memory for the slots, and behind them the tags. */
static int allocate(struct u64table *t)
{
	if (t->capacity > SIZE_MAX / 2 / slot_bytes(t))
		return -ENOMEM;
	size_t len = t->capacity * slot_bytes(t);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	/* Slots are visited at random: large pages spare misses in the TLB. Advice only. */
	if (len >= 2 * HUGE_PAGE)
		(void)madvise(p, len, MADV_HUGEPAGE);
	t->slots = p;
	t->tags = t->tagged ? (_Atomic uint32_t *)(t->slots + t->capacity) : NULL;
	return 0;
}

void u64table_free(struct u64table *t)
{
	if (t->slots != NULL)
		munmap(t->slots, t->capacity * slot_bytes(t));
	*t = (struct u64table){.tagged = t->tagged};
}

void u64table_retire(struct u64table *t)
{
	/* What is read there from now on is zeros. Where this fails, memory is only kept for longer. */
	if (t->slots != NULL)
		(void)madvise(t->slots, t->capacity * slot_bytes(t), MADV_DONTNEED);
}

/* u64table_peek() when the key is not in the first line, or hard to tell. */
static uint64_t peek_on(const struct u64table *t, uint64_t i, uint64_t key, uint32_t *tag)
{
	/* Counted, because slots that change meanwhile could keep it going. */
	for (uint64_t n = 0; n < t->capacity; n++) {
		uint64_t value = value_of(&t->slots[i]);
		if (value == 0)
			break;
		if (key_of(&t->slots[i]) == key) {
			if (tag != NULL)
				*tag = tag_of(t, i);
			return value;
		}
		i = after(t, i);
	}
	return 0;
}

uint64_t u64table_peek(const struct u64table *t, uint64_t key, uint32_t *tag)
{
	if (t->capacity == 0)
		return 0;
	uint64_t i = home(t, key);
	const struct u64table_slot *line = &t->slots[i];
	/* A sum, because of alternatives compilers make branches. Slots that change meanwhile can be alike. */
	unsigned at = (key_of(&line[1]) == key) + 2u * (key_of(&line[2]) == key) + 3u * (key_of(&line[3]) == key);
	at %= LINE_SLOTS;
	uint64_t value = value_of(&line[at]);
	if (__builtin_expect(key_of(&line[at]) == key && value != 0, true)) {
		if (tag != NULL && t->tags != NULL)
			*tag = tag_of(t, i + at);
		return value;
	}
	return peek_on(t, i, key, tag);
}

struct u64table_slot *u64table_find(const struct u64table *t, uint64_t key)
{
	if (t->used == 0)
		return NULL;
	struct u64table_slot *slot = &t->slots[probe(t, key)];
	return value_of(slot) == 0 ? NULL : slot;
}

bool u64table_has_room(const struct u64table *t, uint64_t n)
{
	return t->used + n <= (t->tagged ? t->capacity / 16 * 15 : t->capacity / 32 * 27);
}

bool u64table_is_sparse(const struct u64table *t)
{
	return t->capacity > CAPACITY_FIRST && t->used < (t->tagged ? t->capacity / 6 * 5 : t->capacity / 40 * 27);
}

static int copy_to(const struct u64table *t, uint64_t capacity, struct u64table *ret)
{
	struct u64table copy = {.capacity = capacity, .used = t->used, .tagged = t->tagged};
	int err = allocate(&copy);

	if (err < 0)
		return err;
	for (uint64_t i = 0; i < t->capacity; i++) {
		uint64_t value = value_of(&t->slots[i]), key = key_of(&t->slots[i]);
		if (value != 0)
			fill(&copy, probe(&copy, key), key, value, tag_of(t, i));
	}
	*ret = copy;
	return 0;
}

int u64table_copy(const struct u64table *t, uint64_t n, struct u64table *ret)
{
	uint64_t room = n > t->used ? n : t->used;

	if (room > UINT64_MAX / 64)
		return -ENOMEM;
	/* In the middle of what growing leaves, and divided by what the limits divide it by. */
	uint64_t capacity = (t->tagged ? room / 15 * 17 : room / 3 * 4) + CAPACITY_FIRST;
	return copy_to(t, (capacity + 31) / 32 * 32, ret);
}

int u64table_grown(const struct u64table *t, struct u64table *ret)
{
	uint64_t more = t->capacity < CAPACITY_LARGE ? t->capacity : t->capacity / (t->tagged ? 9 : 4);

	if (t->capacity > UINT64_MAX / 4)
		return -ENOMEM;
	return copy_to(t, t->capacity < CAPACITY_FIRST ? CAPACITY_FIRST : (t->capacity + more + 31) / 32 * 32, ret);
}

static int make_room(struct u64table *t)
{
	struct u64table bigger;

	if (u64table_has_room(t, 1))
		return 0;
	int err = u64table_grown(t, &bigger);
	if (err < 0)
		return err;
	u64table_free(t);
	*t = bigger;
	return 0;
}

int u64table_add(struct u64table *t, uint64_t key, uint64_t value)
{
	int err = make_room(t);

	if (err < 0)
		return err;
	uint64_t i = probe(t, key);
	if (value_of(&t->slots[i]) != 0)
		return 0;
	fill(t, i, key, value, 0);
	t->used++;
	return 1;
}

void u64table_put_tagged(struct u64table *t, uint64_t key, uint64_t value, uint32_t tag)
{
	uint64_t i = probe(t, key);

	t->used += value_of(&t->slots[i]) == 0;
	fill(t, i, key, value, tag);
}

int u64table_put(struct u64table *t, uint64_t key, uint64_t value)
{
	int err = make_room(t);

	if (err == 0)
		u64table_put_tagged(t, key, value, 0);
	return err;
}

/* Frees slot i and moves up what was pushed past it, so that no probe stops short. */
static void vacate(struct u64table *t, uint64_t i)
{
	uint64_t j = i;

	for (;;) {
		j = after(t, j);
		uint64_t value = value_of(&t->slots[j]), key = key_of(&t->slots[j]);
		if (value == 0)
			break;
		uint64_t h = home(t, key);
		uint64_t from_home = j >= h ? j - h : j + t->capacity - h;
		uint64_t from_hole = j >= i ? j - i : j + t->capacity - i;
		if (from_home >= from_hole) {
			fill(t, i, key, value, tag_of(t, j));
			i = j;
		}
	}
	fill(t, i, 0, 0, 0);
	t->used--;
}

void u64table_remove(struct u64table *t, uint64_t key)
{
	if (t->used == 0)
		return;
	uint64_t i = probe(t, key);
	if (value_of(&t->slots[i]) != 0)
		vacate(t, i);
}

void u64table_remove_marked(struct u64table *t, uint64_t mask)
{
	for (uint64_t i = 0; i < t->capacity; i++) {
		while (value_of(&t->slots[i]) & mask)
			vacate(t, i);
	}
}

void u64table_prefetch(const struct u64table *t, uint64_t key)
{
	if (t->capacity > 0)
		__builtin_prefetch(&t->slots[home(t, key)]);
}
