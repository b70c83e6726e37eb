/*
 * written.h - containers that were written as a whole (compacted, repaired), and what is known of their files; for the tests of
 * parts of them and of damage in them.
 */
#ifndef WRITTEN_H
#define WRITTEN_H

#include "harness.h"
#include "whole.h"

#define W_OUT  h_beside("out")
#define W_COPY h_beside("copy")

enum { W_FEW = 6, W_MANY = 60, W_COMPACTED = 0, W_REPAIRED, W_KINDS };

/* The files with contents, and a hash of those. */
struct w_file {
	char path[16];
	uint64_t hash;
};
extern struct w_file w_file[W_MANY + 2];
extern int w_files;
extern char w_lines[64 << 10]; /* what the last repair told */

/*
 * h_path, closed: names, directories, n files, and what was removed, written as a whole. `used`: then it was mounted again for
 * two small files.
 */
void w_make(int kind, bool used, int n);
/* Where the whole writing ended. */
size_t w_end_of(const uint8_t *bytes, size_t size);
/* Repairs a container into W_OUT. */
int w_repair(const char *from, struct fs_repair *ret);

#endif
