/*
 * explore.h - builds the states that a crash could leave of a recorded life (moment.h), opens each, and compares what
 * is there with the life's history.
 */
#ifndef CRASH_EXPLORE_H
#define CRASH_EXPLORE_H

#include "life.h"
#include "moment.h"

struct effort {
	unsigned samples;          /* power cuts at random, and torn writes at odd places, at each moment */
	unsigned all_subsets;      /* of so many units at most, every subset is tried */
	unsigned single;           /* of so many units at most, each is lost alone, and each is kept alone */
	unsigned boundaries;       /* multiples of 512 at which a write is torn by a kill: so many at most, spread over it */
	unsigned rare;             /* one of so many states is lived on in, and that life explored */
	const struct effort *next; /* with this effort; NULL: none is */
};

struct tally {
	uint64_t built;  /* states */
	uint64_t opened; /* of these, those that no other was the same as */
	uint64_t lives;  /* that began in such a state */
	uint64_t failed;
	uint64_t shown; /* so many failures are printed */
};

/*
 * All states of l->record, which was made by `l`. `label` begins the lines about failures. Files are made and
 * removed in `folder`.
 */
void explore(struct life *l, const char *label, const char *folder, const struct effort *effort, uint64_t seed,
	     struct tally *tally);

/* explore_keys.c: whether what a power cut left of the entries of other programs is allowed, between two states. */
bool gaps_allowed(const struct life *l, const char *is, int least, int most);

/*
 * Calls `fn` for each entry that other programs see under its key, though no file has it, nothing of the file system's own is
 * in it, and no tombstone for it is due.
 */
void find_unburied(struct fs *fs, fs_check_fn fn, void *arg);

#endif
