/*
 * spill.h - an unnamed temporary file that holds written data until it is committed: opening it,
 * and reads and writes that are whole or fail. Knows nothing of what the bytes mean.
 */
#ifndef SPILL_H
#define SPILL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A new empty file, mode 0600, without a name, in the folder behind the descriptor `dir` (O_PATH
 * will do). *no_tmpfile, shared by all threads, keeps in mind that the file system there has no O_TMPFILE: the
 * file then has a name for a moment, which a kill just then leaves behind, empty.
 * Returns a descriptor, which the caller closes, or a negative errno value.
 */
int spill_open(int dir, atomic_bool *no_tmpfile);

/* Writes all of data. Errors: those of pwrite(2); some of it may be written then. */
int spill_write(int fd, const void *data, size_t len, uint64_t off);

/* Reads exactly `len` bytes. Errors: those of pread(2); -EIO where the file ends before. */
int spill_read(int fd, void *buf, size_t len, uint64_t off);

/* Gives the disk space of [start, end) back, where the file system can; these bytes are lost either way. */
void spill_release(int fd, uint64_t start, uint64_t end);

#endif
