/*
 * data.h - entries that hold contents: where they lie, who uses them, whether they are sound.
 * Relies on the store for the bytes. Never changes the container.
 */
#ifndef FS_DATA_H
#define FS_DATA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "table.h"

struct reel;

/*
 * One entry with contents of files, of any number of them. Made by records, ended when its last reference goes. Its key
 * is alive as long as a file with a name needs it (docs/DESIGN.md, invariant C3).
 */
struct data {
	uint64_t position; /* of the payload */
	uint64_t len;
	uint64_t key_hash;
	uint32_t crc;
	uint32_t sums;                      /* how many block checksums; 0: the whole has one */
	const uint32_t *sum;                /* points to `own_sums`, or into a checkpoint in the mapping */
	uint32_t *own_sums;                 /* or NULL */
	unsigned refs;                      /* extents that point here; protected by the tree lock */
	unsigned named_refs;                /* of these, committed ones of inodes that have names */
	uint64_t first_ino;                 /* the first inode that had an extent of it */
	bool shared;                        /* others have had extents of it as well; protected by the tree lock */
	bool keyed;                         /* stands in the key table; protected by the tree lock */
	_Atomic uint8_t state;              /* enum data_state */
	_Atomic uint16_t changes;           /* the last bits of reel_changes() when it was found to be so */
	_Atomic(_Atomic uint8_t *) checked; /* a bit for each block found good in this mount; made at first use */
};

enum data_state {
	DATA_PLACED = 1 << 0,  /* the trailer is the one that the record speaks of */
	DATA_CHECKED = 1 << 1, /* the whole payload was found good */
};

/* Positions from here on are no place: another program compacted the container, and the entry was not found. */
#define DATA_MISSING ((uint64_t)1 << 63)

struct data_table {
	struct table by_position;
	struct table by_key; /* the data that is the live entry under its key */
};

/*
 * The data at the record's position, made if there is none. The sums follow the record in memory
 * and are copied. It has no reference yet: data_table_sweep() or the first extent decides its life.
 * -EBADMSG: contradicts what is known of that position. -ENOMEM.
 */
int data_make(struct data_table *t, const struct fs_record_data *record, const uint32_t *sum, struct data **ret);

static inline void data_ref(struct data *d)
{
	d->refs++;
}
/* Takes one reference; at 0 the data is freed. True: its key was live, and is now dead. */
bool data_unref(struct data_table *t, struct data *d);
/* The entry's key no longer stands for it: its file has no names, or a newer entry has the key. */
void data_unkey(struct data_table *t, struct data *d);
void data_table_free(struct data_table *t);

/* True when some live contents have the key. */
bool data_key_taken(const struct data_table *t, uint64_t key_hash);

/*
 * Makes sure that [offset, offset + len) of the payload is sound, reading each block once in a
 * mount, or once again after another program has written to the container. *bad gets the container offset of the damage. -EIO.
 * Any thread; no lock needed while the caller knows the data to be alive.
 */
int data_check(struct reel *store, struct data *d, uint64_t offset, uint64_t len, uint64_t *bad);

/*
 * For the repair: finds out what of the payload has its checksums, whatever its trailer says. From then on
 * data_check() finds that sound. -ENOMEM.
 */
struct reel_view;
int data_survey(const struct reel_view *view, struct data *d);
/* After data_survey(): whether the byte at `offset` of the payload is sound, and how many more bytes are like it, at least. */
bool data_sound_at(const struct data *d, uint64_t offset, uint64_t *len);

/* Checksums gathered while contents pass by; one for each FS_BLOCK bytes. Zeroed is empty. */
struct sums {
	uint32_t *sum;
	size_t n, room;
	uint32_t crc;    /* of the block under way */
	uint32_t filled; /* bytes of it */
};
int sums_add(struct sums *s, const void *data, size_t len);
/* Ends the last block. Afterwards `sum` has n values; for at most one block, n is 0. */
int sums_end(struct sums *s);
void sums_free(struct sums *s);

#endif
