/*
 * holder.h - who holds the lock on a container, as far as this machine tells.
 */
#ifndef REEL_HOLDER_H
#define REEL_HOLDER_H

#include "store.h"

enum { PROGRAM_NAME_MAX = 64 };

struct holder {
	long pid;    /* 0: not known */
	bool lives;  /* and `program` is its name */
	bool stores; /* it says of itself (REEL_STORING) that it ends by itself */
	char program[PROGRAM_NAME_MAX];
};

void holder_find(struct reel *r, int fd, struct holder *ret);
/* A name as /proc/PID/mountinfo writes it, as it is. */
void holder_unescape(char *text);
/* Logs who it is and what to do. */
void holder_tell(struct reel *r, int fd);

#endif
