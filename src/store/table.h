/*
 * table.h - a map from 64-bit keys to 64-bit values other than 0, in 16 bytes a slot. Not safe
 * for use by several threads unless all of them only read. Keys may be chosen by an enemy: slots
 * depend on a secret of the process.
 */
#ifndef REEL_TABLE_H
#define REEL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct table_slot {
	uint64_t key;
	uint64_t value; /* 0: the slot is free */
};

/* All zero: empty and valid. */
struct table {
	struct table_slot *slots;
	uint64_t capacity;
	uint64_t used;
};

void table_free(struct table *t);

/* The value, to read or to change (never to 0); NULL: none. Good until the table is changed. */
uint64_t *table_find(const struct table *t, uint64_t key);

/* Sets the key's value, whether it was there or not. -ENOMEM. */
int table_put(struct table *t, uint64_t key, uint64_t value);

/* Adds the key if it is not there. 1: added, 0: it was there and keeps its value; -ENOMEM. */
int table_add(struct table *t, uint64_t key, uint64_t value);

void table_remove(struct table *t, uint64_t key);

/* Removes every key whose value has one of the bits of `mask`. */
void table_remove_marked(struct table *t, uint64_t mask);

#endif
