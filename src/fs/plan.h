/*
 * plan.h - what of an open file one commit writes: all of it as one entry, the ranges that changed, or, while it
 * stays open, a piece of these.
 */
#ifndef FS_PLAN_H
#define FS_PLAN_H

#include "state.h"

/* So much of an open file's changes is committed at once while it stays open: nobody else waits longer than that takes. */
#define PLAN_PIECE (4u << 20)

struct plan {
	bool lean;                     /* what is in the container is not written once more, whatever it would be good for */
	bool whole;                    /* the file becomes one entry */
	bool one_nul;                  /* all that is to be written is a NUL byte, which becomes a hole */
	bool rest;                     /* bytes stay unwritten, or the size is not yet the one that descriptors see */
	uint64_t start, end;           /* dirty bytes of this range are committed */
	uint64_t dirty;                /* how many these are */
	uint64_t size;                 /* of the file in the container afterwards */
	uint64_t bytes;                /* of the entry */
	struct fs_record_extent *runs; /* what the entry holds of the file; position not yet set */
	size_t n, room;
};

/* All that is unwritten; `lean`: and nothing that is in the container already. open_state.io held. -ENOMEM. */
int plan_all(struct fs *fs, const struct open_state *o, bool lean, struct plan *ret);
/*
 * Of a file that stays open: at most a piece of the dirty bytes from offset `from` on, and no more than what makes the
 * file in the container one that it may have been: all up to its size was handed over (docs/DESIGN.md, invariant W1).
 * open_state.io held for writing. -ENOMEM.
 */
int plan_piece(struct fs *fs, struct open_state *o, bool lean, uint64_t from, struct plan *ret);
/* Whether the plan changes anything in the container. */
bool plan_is_empty(const struct open_state *o, const struct plan *p);
void plan_free(struct plan *p);

#endif
