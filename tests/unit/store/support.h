/*
 * support.h - what the tests of the store share: a directory of their own, whole files, a log that is
 * kept, and containers opened in one line. Ends the test where the system itself fails.
 */
#ifndef STORE_SUPPORT_H
#define STORE_SUPPORT_H

#include <check.h>

#include "engine.h"

/* A new empty directory becomes the working directory; afterwards it is removed. For fixtures. */
void support_begin(void);
void support_end(void);

struct file {
	uint8_t *bytes;
	size_t len;
};
struct file file_read(const char *path);
void file_write(const char *path, const void *bytes, size_t len);
void file_free(struct file *f);
bool file_is(const char *path, const void *bytes, size_t len);
uint64_t file_size(const char *path);

/* What the library logged since the test began, line after line. */
extern char logged[1 << 16];
void keep_log(void *arg, int priority, const char *text);

/* Opens with keep_log(); flags as reel_options. The result of reel_open(). */
int open_with(const char *path, unsigned flags, struct reel **ret);
/* The same, which must succeed. */
struct reel *must_open(const char *path, unsigned flags);

void must_write(struct reel *r, const char *key, const char *value);
/* The key's newest value is `value`; NULL: there is none. */
bool reads(struct reel *r, const char *key, const char *value);
uint64_t count_entries(struct reel *r, bool live_only);

#endif
