/*
 * reel.h - the public interface of libreel, a key/value store in one append-only container file
 * whose bytes are those of simd-r-drive 0.15 and later (docs/FORMAT.md, "Entries").
 *
 * Conventions that hold for every function unless its comment says otherwise:
 *  - Functions that can fail return 0 (or a non-negative count) or a negative errno value. The
 *    explanation, with path and offset, goes to the log function of the options.
 *  - Offsets and lengths are bytes. Container offsets count from the start of the file.
 *  - Any number of threads may call any function on one container at the same time, except
 *    reel_close(), which must be the last call.
 *  - Keys are any bytes, of any length; only their hash is stored.
 */
#ifndef REEL_H
#define REEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open container. */
struct reel;

/* How a container is opened. */
enum reel_open_flags {
	REEL_RDONLY = 1 << 0, /* never writes, takes no lock, works beside a writer */
	REEL_CREATE = 1 << 1, /* make the file (mode 0600) where there is none */
	REEL_EXCL = 1 << 2,   /* with REEL_CREATE: the file must not exist */
};

/*
 * Receives one line of text (no newline) for every condition that the user should know.
 * `priority` is a syslog(3) level. May be called from any thread, never with a lock held that the
 * library's own functions take.
 */
typedef void (*reel_log_fn)(void *arg, int priority, const char *text);

struct reel_options {
	unsigned flags;        /* enum reel_open_flags */
	unsigned lock_wait_ms; /* how long a second writer waits for the first to end */
	const char *keep_torn; /* where the bytes of a torn tail are saved before they are cut, or NULL */
	reel_log_fn log;       /* NULL: messages are dropped */
	void *log_arg;
};

/*
 * Opens the container `path`. `options` may be NULL (read and write, existing file only).
 * On success *ret is owned by the caller and ends with reel_close().
 * A torn tail is cut off (when writing) or ignored (when reading), with a log line that says how
 * many bytes. A file that is not a container is never changed.
 * Errors: -ENOENT; -EEXIST; -EISDIR; -EBADMSG (not a container; or damaged before its tail, and
 * opened for writing); -ENOTSUP (an older generation of the format, opened for writing);
 * -EBUSY (another writer holds it: the log line has its pid); -EACCES, -EROFS, -EIO, -ENOMEM.
 */
int reel_open(const char *path, const struct reel_options *options, struct reel **ret);

/* Syncs what was written and frees everything. NULL is allowed. Returns the sync's error, if any. */
int reel_close(struct reel *r);

/*
 * A reader beside a writer moves on to the newest committed tail. 1: there was something new,
 * 0: there was not. A writer is always up to date and gets 0.
 */
int reel_refresh(struct reel *r);

/* XXH3-64 (seed 0) of a key: what identifies an entry. */
uint64_t reel_hash(const void *key, size_t key_len);

/* IEEE CRC-32 of `len` bytes, continued from `crc` (0 to begin). */
uint32_t reel_crc32(uint32_t crc, const void *data, size_t len);

/*
 * One entry as found in the container. `payload` points into the mapping: it is valid, and its
 * bytes do not change, until reel_entry_release(), also across appends.
 */
struct reel_entry {
	const uint8_t *payload; /* 64-byte aligned but for tombstones */
	uint64_t len;           /* payload length; at least 1 */
	uint64_t key_hash;
	uint64_t prev_tail; /* where the entry before it ends: this one's first byte (its pad) */
	uint64_t offset;    /* of the payload */
	uint64_t end;       /* this entry's tail: the end of its trailer */
	uint32_t crc;       /* as stored in the trailer; not yet compared with the payload */
	bool tombstone;
	struct reel_mapping *mapping; /* what keeps `payload` alive; the library's own */
};

/* Ends the use of *e. Releasing an entry twice, or a zeroed one, does nothing. */
void reel_entry_release(struct reel_entry *e);

