/*
 * copy.h - copies all that is live in a container into a new one (copy.c).
 */
#ifndef REEL_COPY_H
#define REEL_COPY_H

#include "store.h"

/* Whether there is a file system in the container: then its entries must stay where they are. The index must be there. */
bool copy_is_tree(struct reel *r);

/* How long a container would be with just the live entries of the snapshot. */
uint64_t copy_size(const struct snapshot *s);

struct copied {
	uint64_t at;    /* after an error: the end of the entry it is about */
	uint64_t empty; /* entries without a payload, which only the oldest generation can hold, left out */
	uint64_t nul;   /* values of one NUL byte, likewise (REEL_NUL_VALUES) */
};

/* Copies the live entries. -EBADMSG: the entry at ret->at is damaged. */
int copy_live(const struct snapshot *s, struct reel *to, struct copied *ret);

/* A new container with an unused name beside `path`. It logs nothing. */
int copy_open_beside(const struct reel *like, const char *path, struct reel **ret);

/* Ends it, and removes its file unless that got another name (to->fd is -1 then). NULL is allowed. */
void copy_discard(struct reel *to);

/*
 * The live entries of the snapshot of `from` in the new container `to`, which appears whole and synced or not at all.
 * *size is its length. -EEXIST; -EBADMSG as copy_live().
 */
int copy_to_new(struct reel *from, const struct snapshot *s, const char *to, struct copied *copied, uint64_t *size);

#endif
