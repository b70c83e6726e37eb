/*
 * u64table.c - open addressing with linear probing (u64table.h). A key's home is its mixed value scaled
 * to the capacity, so that any capacity will do, and growing goes through both tables in order.
 *
 * Between 27/40 and 27/32 of a grown table is in use: at most 23.8 bytes a key.
 */
#include "config.h"

#include "u64table.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

enum { CAPACITY_FIRST = 64 };

static uint64_t secret(void)
{
	static _Atomic uint64_t value;
	uint64_t known = atomic_load_explicit(&value, memory_order_relaxed);

	if (known == 0) {
		uint64_t drawn = 0;
		/* Without randomness the table is correct all the same, and fast but for an enemy's keys. */
		if (getrandom(&drawn, sizeof(drawn), 0) != sizeof(drawn))
			drawn = 0;
		drawn |= 1;
		/* The first thread's draw is everybody's. */
		known = atomic_compare_exchange_strong(&value, &known, drawn) ? drawn : known;
	}
	return known;
}

static uint64_t home(const struct u64table *t, uint64_t key)
{
	uint64_t x = key ^ secret();

	x = (x ^ (x >> 33)) * 0xc2b2ae3d27d4eb4fu;
	x = (x ^ (x >> 29)) * 0x9fb21c651e98df25u;
	x ^= x >> 32;
	return (uint64_t)(((unsigned __int128)x * t->capacity) >> 64);
}

/* The key's slot, or the free one where it would go. */
static struct u64table_slot *probe(const struct u64table *t, uint64_t key)
{
	uint64_t i = home(t, key);

	while (t->slots[i].value != 0 && t->slots[i].key != key)
		i = i + 1 == t->capacity ? 0 : i + 1;
	return &t->slots[i];
}

static int grow(struct u64table *t)
{
	struct u64table bigger = {.capacity = t->capacity == 0 ? CAPACITY_FIRST : t->capacity + t->capacity / 4,
				  .used = t->used};

	if (bigger.capacity > SIZE_MAX / sizeof(*bigger.slots))
		return -ENOMEM;
	bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return -ENOMEM;
	for (uint64_t i = 0; i < t->capacity; i++) {
		if (t->slots[i].value != 0)
			*probe(&bigger, t->slots[i].key) = t->slots[i];
	}
	free(t->slots);
	*t = bigger;
	return 0;
}

void u64table_free(struct u64table *t)
{
	free(t->slots);
	*t = (struct u64table){0};
}

uint64_t *u64table_find(const struct u64table *t, uint64_t key)
{
	if (t->used == 0)
		return NULL;
	struct u64table_slot *slot = probe(t, key);
	return slot->value == 0 ? NULL : &slot->value;
}

int u64table_add(struct u64table *t, uint64_t key, uint64_t value)
{
	if (t->used + 1 > t->capacity * 27 / 32) {
		int err = grow(t);
		if (err < 0)
			return err;
	}
	struct u64table_slot *slot = probe(t, key);
	if (slot->value != 0)
		return 0;
	*slot = (struct u64table_slot){.key = key, .value = value};
	t->used++;
	return 1;
}

int u64table_put(struct u64table *t, uint64_t key, uint64_t value)
{
	uint64_t *known = u64table_find(t, key);

	if (known == NULL)
		return u64table_add(t, key, value) < 0 ? -ENOMEM : 0;
	*known = value;
	return 0;
}

/* Frees slot i and moves up what was pushed past it, so that no probe stops short. */
static void vacate(struct u64table *t, uint64_t i)
{
	uint64_t j = i;

	for (;;) {
		j = j + 1 == t->capacity ? 0 : j + 1;
		if (t->slots[j].value == 0)
			break;
		uint64_t h = home(t, t->slots[j].key);
		uint64_t from_home = j >= h ? j - h : j + t->capacity - h;
		uint64_t from_hole = j >= i ? j - i : j + t->capacity - i;
		if (from_home >= from_hole) {
			t->slots[i] = t->slots[j];
			i = j;
		}
	}
	t->slots[i].value = 0;
	t->used--;
}

void u64table_remove(struct u64table *t, uint64_t key)
{
	if (t->used == 0)
		return;
	struct u64table_slot *slot = probe(t, key);
	if (slot->value != 0)
		vacate(t, (uint64_t)(slot - t->slots));
}

void u64table_remove_marked(struct u64table *t, uint64_t mask)
{
	for (uint64_t i = 0; i < t->capacity; i++) {
		while (t->slots[i].value & mask)
			vacate(t, i);
	}
}
