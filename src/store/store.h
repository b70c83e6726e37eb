/*
 * store.h - what the files of the store share: an open container, and what they do for each other.
 *
 * Locks, in the order they are taken:
 *   append_lock  one append at a time; held across writing. Protects `append` and the file's end.
 *   index.build  one thread builds the index at a time; held while it reads all trailers.
 *   index.lock   the key index, and with it the committed tail: both change together under it.
 *                Never held while the file is written or read.
 *   reserve.lock the space allocated ahead.
 *   sync.lock    who is syncing. Not held during fdatasync().
 * Readers take none but index.lock. Nothing is logged with a lock held.
 */
#ifndef REEL_STORE_H
#define REEL_STORE_H

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <syslog.h>

#include "append.h"
#include "disk.h"
#include "engine.h"
#include "format.h"
#include "map.h"
#include "u64table.h"

/* Marks an index value, and an append's entry: the entry that ends there is a tombstone. */
#define END_TOMBSTONE ((uint64_t)1 << 63)

struct index {
	pthread_mutex_t build;
	pthread_rwlock_t lock;
	atomic_bool built;
	struct u64table ends; /* key hash -> end of its newest entry; live keys only */
};

struct syncer {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool running;
	_Atomic uint64_t durable; /* grows only */
};

struct reservation {
	pthread_mutex_t lock;
	uint64_t end; /* disk space is there up to here */
};

struct reel {
	/* Constant after opening. */
	char *path;
	struct reel_options options;
	reel_tail_fn find_tail;
	void *find_tail_arg;
	const struct disk_ops *disk;
	int fd;
	const struct generation *gen;
	struct reel_mapping *map;
	uint64_t opened_tail;

	_Atomic uint64_t tail;      /* committed; changes under index.lock; never becomes smaller */
	_Atomic uint64_t write_end; /* the file's length as far as it was written */
	atomic_int failed;          /* the first error that leaves the file in doubt; nothing is written from then on */
	pthread_mutex_t append_lock;
	struct reel_append append;
	struct index index;
	struct syncer sync;
	struct reservation reserve;
};

static inline bool store_writable(const struct reel *r)
{
	return !(r->options.flags & REEL_RDONLY);
}

/* The committed bytes. */
static inline struct chain store_chain(const struct reel *r, uint64_t size)
{
	return (struct chain){.gen = r->gen, .base = r->map->base, .size = size};
}

/* The entry that ends at `end`, with a reference to the mapping. The error is logged. */
int store_entry(struct reel *r, uint64_t end, struct reel_entry *ret);

/* Nothing is written any more, because of `err`. Says whether this was the first failure. */
bool store_fail(struct reel *r, int err);

/* open.c: the file behind r->path, locked when it is to be written. Sets r->fd. lock.c. */
int lock_file(struct reel *r, int fd);

/* tail.c: finds the tail of a file of `size` bytes that is being opened, and cuts off what is torn. */
int tail_open(struct reel *r, uint64_t size);
/* The same for a reader that moves on from its tail; *ret is the new one. */
int tail_advance(struct reel *r, uint64_t size, uint64_t *ret);
/* torn.c: saves the bytes of [tail, size) when asked, and cuts them off. */
int torn_cut(struct reel *r, uint64_t tail, uint64_t size);

/* An entry that an append placed. */
struct placed {
	uint64_t key_hash;
	uint64_t end; /* with END_TOMBSTONE */
};

/* index.c */
int index_init(struct index *x);
void index_free(struct index *x);
/*
 * Walks the chain from `tail` to its start and leaves the newest entry of each live key in *ends.
 * -EBADMSG: the chain is broken; no entry can end at *broken. -ENOMEM.
 */
int index_walk(const struct chain *c, uint64_t tail, struct u64table *ends, uint64_t *broken);
/* Builds the index if it is not there. The error is logged. */
int index_need(struct reel *r);
/* The end of the key's live entry; 0: none. The index must be there. */
uint64_t index_find(struct reel *r, uint64_t key_hash);
/* Commits: the tail becomes `tail`, and the index learns the entries placed before it, oldest first. */
void index_commit(struct reel *r, uint64_t tail, const struct placed *placed, size_t n);
/* Commits what another process appended. -EBADMSG, -ENOMEM: the tail stays. */
int index_advance(struct reel *r, uint64_t tail);

/* reserve.c */
void reserve_forget(struct reel *r, uint64_t size);
int reserve_release(struct reel *r);

#endif
