/*
 * put.h - contents for files in a tree, from any source: what write, copy and import share; and the
 * signals that stop it.
 * Relies on paths.h. Prints nothing.
 */
#ifndef REEL_TOOLS_PUT_H
#define REEL_TOOLS_PUT_H

#include "common.h"
#include "paths.h"

/*
 * Supplies bytes into buf: their count (at most size), or a negative errno value. *offset is where in the
 * file they are to go; a source moves it on to leave a hole. 0: the file ends at *offset.
 */
typedef ssize_t (*put_source_fn)(void *arg, void *buf, size_t size, uint64_t *offset);

/*
 * Replaces the contents of the regular file `ino`. Old contents stay until all of the new ones have come.
 * After an error the new ones are in the buffer still: only container_abandon() leaves the file as it was.
 */
int put_replace(const struct container *c, uint64_t ino, put_source_fn source, void *arg);

/*
 * Makes the regular file `at` with that mode and owner, once all of its contents have come. Its name must be free, or,
 * with `replace`, taken by something that is no directory, which it replaces in one transaction. On success *ino is its number.
 * After an error there is no such file, and what was to be replaced is there.
 */
int put_make(const struct container *c, const struct place *at, bool replace, uint32_t mode, const struct fs_cred *cred,
	     put_source_fn source, void *arg, uint64_t *ino);

/*
 * From here on a signal that would end the process sets put_stopped() instead, so that what it does can be
 * brought to an end in order; a second one is not caught.
 */
void put_catch_signals(void);
bool put_stopped(void);
/* Ends the process by the signal that came; returns when none did. */
void put_end_if_stopped(void);

#endif
