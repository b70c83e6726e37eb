/*
 * table.h - an ordered table from 64-bit numbers to pointers: Judy arrays with their error handling.
 * Inode numbers, name hashes, readdir cookies, key hashes and container offsets are all looked up
 * through it. Reading is safe from several threads while nobody changes the table; it does no
 * locking of its own and owns nothing that it points to. Taking a key out may want memory: where there is none, its slot
 * stays, with nothing in it. Beside it a set of such numbers, of about a bit each where
 * they lie close together.
 */
#ifndef FS_TABLE_H
#define FS_TABLE_H

#include <Judy.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(sizeof(Word_t) == sizeof(uint64_t), "tables are keyed by 64-bit numbers");

/* Zeroed is empty. */
struct table {
	Pvoid_t judy;
};

static inline void *table_get(const struct table *t, uint64_t key)
{
	void **slot = (void **)JudyLGet(t->judy, key, NULL);
	return slot ? *slot : NULL;
}

/* Sets key to value (not NULL), whatever it was before. -ENOMEM. */
static inline int table_put(struct table *t, uint64_t key, void *value)
{
	void **slot = (void **)JudyLIns(&t->judy, key, NULL);

	if (!slot || slot == (void **)PPJERR)
		return -ENOMEM;
	*slot = value;
	return 0;
}

static inline void table_del(struct table *t, uint64_t key)
{
	if (JudyLDel(&t->judy, key, NULL) == JERR) {
		void **slot = (void **)JudyLGet(t->judy, key, NULL);
		if (slot)
			*slot = NULL;
	}
}

/* The first value whose key is at least *key, which is set to it; NULL: none. */
static inline void *table_first(const struct table *t, uint64_t *key)
{
	Word_t word = *key;
	void **slot = (void **)JudyLFirst(t->judy, &word, NULL);

	while (slot && !*slot)
		slot = (void **)JudyLNext(t->judy, &word, NULL);
	*key = word;
	return slot ? *slot : NULL;
}

/* The value with the greatest key, which *key is set to; NULL: the table is empty. */
static inline void *table_last(const struct table *t, uint64_t *key)
{
	Word_t word = UINT64_MAX;
	void **slot = (void **)JudyLLast(t->judy, &word, NULL);

	while (slot && !*slot)
		slot = (void **)JudyLPrev(t->judy, &word, NULL);
	*key = word;
	return slot ? *slot : NULL;
}

static inline uint64_t table_count(const struct table *t)
{
	return JudyLCount(t->judy, 0, UINT64_MAX, NULL);
}

static inline bool table_empty(const struct table *t)
{
	uint64_t key = 0;

	return table_first(t, &key) == NULL;
}

/* Frees the table, not what it points to. */
static inline void table_clear(struct table *t)
{
	(void)JudyLFreeArray(&t->judy, NULL);
}

/* Zeroed is empty. */
struct number_set {
	Pvoid_t judy;
};

/* -ENOMEM. */
static inline int number_set_add(struct number_set *s, uint64_t n)
{
	return Judy1Set(&s->judy, n, NULL) == JERR ? -ENOMEM : 0;
}

static inline void number_set_del(struct number_set *s, uint64_t n)
{
	(void)Judy1Unset(&s->judy, n, NULL);
}

static inline bool number_set_has(const struct number_set *s, uint64_t n)
{
	return Judy1Test(s->judy, n, NULL) == 1;
}

static inline bool number_set_empty(const struct number_set *s)
{
	return s->judy == NULL;
}

/* The first number that is at least *n, which is set to it; false: there is none. */
static inline bool number_set_first(const struct number_set *s, uint64_t *n)
{
	Word_t word = *n;
	bool found = Judy1First(s->judy, &word, NULL) == 1;

	*n = word;
	return found;
}

static inline void number_set_clear(struct number_set *s)
{
	(void)Judy1FreeArray(&s->judy, NULL);
}

#endif
