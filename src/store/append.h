/*
 * append.h - an append under way, for those who write entries (append.c, write.c). All functions
 * need the append lock, which append_begin() takes.
 */
#ifndef REEL_APPEND_H
#define REEL_APPEND_H

#include "engine.h"

enum {
	APPEND_BUFFER = 1 << 17, /* bytes gathered before they are written: still in the processor's cache then */
	APPEND_DIRECT = 1 << 16, /* data at least this long is not copied into the buffer */
	APPEND_PIECES = 256,     /* iovecs of one write */
};

struct placed;

struct reel_append {
	struct reel *r;
	uint8_t *buffer; /* APPEND_BUFFER bytes; allocated with the first append, kept */
	size_t used;
	struct iovec piece[APPEND_PIECES]; /* what is gathered: parts of the buffer and callers' memory */
	int pieces;
	uint64_t start;    /* the tail before */
	uint64_t position; /* the end of what was given */
	uint64_t written;  /* the end of what is in the file */
	struct placed *placed;
	size_t placed_n, placed_room;
	bool all_or_nothing;                /* the first trailer is marked unfinished until the rest is written */
	uint64_t mark;                      /* where the mark is; 0: there is none */
	int error;                          /* of the first write that failed */
	uint64_t most;                      /* what the file may have after that: the end of what was given to it */
	uint8_t trailer[REEL_TRAILER_SIZE]; /* the last one, as it is when the append has ended */

	bool in_entry;
	uint64_t key_hash, prev_tail, payload;
	uint32_t tag; /* of the key's name; may be set until the entry ends */
	uint32_t crc;
	uint8_t first; /* byte of the payload */
};

/* As reel_append_begin(); the index is there until the append ends, for index_peek(). */
int append_begin_indexed(struct reel *r, struct reel_append **ret);

/* As reel_append_data(), but the data stays valid and unchanged until the append ends. */
int append_data_kept(struct reel_append *a, const void *data, size_t len);

/*
 * Room in the buffer for payload bytes that the caller puts there itself: at least 1 byte. Then
 * append_filled() with their number.
 */
int append_room(struct reel_append *a, uint8_t **ret, size_t *size);
void append_filled(struct reel_append *a, size_t len);

void append_free(struct reel_append *a);

#endif
