/*
 * spill.h - an unnamed temporary file that holds written data until it is committed: opening it,
 * and reads and writes that are whole or fail. Knows nothing of what the bytes mean.
 */
#ifndef SPILL_H
#define SPILL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where spill files go; shared by all threads. Zeroed at first. */
struct spill_places {
	atomic_bool no_tmpfile;          /* the folder's file system is known not to have O_TMPFILE */
	_Atomic(const char *) elsewhere; /* the folder was refused, and this is where the last one went; NULL: it never was */
	atomic_int refusal;              /* with which error */
};

/* What `elsewhere` is when no folder takes a file. */
extern const char SPILL_MEMORY[];

/*
 * A new empty file, mode 0600, without a name, in the folder behind the descriptor `dir` (O_PATH will do). Where that
 * takes none: in $TMPDIR, /var/tmp, /tmp or, *in_memory then, in none, which takes memory. On a file system without
 * O_TMPFILE the file has a name for a moment, one that cannot be guessed, which a kill just then leaves behind, empty.
 * Returns a descriptor, which the caller closes, or a negative errno value.
 */
int spill_open(int dir, struct spill_places *places, bool *in_memory);

/* Writes all of data. Errors: those of pwrite(2); some of it may be written then. */
int spill_write(int fd, const void *data, size_t len, uint64_t off);

/* Reads exactly `len` bytes. Errors: those of pread(2); -EIO where the file ends before. */
int spill_read(int fd, void *buf, size_t len, uint64_t off);

/* Gives the disk space of [start, end) back, where the file system can; these bytes are lost either way. */
void spill_release(int fd, uint64_t start, uint64_t end);

#endif
