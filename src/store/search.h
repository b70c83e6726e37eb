/*
 * search.h - looks for the longest prefix of a container whose entries are all good, and for good entries behind it.
 */
#ifndef REEL_SEARCH_H
#define REEL_SEARCH_H

#include "format.h"

struct search_result {
	uint64_t tail;       /* the end of the longest good prefix; where the search began if there is no more */
	unsigned links;      /* entries of it since there, counted up to 2 */
	unsigned excludes;   /* bit i: it is no prefix in generation i, which would have begun a payload elsewhere */
	uint64_t unfinished; /* what follows it is a batch that was not finished, of which the first entry ends here; or 0 */
};

/*
 * Searches [from, c->size), where `from` is a good tail or 0. `pads`: a pad that is not zero was never written, as behind a
 * durable tail; elsewhere a damaged one harms nobody. -ENOMEM.
 */
int search_tail(const struct chain *c, uint64_t from, bool pads, struct search_result *ret);

/*
 * Does e, which lacks its checksum, pass over good entries? Those would begin where its link says that it does itself; no
 * value holds entries with such links. *ret is false for a link of 0, where a value may be a container. -ENOMEM.
 */
int search_passed(const struct chain *c, const struct reel_entry *e, bool *ret);

/*
 * The next position of a trailer, from `at` on, that could link into [from, position]; past c->size - the trailer's length,
 * which is not negative: there is none.
 */
uint64_t search_next_link(const struct chain *c, uint64_t from, uint64_t at);

struct behind_result {
	uint64_t last;   /* the end of the last good entry; 0: there is none */
	uint64_t linked; /* of the last one from which links lead to the prefix; 0: from none */
};

/*
 * Looks for good entries that begin behind the good prefix which ends at `tail`, whatever is between, and do not come after
 * an unfinished batch. Linear in the bytes; where very many positions look like trailers some are passed over. -ENOMEM.
 */
int search_behind(const struct chain *c, uint64_t tail, struct behind_result *ret);

/*
 * The ends of all good entries that begin at or after `from`, whatever is between, ascending; a link of 0 makes none. Those
 * count that lie inside another one, too. To be freed. Linear in the bytes, and so is the memory where very many positions
 * look like trailers; more than entries would have room are not looked at. -ENOMEM.
 */
int search_good(const struct chain *c, uint64_t from, uint64_t **ends, size_t *n);

#endif
