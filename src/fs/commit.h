/*
 * commit.h - transactions: a change is built as records, appended with a seal, and only then applied
 * to the tree in memory (invariant T1). A change exists if and only if its seal does.
 */
#ifndef FS_COMMIT_H
#define FS_COMMIT_H

#include "state.h"

struct tx {
	struct fs *fs;
	struct body body;
	struct reel_append *append; /* NULL until contents or the seal are written */
	bool reading;               /* holds the tree lock for reading */
	size_t tombstones;          /* dead keys that this append gives a tombstone */
	uint64_t contents;          /* bytes of contents that it will have; to be set before the append begins */
	uint64_t promised;          /* room promised for them (room.h); likewise. The caller's again if it fails */
	bool expected;              /* the append is under way, and the promise is not counted */
	bool removes;               /* it only takes something away: it is made on a full disk, too (room.h); likewise */
};

/*
 * Begins a transaction: takes the commit lock, and the tree lock for reading so that the caller can
 * look and build records in tx->body. -EROFS. Ends with tx_commit() or tx_abort().
 */
int tx_begin(struct fs *fs, struct tx *tx);
/* The same without the tree lock; contents are written first, then tx_build() takes it. */
int tx_begin_contents(struct fs *fs, struct tx *tx);
void tx_build(struct tx *tx);
/* Begins the append, with the tombstones that are due; contents go into tx->append. After an error: tx_abort(). */
int tx_append(struct tx *tx);

/*
 * Appends the records and applies them, or does nothing at all. `settle`, if not NULL, is an inode that
 * ends here if nothing keeps it any more; `attr`, if not NULL, gets `ino`'s attributes as they are then,
 * with its lookup count one higher if `lookup`.
 */
struct tx_result {
	struct inode *settle;
	uint64_t ino;
	bool lookup;
	struct fs_attr *attr;
	struct open_state *committed; /* its changed attributes are in this transaction */
	bool rest;                    /* but some of what it has changed is not */
};
int tx_commit(struct tx *tx, const struct tx_result *result);
void tx_abort(struct tx *tx);
/* tx_commit() when building gave 0, otherwise tx_abort() and `built` back. */
int tx_finish(struct tx *tx, int built, const struct tx_result *result);

/* The number that the seal of a transaction that is being built will have. Commit lock held. */
static inline uint64_t tx_sequence(const struct tx *tx)
{
	return tx->fs->sequence + 1;
}

/*
 * Writes a checkpoint now (not clean). Commit lock not held.
 */
int commit_checkpoint(struct fs *fs);
/* True when so much was written since the last checkpoint that a replay would be long. */
bool commit_wants_checkpoint(struct fs *fs);
/* The last seal of this writer: a checkpoint, or an empty transaction where little has changed. */
int commit_clean(struct fs *fs);

/*
 * For those who fill a new container with one append: the superblock, which is its first entry, and the
 * checkpoint that ends it (with the superblock before it, if there is none yet). commit_first() ends the
 * append, whatever it returns.
 */
int commit_first_super(struct fs *fs, struct reel_append *a);
int commit_first(struct fs *fs, struct reel_append *a, const struct body *body);

#endif
