/*
 * u64table.h - a map from 64-bit keys to 64-bit values other than 0, in 16 bytes a slot. Not safe
 * for use by several threads unless all of them only read. Keys may be chosen by an enemy: slots
 * depend on a secret of the process.
 */
#ifndef REEL_U64TABLE_H
#define REEL_U64TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct u64table_slot {
	uint64_t key;
	uint64_t value; /* 0: the slot is free */
};

/* All zero: empty and valid. */
struct u64table {
	struct u64table_slot *slots;
	uint64_t capacity;
	uint64_t used;
};

void u64table_free(struct u64table *t);

/* The value, to read or to change (never to 0); NULL: none. Good until the table is changed. */
uint64_t *u64table_find(const struct u64table *t, uint64_t key);

/* Sets the key's value, whether it was there or not. -ENOMEM. */
int u64table_put(struct u64table *t, uint64_t key, uint64_t value);

/* Adds the key if it is not there. 1: added, 0: it was there and keeps its value; -ENOMEM. */
int u64table_add(struct u64table *t, uint64_t key, uint64_t value);

void u64table_remove(struct u64table *t, uint64_t key);

/* Removes every key whose value has one of the bits of `mask`. */
void u64table_remove_marked(struct u64table *t, uint64_t mask);

#endif