/* True when the payload's CRC-32 is the stored one. Reads the whole payload. */
bool reel_entry_valid(const struct reel_entry *e);

/* The newest entry under the key. -ENOENT: none, or its newest is a tombstone. */
int reel_read(struct reel *r, const void *key, size_t key_len, struct reel_entry *ret);
int reel_read_hash(struct reel *r, uint64_t key_hash, struct reel_entry *ret);

/* 1: a live entry exists, 0: none. */
int reel_exists(struct reel *r, const void *key, size_t key_len);
int reel_exists_hash(struct reel *r, uint64_t key_hash);

/* The last entry of the container, a tombstone included. -ENOENT: the container is empty. */
int reel_read_last(struct reel *r, struct reel_entry *ret);

/*
 * Appends one entry. -EINVAL: the value is empty or the one byte 00, which the format cannot
 * hold; nothing was written. -ENOSPC, -EDQUOT, -EFBIG: no room; nothing was changed, and writing
 * can go on when there is room again. -EROFS: read-only, or an earlier write failed in a way that
 * leaves the file in doubt (nothing further is written then). -EIO.
 */
int reel_write(struct reel *r, const void *key, size_t key_len, const void *value, size_t value_len);
int reel_write_hash(struct reel *r, uint64_t key_hash, const void *value, size_t value_len);

/* One element of a batch. A `value` of NULL is a deletion of a key that is known to be live. */
struct reel_batch_item {
	uint64_t key_hash;
	const void *value;
	size_t value_len;
};

/*
 * Appends all items, in order, or none of them: also when the process is killed on the way.
 * Errors as reel_write().
 */
int reel_write_batch(struct reel *r, const struct reel_batch_item *items, size_t n);

/*
 * Supplies the next bytes of a stream into buf: their count (at most size), 0 at the end, or a
 * negative errno value, which aborts the stream.
 */
typedef ssize_t (*reel_pull_fn)(void *arg, void *buf, size_t size);

/*
 * Appends one entry of a size not known ahead, in bounded memory. A stream that fails, is empty
 * (-EINVAL) or is the one byte 00 (-EINVAL) leaves no trace. Other writers wait meanwhile.
 */
int reel_write_stream(struct reel *r, uint64_t key_hash, reel_pull_fn pull, void *arg);

/* Appends a tombstone. 1: deleted, 0: the key was not there, nothing was written. */
int reel_delete(struct reel *r, const void *key, size_t key_len);
int reel_delete_hash(struct reel *r, uint64_t key_hash);

/* Everything appended before the call is on stable storage afterwards. Callers share syncs. */
int reel_sync(struct reel *r);

/*
 * Walks over entries from newest to oldest. With live_only, yields each live key once, its newest
 * entry; otherwise every entry, superseded ones and tombstones included. The walk is over what
 * was committed when it began. *ret is freed with reel_iter_free().
 */
struct reel_iter;
int reel_iter_new(struct reel *r, bool live_only, struct reel_iter **ret);
/* 1: *ret holds an entry (release it), 0: the end, negative: damage (-EBADMSG) or no memory. */
int reel_iter_next(struct reel_iter *it, struct reel_entry *ret);
void reel_iter_free(struct reel_iter *it);

struct reel_info {
	uint64_t file_size;  /* the committed bytes: the tail */
	uint64_t disk_size;  /* the file's length, a torn tail included */
	uint64_t entries;    /* all entries in the chain */
	uint64_t tombstones; /* of these, tombstones, superseded ones included */
	uint64_t live;       /* live keys */
	uint64_t live_bytes; /* their payloads, pads and trailers */
	unsigned generation; /* pad of the format's generation: 64, or an older one's (docs/FORMAT.md) */
};
int reel_info(struct reel *r, struct reel_info *ret);

/* The path given at opening; valid as long as r. */
const char *reel_path(const struct reel *r);

#ifdef __cplusplus
}
#endif
#endif
