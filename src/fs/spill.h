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

enum { SPILL_FOLDERS = 3 };

/* Where spill files go; shared by all threads. Set up by spill_places_find(). */
struct spill_places {
	const char *folder[SPILL_FOLDERS]; /* where to go when the container's folder takes none; constant */
	int dir[SPILL_FOLDERS];            /* O_PATH descriptors of these, or -1 */
	atomic_bool no_tmpfile_there[SPILL_FOLDERS];
	atomic_bool no_tmpfile;          /* the folder's file system is known not to have O_TMPFILE */
	_Atomic(const char *) elsewhere; /* the folder was refused, and this is where the last one went; NULL: it never was */
	atomic_int refusal;              /* with which error */
};

/* What `elsewhere` is when no folder takes a file. */
extern const char SPILL_MEMORY[];

/*
 * For a container in the folder behind `dir`. Looks for other folders if that takes no files now; so it has to be called before
 * anything is mounted that needs these files: a request must not wait for one of its own kind. File systems of FUSE are passed
 * over, as what they wait for is not known. Ended by spill_places_end().
 */
void spill_places_find(int dir, struct spill_places *places);
void spill_places_end(struct spill_places *places);

/*
 * A new empty file, mode 0600, without a name, in the folder behind the descriptor `dir` (O_PATH will do). Where that
 * takes none: in what spill_places_find() has found of $TMPDIR, /var/tmp, /tmp or, *in_memory then, in none, which takes
 * memory. On a file system without O_TMPFILE the file has a name for a moment, one that cannot be guessed, which a kill just
 * then leaves behind, empty. Returns a descriptor, which the caller closes, or a negative errno value.
 */
int spill_open(int dir, struct spill_places *places, bool *in_memory);

/* Writes all of data. Errors: those of pwrite(2); some of it may be written then. */
int spill_write(int fd, const void *data, size_t len, uint64_t off);

/* Reads exactly `len` bytes. Errors: those of pread(2); -EIO where the file ends before. */
int spill_read(int fd, void *buf, size_t len, uint64_t off);

/* Gives the disk space of [start, end) back, where the file system can; these bytes are lost either way. */
void spill_release(int fd, uint64_t start, uint64_t end);

#endif
