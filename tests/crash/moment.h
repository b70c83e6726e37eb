/*
 * moment.h - what a crash could leave on the disk at a moment of a record (record.h).
 *
 * The model of a kill: the page cache survives. Every call made so far has its effect, and the one under way, if it
 * writes, may have written any number of its first bytes.
 *
 * The model of a power cut. What a sync of the file covered is there. Of the writes and truncations since then,
 * each *unit* (a piece of a write, cut at multiples of 4,096, 512, 64 or 7 bytes; or a truncation) is there or not,
 * whatever the order. The file's length is where the data that is there ends, or where it would be had all been written
 * (length ahead of the data), or anything from the smallest to the largest length since the sync (length
 * behind the data). What is inside the length and was not written holds zeros, or noise, or other bytes of the same file.
 * Changes of names happen in their order, and any number of the last ones since the last sync of the folder is missing.
 *
 * That covers ext4 (data=ordered: length and names follow the journal, data may be missing anywhere behind the last
 * fdatasync; data=writeback: noise besides), XFS (delayed allocation, length updated after the data; zeros
 * from unwritten extents), btrfs and other copy-on-write systems (any mixture of the writes since the last sync), and
 * disks that write 512 or 4,096 bytes at a time; the odd pieces cover what none of these does.
 */
#ifndef CRASH_MOMENT_H
#define CRASH_MOMENT_H

#include "record.h"

struct names {
	int n;
	struct {
		const char *name;
		int file;
	} at[RECORD_NAMES];
};

/* A file since its last sync. */
struct disk_file {
	uint8_t *base;
	size_t len;
	size_t *pending; /* indices of calls */
	size_t n, room;
};

struct moment {
	const struct recording *record;
	size_t at; /* calls before this one have been made */
	struct disk_file *file;
	struct names durable;
	size_t *pending; /* calls that changed names since the last sync of the folder */
	size_t n, room;
	int returned, promised; /* states; -1: none */
};

/* At the record's beginning, before the workload's first call. */
void moment_begin(struct moment *m, const struct recording *record);
void moment_end(struct moment *m);
/* One call further. False: there is none. */
bool moment_step(struct moment *m);

/* The last calls before it, as lines that begin with "#". */
void moment_print(const struct moment *m);

/* What is on the disk. */
struct image {
	int n;
	struct {
		const char *name;
		uint8_t *bytes;
		size_t len;
	} file[RECORD_NAMES];
};

void image_free(struct image *image);

/* After a kill; `torn` bytes of the write that comes next are there. */
void image_of_kill(const struct moment *m, size_t torn, struct image *ret);

enum length { LENGTH_OF_DATA, LENGTH_FULL, LENGTH_ANY, LENGTHS };
enum fill { FILL_ZEROS, FILL_NOISE, FILL_OLD, FILLS };

struct loss {
	size_t names;   /* changes of names since the last sync that are there */
	unsigned grain; /* where writes are cut into units */
	bool *kept;     /* for each unit */
	enum length length;
	enum fill fill;
	uint64_t seed; /* for what is chosen at random */
};

size_t moment_units(const struct moment *m, unsigned grain);
/* The first unit of the last write; 0: there is none. */
size_t moment_last_write(const struct moment *m, unsigned grain);
/*
 * Makes *kept something that a page cache leaves, which has one copy of a block of `grain` bytes: with the later of two
 * writes into a block the earlier is there too, unless a truncation was between them.
 */
void moment_keep_blocks(const struct moment *m, unsigned grain, bool *kept);
void image_of_cut(const struct moment *m, const struct loss *loss, struct image *ret);

/* The next number of a sequence. */
uint64_t next_random(uint64_t *seed);

#endif
