/*
 * measure.h - what the measurements of the store share: keys, time, and how a figure is printed.
 * Failures end the program with a message: a measurement that went wrong has no result.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stddef.h>
#include <stdint.h>

enum {
	ENTRIES = 1000000,
	BATCH = 1024,     /* entries of one batch, written or read */
	KEY_SIZE = 24,    /* room for a key */
	SMALL = 8,        /* bytes of a value: an u64, the number of its key plus 1 */
	ENTRY_BYTES = 64, /* that such an entry takes in the container: pad, value, trailer */
	BLOCK = 1 << 20,
};

/* Keys "bench-key-NUMBER", made ahead so that no time is spent on it, in the order of use. */
struct keys {
	char (*text)[KEY_SIZE];
	uint8_t *len;
	size_t n;
};

void keys_in_order(struct keys *k, size_t n);
/* Numbers below n, the same in every run. */
void keys_at_random(struct keys *k, size_t n);
void keys_free(struct keys *k);

/* The next of a fixed sequence of random numbers; *state begins as RANDOM_SEED. */
#define RANDOM_SEED 0x9e3779b97f4a7c15u
uint64_t random_next(uint64_t *state);

/* Seconds since some moment. */
double now(void);

/* One line: name, value, unit. Better is: more of a unit that ends in "/s", less of any other. */
void report(const char *name, double value, const char *unit);
void report_rate(const char *name, double count, double begin, const char *unit);

/* All bytes allocated here are touched, and not zero. Never NULL. */
void *allocate(size_t size);

/* Memory of this process that no file backs, or all of its memory, in bytes. `field` as in /proc/self/status. */
double memory_of(const char *field);

/* Prints what failed with the error, a negative errno value, and ends the program. */
void check(int result, const char *what);

/* A row of the table of figures, and what measures it in the folder that containers are made in. */
struct row {
	const char *name;
	void (*measure)(const char *dir);
};

/* writing.c, reading.c, limits.c. Each ends with a row without a name. */
extern const struct row writing_rows[], reading_rows[], limit_rows[];

#endif
