/*
 * search.h - looks for the longest prefix of a container whose entries are all good.
 */
#ifndef REEL_SEARCH_H
#define REEL_SEARCH_H

#include "format.h"

struct search_result {
	uint64_t tail;     /* the end of the longest good prefix; where the search began if there is no more */
	unsigned links;    /* entries of it since there, counted up to 2 */
	unsigned excludes; /* bit i: it is no prefix in generation i, which would have begun a payload elsewhere */
	bool unfinished;   /* what follows it is a batch that was not finished */
	uint64_t tried;    /* checksums that were compared to find a first entry */
};

/* Searches [from, c->size), where `from` is a good tail or 0. -ENOMEM. */
int search_tail(const struct chain *c, uint64_t from, struct search_result *ret);

#endif
