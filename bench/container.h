/*
 * container.h - the containers that rows of bench/store measure, through the public header of libreel. Every
 * failure ends the program.
 */
#ifndef CONTAINER_H
#define CONTAINER_H

#include "measure.h"
#include "reel.h"

/* Good until the next call. */
const char *path_of(const char *dir, const char *name);

/* Its messages go to standard error. */
struct reel *open_container(const char *path, unsigned flags);

/* bench.new, without entries. */
struct reel *open_new(const char *dir);

/* Without syncing it. */
void close_and_remove(struct reel *r);

/* n values: 1, 2, ... */
uint64_t *values_new(size_t n);

void append_in_batches(struct reel *r, const struct keys *keys, const uint64_t *values);

/*
 * A container of n entries with keys in order, made if it is not there; bench.1m is that of ENTRIES. The path is good
 * until the next call.
 */
const char *container(const char *dir, const char *name, size_t n);
const char *million(const char *dir);

/* Opened, and able to answer for any key. */
struct reel *open_with_index(const char *path, unsigned flags);

#endif
