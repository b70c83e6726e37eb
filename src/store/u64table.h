/*
 * u64table.h - a map from 64-bit keys to 64-bit values other than 0, in 16 bytes a slot, and where asked
 * for with a 32-bit tag to each key. Keys may be chosen by an enemy: slots depend on a secret of the
 * process.
 *
 * Several threads: one at a time may change a table. u64table_peek() may run beside a change and beside
 * u64table_retire(): it ends and touches nothing it must not, but what it returns can be wrong. It is
 * right when no change began or went on meanwhile; the caller finds that out (index.c). All other
 * functions exclude changes.
 */
#ifndef REEL_U64TABLE_H
#define REEL_U64TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct u64table_slot {
	_Atomic uint64_t key;
	_Atomic uint64_t value; /* 0: the slot is free */
};

/* All zero: empty and valid. */
struct u64table {
	struct u64table_slot *slots;
	_Atomic uint32_t *tags; /* of the slots; NULL: none are kept */
	uint64_t capacity;
	uint64_t used;
	bool tagged; /* set before the first key is added: keeps tags, and fills the slots more densely */
};

void u64table_free(struct u64table *t);

/*
 * Gives the memory back, but keeps the addresses readable for u64table_peek(). For u64table_free()
 * later, and nothing else.
 */
void u64table_retire(struct u64table *t);

/* The value; 0: none. *tag (may be NULL) is set when there is one: 0, if tags are not kept. */
uint64_t u64table_peek(const struct u64table *t, uint64_t key, uint32_t *tag);

/* The slot of a key, to read or to change its value (never to 0); NULL: none. Good until the table is changed. */
struct u64table_slot *u64table_find(const struct u64table *t, uint64_t key);

/* Is there room for `n` more keys without growing? */
bool u64table_has_room(const struct u64table *t, uint64_t n);

/* The same keys in a new table with room for `n`, or for all it has if that is more. -ENOMEM. */
int u64table_copy(const struct u64table *t, uint64_t n, struct u64table *ret);

/* A copy with room for a part more than there is. */
int u64table_grown(const struct u64table *t, struct u64table *ret);

/* Sets the key's value, whether it was there or not, growing as needed; tags are set to 0. -ENOMEM. */
int u64table_put(struct u64table *t, uint64_t key, uint64_t value);

/* The same with a tag, when there is room. */
void u64table_put_tagged(struct u64table *t, uint64_t key, uint64_t value, uint32_t tag);

/* Adds the key if it is not there. 1: added, 0: it was there and keeps its value; -ENOMEM. */
int u64table_add(struct u64table *t, uint64_t key, uint64_t value);

void u64table_remove(struct u64table *t, uint64_t key);

/* Removes every key whose value has one of the bits of `mask`. */
void u64table_remove_marked(struct u64table *t, uint64_t mask);

/* Tells the processor that the key will be looked for soon. */
void u64table_prefetch(const struct u64table *t, uint64_t key);

/* Slots that use more memory than growing ever leaves: worth a copy. */
bool u64table_is_sparse(const struct u64table *t);

#endif
