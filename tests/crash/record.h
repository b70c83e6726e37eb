/*
 * record.h - a disk that records: every change that a workload makes to files in one folder, in order, with its
 * data. It passes everything on to the real disk, so that mappings show what was written. What it wrote down
 * is what moment.h builds crashes from.
 *
 * Not recorded, because no crash state depends on it: owners, modes, locks, space allocated past the end of a file.
 * The spill files of src/fs/wbuf.c are not accessed through the table at all: they have no name, and end with the process.
 */
#ifndef CRASH_RECORD_H
#define CRASH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk.h"

enum call_kind {
	CALL_WRITE,       /* file, offset, data */
	CALL_TRUNCATE,    /* file, offset: the new length */
	CALL_SYNC,        /* file */
	CALL_CREATE,      /* file, name */
	CALL_LINK,        /* name, to */
	CALL_RENAME,      /* name, to */
	CALL_UNLINK,      /* name */
	CALL_SYNC_FOLDER, /* everything done to names */
	CALL_RETURNED,    /* state: the user's call that led to it has returned */
	CALL_PROMISED,    /* state: it was said to be on stable storage */
};

struct call {
	enum call_kind kind;
	int file;
	uint64_t offset;
	size_t len;
	uint8_t *data;
	char *name, *to;
	int state;
};

/* What a disk or a system may do wrong, so that the tests can be seen to notice (moment.c). */
enum lie {
	LIE_NONE,
	LIE_SYNC,   /* files are not synced */
	LIE_FOLDER, /* names are not */
	LIE_CACHE,  /* a kill loses the last write */
	LIE_BIT,    /* of what was synced a bit changes */
	LIES,
};

enum { RECORD_FDS = 1024, RECORD_NAMES = 16 };

struct recording {
	struct disk_ops ops; /* first: what the store is given */
	struct call *call;
	size_t n, room;
	enum lie lie; /* from the first of the workload's calls on */
	size_t first; /* calls before it are what the folder held at the beginning */
	int files;
	bool dead;               /* the process was killed: nothing reaches the disk, and nothing is recorded */
	int file_of[RECORD_FDS]; /* descriptor to file, plus 1; 0: not ours */
	bool is_folder[RECORD_FDS];
	struct {
		char *name;
		int file;
	} names[RECORD_NAMES];
};

/* Ends the program where something is not as it has to be. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#define must(condition) ((condition) ? (void)0 : die("%s:%d: %s", __FILE__, __LINE__, #condition))

/* Begins with the files that `folder` has now, all on stable storage. */
void record_begin(struct recording *r, const char *folder);
void record_end(struct recording *r);

void record_returned(struct recording *r, int state);
void record_promised(struct recording *r, int state);

#endif
