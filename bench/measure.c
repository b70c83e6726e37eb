/*
 * measure.c - keys, time and output of the measurements (measure.h). Relies on Linux's /proc for memory.
 */
#include "config.h"

#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void keys_new(struct keys *k, size_t n)
{
	k->text = allocate(n * sizeof(*k->text));
	k->len = allocate(n);
	k->n = n;
}

static void set_key(struct keys *k, size_t i, size_t number)
{
	k->len[i] = (uint8_t)snprintf(k->text[i], KEY_SIZE, "bench-key-%zu", number);
}

void keys_in_order(struct keys *k, size_t n)
{
	keys_new(k, n);
	for (size_t i = 0; i < n; i++)
		set_key(k, i, i);
}

void keys_at_random(struct keys *k, size_t n)
{
	uint64_t state = RANDOM_SEED;

	keys_new(k, n);
	for (size_t i = 0; i < n; i++)
		set_key(k, i, random_next(&state) % n);
}

void keys_free(struct keys *k)
{
	free(k->text);
	free(k->len);
}

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void report(const char *name, double value, const char *unit)
{
	printf("%s %.*f %s\n", name, value < 1 ? 6 : value < 1000 ? 2 : 0, value, unit);
	fflush(stdout);
}

void report_rate(const char *name, double count, double begin, const char *unit)
{
	report(name, count / (now() - begin), unit);
}

void *allocate(size_t size)
{
	void *p = malloc(size);

	if (p == NULL) {
		fprintf(stderr, "bench/store: no memory for %zu bytes\n", size);
		exit(EXIT_FAILURE);
	}
	return memset(p, 0x5a, size);
}

double memory_of(const char *field)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	double kib = 0;
	size_t len = strlen(field);

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, field, len) == 0 && line[len] == ':')
			kib = strtod(line + len + 1, NULL);
	}
	if (f == NULL || kib == 0) {
		fprintf(stderr, "bench/store: /proc/self/status does not have %s\n", field);
		exit(EXIT_FAILURE);
	}
	fclose(f);
	return kib * 1024;
}

void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "bench/store: %s: %s\n", what, strerror(-result));
	exit(EXIT_FAILURE);
}
