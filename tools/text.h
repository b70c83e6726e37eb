/*
 * text.h - bytes as text: names for terminals and for JSON, sizes, times, modes, owners; and output
 * with its errors checked.
 * Never touches a container.
 */
#ifndef REEL_TOOLS_TEXT_H
#define REEL_TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

/* --- names --------------------------------------------------------------------------------------- */

/*
 * Writes bytes to a terminal: control characters and what is not UTF-8 as \n, \t, \r or \ooo (octal).
 * With `backslash`, a backslash becomes two, so that the result names exactly one string of bytes.
 */
void put_escaped(FILE *out, const char *s, size_t len, bool backslash);

/* A name on standard output: escaped on a terminal, as it is elsewhere. */
void put_name(const char *name);

/* A JSON string, quotes included. A byte that is not part of UTF-8 becomes \udcXX, XX being the byte. */
void put_json_string(FILE *out, const char *s, size_t len);

/* --- numbers, times, owners: into the caller's buffer, which they return --------------------------- */

#define SIZE_TEXT  64
#define TIME_TEXT  64
#define MODE_TEXT  11
#define OWNER_TEXT 64

/* "1234567 (1.2 MiB)"; below 1024 just the number. */
const char *size_text(uint64_t bytes, char buf[SIZE_TEXT]);

/* "1.2 MiB", "12 bytes" */
const char *short_size_text(uint64_t bytes, char buf[SIZE_TEXT]);

/*
 * The number of bytes that `text` says: digits, then nothing or one of K, M, G for powers of 1024 (also
 * as kB or KiB, in any case). False: it says none between 1 and 1 GiB.
 */
bool parse_size(const char *text, size_t *ret);

/* As in `ls -l`, local time: with the time of day within half a year of `now`, else with the year. */
const char *short_time_text(const struct timespec *t, time_t now, char buf[TIME_TEXT]);

/* Local time with nanoseconds and zone. */
const char *long_time_text(const struct timespec *t, char buf[TIME_TEXT]);

/* ISO 8601, UTC, with nanoseconds. */
const char *iso_time_text(const struct timespec *t, char buf[TIME_TEXT]);

/* "drwxr-xr-x" */
const char *mode_text(uint32_t mode, char buf[MODE_TEXT]);

/* The type of an inode in words. */
const char *type_text(uint32_t mode);

/* Names of the user and the group, or their numbers where they have none. Not for several threads. */
const char *user_text(uint32_t uid, char buf[OWNER_TEXT]);
const char *group_text(uint32_t gid, char buf[OWNER_TEXT]);

/* --- output -------------------------------------------------------------------------------------- */

/* A line "label            value". */
void put_field(const char *label, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A JSON object on standard output: begin, members in order, end. Objects and arrays nest. */
struct json {
	int depth;
	bool first; /* nothing in the innermost object or array yet */
};

void json_begin(struct json *j, const char *key, char bracket); /* key NULL: in an array, or outermost */
void json_end(struct json *j, char bracket);
void json_string(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
void json_hex(struct json *j, const char *key, uint64_t value, int digits);

/*
 * All of iov, at most IOV_MAX elements, to standard output in one write, past stdio's buffer, which is empty
 * afterwards. iov is used up. 0 or a negative errno value.
 */
int write_out(struct iovec *iov, int n);

/* Everything printed has reached standard output: 0, or a negative errno value. Nothing may be printed after it. */
int finish_output(void);

#endif
