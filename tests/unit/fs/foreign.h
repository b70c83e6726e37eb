/*
 * foreign.h - another program that writes to the tests' container: libreel alone. Each function ends the test when
 * something unexpected happens.
 */
#ifndef FOREIGN_H
#define FOREIGN_H

#include "harness.h"

/* The container as another program opens it; closes h_fs. */
struct reel *foreign_open(void);
void foreign_write(struct reel *r, const char *key, const char *value);
void foreign_delete(struct reel *r, const char *key);

/* The name under which an unknown key shows; valid until the fourth call after. */
const char *hex(const char *key);

/* How many entries of other programs the opening of h_fs found. */
uint64_t foreign_count(void);

/* The tree is the same after a change and two openings, and nothing counts as foreign any more. */
void expect_adopted(void);

#endif
