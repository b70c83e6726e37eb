/*
 * faulty.h - a disk that fails as it is told, over the real one, and counts.
 */
#ifndef STORE_FAULTY_H
#define STORE_FAULTY_H

#include "disk.h"
#include "engine.h"

struct faulty {
	struct disk_ops ops; /* first: what the store is given */
	uint64_t room;       /* bytes that can still be written; then write_error */
	int write_error;
	bool dead; /* once a write failed nothing reaches the disk any more, as after a kill */
	int truncate_error, sync_error;
	size_t piece; /* one write takes at most so many bytes, and every other one is interrupted; 0: all */
	unsigned writes, syncs;
	uint8_t cut[4096]; /* what truncations took off the end since the last sync, which a power cut may bring back */
	uint64_t cut_at;
	size_t cut_len;
};

/* A disk without faults. */
void faulty_init(struct faulty *f);

/* `to` gets what a power cut leaves of `path` that loses the last truncation, unless it was synced, but no write. */
void faulty_lose_cut(const struct faulty *f, const char *path, const char *to);

/* Opens `path` for writing over it. */
struct reel *faulty_open(struct faulty *f, const char *path, unsigned flags);

#endif
