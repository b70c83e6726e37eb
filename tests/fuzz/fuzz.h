/*
 * fuzz.h - what the fuzz harnesses share. Each fuzz_*.c is one harness: a function that is given any bytes
 * and ends the process (fuzz_fail(), or a sanitizer) when the project does something that it must never do.
 * libFuzzer calls it in a build configured with --enable-fuzzing; in any other, main.c calls it with the files
 * of the corpus.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fs;
struct reel;

/* The harness; the name is libFuzzer's. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* A harness's own way to change an input, in place of libFuzzer's; returns the new size, at most `max`. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
/* libFuzzer's way. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* A finding: says what, and ends the process. */
void fuzz_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* The same unless `ok`. */
#define FUZZ_CHECK(ok, ...)                                                                                                    \
	do {                                                                                                                   \
		if (!(ok))                                                                                                     \
			fuzz_fail(__VA_ARGS__);                                                                                \
	} while (0)

/* --- files, in a folder in memory that ends with the process ----------------------------------------------- */

/* A path in the folder; valid until the eighth call after. */
const char *fuzz_path(const char *name);
void fuzz_store(const char *path, const void *data, size_t size);
/* To be freed. */
uint8_t *fuzz_load(const char *path, size_t *size);
/* A finding unless the file has these bytes; `cut`: fewer of them will do. */
void fuzz_unchanged(const char *path, const uint8_t *data, size_t size, bool cut);
/* A finding unless the two texts are the same; `what` says of what. */
void fuzz_same(const char *a, const char *b, const char *what);
/* Removes what is in the folder. */
void fuzz_clean(void);
/* Keeps the last messages of the project, for fuzz_fail(); a reel_log_fn. */
void fuzz_log(void *arg, int priority, const char *text);

/* --- numbers from the bytes of an input ----------------------------------------------------------------------- */

struct bytes {
	const uint8_t *at;
	size_t left;
};
/* All are 0 when there are no bytes left. */
uint8_t bytes_u8(struct bytes *b);
uint16_t bytes_u16(struct bytes *b);
uint64_t bytes_u64(struct bytes *b);
/* One that is often small, and otherwise often near a bound. */
uint64_t bytes_number(struct bytes *b);
/* The next `len` bytes, or as many as there are. */
const uint8_t *bytes_take(struct bytes *b, size_t *len);

/* Numbers that follow from `seed` alone. */
uint64_t fuzz_random(uint64_t *seed);

/* --- what is done with a container ------------------------------------------------------------------------------- */

/* Every name of the tree with all that is known of its inode and contents; to be freed. `times`: ctime and mtime too. */
char *tree_text(struct fs *fs, bool times);

/*
 * Opens the container for reading and for writing, looks at everything, changes some of it as `seed` says, compacts it:
 * what is seen must stay the same where it should.
 */
void exercise(const char *path, uint64_t seed);

/* All live entries, by key; to be freed. `storable`: without those that the newest generation cannot hold. */
char *live_text(struct reel *r, bool storable);

/* Makes checksums and seals good again in a container that was changed, some of them if `seed` says so. */
void reseal(uint8_t *data, size_t size, unsigned seed);

#endif
