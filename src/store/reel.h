/*
 * reel.h - the public interface of libreel, a key/value store in one append-only container file
 * whose bytes are those of simd-r-drive 0.15 and later (docs/FORMAT.md, "Entries").
 *
 * Conventions that hold for every function unless its comment says otherwise:
 *  - Functions that can fail return 0 (or a non-negative count) or a negative errno value. The
 *    explanation, with path and offset, goes to the log function of the options.
 *  - Offsets and lengths are bytes. Container offsets count from the start of the file.
 *  - Any number of threads may call any function on one container at the same time, except
 *    reel_close(), which must be the last call. Those that only read take no lock that a writer
 *    holds while the disk works.
 *  - Keys are any bytes, of any length; only their hash is stored.
 *  - Entries handed out stay valid, with the same bytes at the same address, until they are released:
 *    across appends, a compaction by this process or another, and reel_close().
 *
 * Keys. The container stores the 64-bit hash of a key and not the key, so that two keys with one hash
 * are one entry in it. With REEL_CHECK_KEYS this process remembers of each key that it writes or reads
 * by name 32 more bits, hashed with a secret of the process. Where those of another key are remembered
 * for the same hash, every function that is given a key returns -ENOTUNIQ: it returns nothing of the
 * other key's, and changes nothing. Such a key passes for the known one with a probability of 2^-32,
 * whoever chose it. What it cannot tell: whether an entry that this process has not yet written or read
 * by a key was written under that key. Functions that are given a hash are not checked, and what they
 * write makes the name unknown again.
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
	/*
	 * Notices when two keys share a hash ("Keys", below). Costs memory: 4 bytes more a slot of the
	 * key index, which is filled more densely instead and stays within 24 bytes a key.
	 */
	REEL_CHECK_KEYS = 1 << 3,
	/*
	 * In a container of the oldest generation an entry of one NUL byte is a value, as simd-r-drive 0.1.0-alpha meant it,
	 * which knew no deletion. Without this it is a deletion, as for 0.1.0-alpha2, whose files are no different. Has no
	 * effect on other containers.
	 */
	REEL_NUL_VALUES = 1 << 4,
	/* Waits beyond lock_wait_ms while the first writer is a reelfs whose mount is gone and that still stores; it is logged.
	 */
	REEL_AWAIT_STORING = 1 << 5,
};

/*
 * Receives one line of text (no newline) for every condition that the user should know.
 * `priority` is a syslog(3) level. May be called from any thread, never with a lock held that the
 * library's own functions take.
 */
typedef void (*reel_log_fn)(void *arg, int priority, const char *text);

/*
 * Hears how far a copy has come, in bytes of the container that is read. Anything but 0 ends it with that result, a
 * negative errno value, as if it had not begun. Called in the thread that copies, after each entry.
 */
typedef int (*reel_progress_fn)(void *arg, uint64_t done, uint64_t total);

struct reel_options {
	unsigned flags;        /* enum reel_open_flags */
	unsigned lock_wait_ms; /* how long a second writer waits for the first to end */
	const char *keep_torn; /* where the bytes of a torn tail are saved before they are cut, or NULL */
	reel_log_fn log;       /* NULL: messages are dropped */
	void *log_arg;
	reel_progress_fn progress; /* of reel_compact() and reel_convert(); or NULL */
	void *progress_arg;
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
 * A reader beside a writer moves on to the newest committed tail, and to the new file where the
 * container was compacted. 1: there was something new, 0: there was not. A writer is always up to
 * date and gets 0. -EIO: the file was cut; -EBADMSG: what was appended is damaged; what was read
 * before stays readable in both cases. -ENOMEM.
 */
int reel_refresh(struct reel *r);

/*
 * Installs, once for the process, a SIGBUS handler that keeps the process alive when a page of an open
 * container cannot be read (a disk error, or someone cut the file): the page turns into zeros, so that
 * checksums over it fail; with the next entry that is read it is asked for again. Every other SIGBUS goes to the handler that
 * was there before. For the main program to call early; the store works without it, but then such a page ends the process.
 */
int reel_guard_faults(void);

/* The path given at opening; valid as long as r. */
const char *reel_path(const struct reel *r);

/* The committed bytes: where the last entry ends. Never fails. */
uint64_t reel_file_size(const struct reel *r);

/* The number of live keys; tombstones do not count. Fails where the key index cannot be built: -EBADMSG, -ENOMEM. */
int64_t reel_len(struct reel *r);
/* 1: there is no live key, 0: there is. */
int reel_is_empty(struct reel *r);

/* --- hashes and checksums -------------------------------------------------------------------------------- */

/* A key, or any other bytes of the caller's. */
struct reel_key {
	const void *data;
	size_t len;
};

/* XXH3-64 (seed 0) of a key: what identifies an entry. */
uint64_t reel_hash(const void *key, size_t key_len);

/* The hashes of n keys, into ret[n]. */
void reel_hash_batch(const struct reel_key *keys, size_t n, uint64_t *ret);

/* IEEE CRC-32 of `len` bytes, continued from `crc` (0 to begin). An entry's checksum. */
uint32_t reel_crc32(uint32_t crc, const void *data, size_t len);

/*
 * Copies `len` bytes; the ranges do not overlap. It is memcpy(): the C library chooses at run time the
 * widest vector instructions that the processor has, and for long ranges those that pass by the caches.
 * bench/README.md has the measurement beside a loop of AVX2 instructions, and the one placement of source and
 * destination in which some processors do better with such a loop.
 */
void reel_copy(void *to, const void *from, size_t len);

/* --- entries --------------------------------------------------------------------------------------------- */

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

/* A second handle of the same entry, released on its own. `e` must not have been released. */
void reel_entry_clone(const struct reel_entry *e, struct reel_entry *ret);

/* True when the payload's CRC-32 is the stored one. Reads the whole payload. */
bool reel_entry_valid(const struct reel_entry *e);

/* What else can be said of an entry. Addresses are valid as long as `payload`. */
struct reel_entry_facts {
	uint64_t payload_start, payload_end;        /* container offsets; the end is where the trailer begins */
	const uint8_t *address_start, *address_end; /* the same in memory */
	uint64_t disk_size;                         /* bytes in the container: pad, payload and trailer */
	uint8_t raw_checksum[4];                    /* as the trailer has it: little-endian */
	bool valid;                                 /* as reel_entry_valid(), which is called */
};
void reel_entry_facts(const struct reel_entry *e, struct reel_entry_facts *ret);

/* Reads a payload in pieces. Holds a handle of its own; for one thread at a time. */
struct reel_chunks {
	struct reel_entry entry;
	uint64_t position; /* of the next byte in the payload; may be set by the caller */
};
void reel_chunks_begin(const struct reel_entry *e, struct reel_chunks *ret);
/* Copies up to `size` bytes to buf and moves on. Their number; 0: the end. */
size_t reel_chunks_read(struct reel_chunks *c, void *buf, size_t size);
/* The same without a copy: *ret points to the bytes, valid until reel_chunks_end(). */
size_t reel_chunks_next(struct reel_chunks *c, size_t size, const uint8_t **ret);
void reel_chunks_end(struct reel_chunks *c);

/* --- reading --------------------------------------------------------------------------------------------- */

/*
 * The newest entry under the key. -ENOENT: none, or its newest is a tombstone. -ENOTUNIQ (see "Keys").
 * -EBADMSG: the container is damaged. -ENOMEM: no memory for the key index.
 */
int reel_read(struct reel *r, const void *key, size_t key_len, struct reel_entry *ret);
int reel_read_hash(struct reel *r, uint64_t key_hash, struct reel_entry *ret);

/* 1: a live entry exists, 0: none. */
int reel_exists(struct reel *r, const void *key, size_t key_len);
int reel_exists_hash(struct reel *r, uint64_t key_hash);

/*
 * Reads n keys as of one moment: no commit comes between them. ret[i] is the entry of key i; where there is none,
 * ret[i].payload is NULL and releasing it does nothing. Returns how many there are. After an error,
 * ret[] holds nothing. With REEL_CHECK_KEYS a key that is not unique fails the whole call (-ENOTUNIQ).
 */
ssize_t reel_read_batch(struct reel *r, const struct reel_key *keys, size_t n, struct reel_entry *ret);
ssize_t reel_read_batch_hashes(struct reel *r, const uint64_t *key_hashes, size_t n, struct reel_entry *ret);

/*
 * The last entry in the container's order, whatever its key: it can be a tombstone (ret->tombstone), and then
 * its payload is the one byte 00. -ENOENT: the container is empty.
 */
int reel_read_last(struct reel *r, struct reel_entry *ret);

/* --- writing --------------------------------------------------------------------------------------------- */

/*
 * Appends one entry. -EINVAL: the value is empty or the one byte 00, which the format cannot
 * hold; nothing was written. -ENOSPC, -EDQUOT, -EFBIG: no room; nothing was changed, and writing
 * can go on when there is room again. -EROFS: read-only, or an earlier write failed in a way that
 * leaves the file in doubt (nothing further is written then). -ENOTUNIQ (see "Keys"). -EIO, -ENOMEM.
 */
int reel_write(struct reel *r, const void *key, size_t key_len, const void *value, size_t value_len);
int reel_write_hash(struct reel *r, uint64_t key_hash, const void *value, size_t value_len);

/*
 * One element of a batch. A `value` of NULL is a deletion; it writes nothing where the key is not live
 * at that point of the batch.
 */
struct reel_batch_item {
	uint64_t key_hash;
	const void *value;
	size_t value_len;
};
struct reel_key_item {
	struct reel_key key;
	const void *value;
	size_t value_len;
};

/*
 * Appends all items, in order, or none of them: also when the process is killed on the way.
 * Errors as reel_write().
 */
int reel_write_batch(struct reel *r, const struct reel_batch_item *items, size_t n);
int reel_write_batch_keys(struct reel *r, const struct reel_key_item *items, size_t n);

/*
 * Supplies the next bytes of a stream into buf: their count (at most size), 0 at the end, or a
 * negative errno value, which aborts the stream and is returned: an error is never taken for the end.
 */
typedef ssize_t (*reel_pull_fn)(void *arg, void *buf, size_t size);

/*
 * Appends one entry of a size not known ahead, in bounded memory. A stream that fails, is empty
 * (-EINVAL) or is the one byte 00 (-EINVAL) leaves no trace. Other writers wait meanwhile.
 */
int reel_write_stream(struct reel *r, uint64_t key_hash, reel_pull_fn pull, void *arg);
int reel_write_stream_key(struct reel *r, const void *key, size_t key_len, reel_pull_fn pull, void *arg);

/*
 * The same, with the caller pushing. From begin to commit or abort, other writers wait, and the calling
 * thread must not write otherwise; one thread makes all calls of a stream. Commit and abort free it, whatever
 * they return. After an error of append only abort may follow. Nothing is visible before commit; after
 * abort, or a commit that fails, nothing is left in the file. Errors as reel_write_stream().
 */
struct reel_stream;
int reel_stream_begin(struct reel *r, const void *key, size_t key_len, struct reel_stream **ret);
int reel_stream_begin_hash(struct reel *r, uint64_t key_hash, struct reel_stream **ret);
int reel_stream_append(struct reel_stream *s, const void *data, size_t len);
int reel_stream_commit(struct reel_stream *s);
void reel_stream_abort(struct reel_stream *s); /* NULL is allowed */

/* Appends a tombstone. 1: deleted, 0: the key was not there, nothing was written. Errors as reel_write(). */
int reel_delete(struct reel *r, const void *key, size_t key_len);
int reel_delete_hash(struct reel *r, uint64_t key_hash);

/* Deletes all keys that are live, in one append, all or none. How many there were; a key given twice counts once. */
ssize_t reel_delete_batch(struct reel *r, const struct reel_key *keys, size_t n);
ssize_t reel_delete_batch_hashes(struct reel *r, const uint64_t *key_hashes, size_t n);

/*
 * Moves the value of one key to another, whose own value it replaces, in one append, all or nothing.
 * -EINVAL: both keys are the same, or have one hash. -ENOENT: `from` is not there. -EBADMSG: its value is damaged;
 * nothing is written. Else as reel_write().
 */
int reel_rename(struct reel *r, const void *from, size_t from_len, const void *to, size_t to_len);

/*
 * Copies the key's newest value to the same key of another container. -EINVAL: `target` is the same
 * file, under whatever path. -ENOENT, -EBADMSG (the value is damaged; nothing is written), else as reel_write() there.
 */
int reel_copy_to(struct reel *r, const void *key, size_t key_len, struct reel *target);

/*
 * The same, and then deletes the key here: after the copy is on stable storage, and only if the value is
 * still the one that was copied (-EAGAIN: it was written again meanwhile; the copy is made, nothing is deleted).
 */
int reel_transfer(struct reel *r, const void *key, size_t key_len, struct reel *target);

/* Everything appended before the call is on stable storage afterwards. Callers share syncs. */
int reel_sync(struct reel *r);

/* --- all entries ----------------------------------------------------------------------------------------- */

/*
 * Walks over entries from newest to oldest. With live_only, yields each live key once, its newest
 * entry; otherwise every entry, superseded ones and tombstones included. The walk is over what
 * was committed when it began, also when the container is written or compacted meanwhile.
 * *ret is for one thread at a time and is freed with reel_iter_free(), before reel_close(). With live_only it takes
 * 8 bytes of memory a live key. -ENOMEM, -EBADMSG.
 */
struct reel_iter;
int reel_iter_new(struct reel *r, bool live_only, struct reel_iter **ret);
/* 1: *ret holds an entry (release it), 0: the end, negative: damage (-EBADMSG). */
int reel_iter_next(struct reel_iter *it, struct reel_entry *ret);
void reel_iter_free(struct reel_iter *it);

/*
 * Called with each entry, in any order, from several threads at once. The entry is valid until it returns;
 * reel_entry_clone() keeps it longer. Anything but 0 ends the walk early and is what reel_for_each() returns.
 */
typedef int (*reel_visit_fn)(void *arg, const struct reel_entry *e);

/*
 * Calls `visit` once with each live entry as of the moment of the call, from `threads` threads (0: as many as
 * there are processors that may be used; 1: the calling thread alone, newest first). Returns when all have ended.
 */
int reel_for_each(struct reel *r, unsigned threads, reel_visit_fn visit, void *arg);

struct reel_info {
	uint64_t file_size;  /* the committed bytes: the tail */
	uint64_t disk_size;  /* the file's length, a torn tail included */
	uint64_t entries;    /* all entries in the chain */
	uint64_t tombstones; /* of these, tombstones, superseded ones included */
	uint64_t live;       /* live keys */
	uint64_t live_bytes; /* their payloads, pads and trailers */
	unsigned generation; /* pad of the format's generation: 64, or an older one's (docs/FORMAT.md) */
	/* In the oldest generation, whose two versions mean different things by them (REEL_NUL_VALUES); else 0: */
	uint64_t nul_entries; /* entries of one NUL byte */
	uint64_t nul_keys;    /* keys of which the newest entry is one: they have a value or none */
};
int reel_info(struct reel *r, struct reel_info *ret);

/* --- compaction ------------------------------------------------------------------------------------------ */

/* Sizes of the container in bytes. */
struct reel_compaction {
	uint64_t before, after;
	uint64_t entries; /* live ones, which are kept */
};

/*
 * What reel_compact() would do: `after` is exact, pads included, as long as nothing is written. Reads all trailers
 * of live entries. Works on read-only containers too.
 */
int reel_compact_estimate(struct reel *r, struct reel_compaction *ret);

/*
 * Writes the live entries, in their order, into a new file that takes the container's name; superseded
 * entries and tombstones are dropped. The old file stays whole until the new one is on stable storage with the
 * old one's owner and mode; symbolic links are followed. r goes on with the new file and stays its only
 * writer all the while. Entries and iterators of this process stay valid; readers in other processes keep
 * the old file until reel_refresh(). Writers wait meanwhile, readers do not. *ret may be NULL.
 * -EOPNOTSUPP: the container holds a file system, whose compaction is the program `reel compact`'s; -EBADMSG: a live
 * entry does not have its checksum, or the damaged link of any entry passes over others; -ESTALE: the path names another file
 * by now; -EROFS; -ENOSPC and others of the system. After an error the container is as it was, but for -EIO of the folder's
 * sync (logged), when the new file is in use and it is not certain that its name survives a power cut.
 */
int reel_compact(struct reel *r, struct reel_compaction *ret);

/*
 * Writes the live entries of the container `from`, of any generation of the format, in their order into the new
 * container `to`, in the newest generation and on stable storage; `from` is not changed. `options` may be NULL;
 * its log and progress, and their arguments, are used, and REEL_NUL_VALUES: the newest generation cannot hold such values, nor
 * empty ones; they are left out, and counted in a warning. *ret may be NULL. -EEXIST: there is a file `to`; -EBADMSG: an entry
 * is damaged, `to` is not made. Else as reel_open() and reel_write().
 */
int reel_convert(const char *from, const char *to, const struct reel_options *options, struct reel_compaction *ret);

/* --- asynchronous writing -------------------------------------------------------------------------------- */

/*
 * A thread that commits what others submit, as much at a time as is queued, in one append. Submissions of one
 * thread are committed in the order they were made; one submission is committed whole or not at all.
 */
struct reel_writer;

/* Called from the committing thread when a submission is committed (0) or failed (negative errno). It may submit, but not wait.
 */
typedef void (*reel_done_fn)(void *arg, int result);

enum reel_submit_flags {
	REEL_SUBMIT_SYNC = 1 << 0, /* done only when it is on stable storage */
};

/*
 * Starts the thread; it is named "reel-writer". `queue_bytes`: how many bytes of values may be queued before
 * submitters wait (0: 64 MiB). reel_writer_end() comes before reel_close().
 */
int reel_writer_start(struct reel *r, size_t queue_bytes, struct reel_writer **ret);

/* A submission to wait for. */
struct reel_ticket;

/*
 * Queues a batch (as reel_write_batch_keys()). Keys and values are copied. `done` may be NULL. `ticket` may be
 * NULL; else *ticket is for one reel_ticket_wait(), which frees it. An error here (-EINVAL: a value that cannot be
 * stored, or n is 0; -ENOTUNIQ; -ENOMEM; -ESHUTDOWN: the writer is ending) means that nothing was queued and `done` is not
 * called.
 */
int reel_submit(struct reel_writer *w, const struct reel_key_item *items, size_t n, unsigned flags, reel_done_fn done,
		void *arg, struct reel_ticket **ticket);
int reel_submit_hashes(struct reel_writer *w, const struct reel_batch_item *items, size_t n, unsigned flags, reel_done_fn done,
		       void *arg, struct reel_ticket **ticket);

/*
 * Waits until it is committed or failed, and frees the ticket. The submission's result. Of one with REEL_SUBMIT_SYNC that
 * may be an error of the sync, after which it is committed, as after reel_sync().
 */
int reel_ticket_wait(struct reel_ticket *t);

/*
 * Waits until everything submitted before the call is committed or failed. Then syncs, if `sync`. Returns the sync's
 * error; errors of submissions go to their callbacks and tickets.
 */
int reel_writer_flush(struct reel_writer *w, bool sync);

/* Commits what is queued and ends the thread. NULL is allowed. Tickets not yet waited for stay valid. */
void reel_writer_end(struct reel_writer *w);

/* --- what is built on keys and values -------------------------------------------------------------------- */

/*
 * Keys in a name space: 16 bytes, the hash of the name space and the hash of the key, both little-endian, as the
 * reference engine's NamespaceHasher makes them.
 */
struct reel_namespace {
	uint64_t hash;
};
enum { REEL_NAMESPACE_KEY = 16 };
struct reel_namespace reel_namespace(const void *prefix, size_t prefix_len);
void reel_namespace_key(struct reel_namespace ns, const void *key, size_t key_len, uint8_t ret[REEL_NAMESPACE_KEY]);

/*
 * Values that can be expressly nothing, under keys and in bytes of the reference engine's option entries: key in the
 * name space F7 "option" FD; nothing is the bytes FF FE. What the reference puts into other values is the
 * serialisation of Rust's `bitcode`, which is the callers' to agree on: here they are bytes.
 * A NULL `value` writes nothing. -EINVAL: the value is FF FE, empty, or one byte 00. Else as reel_write().
 */
int reel_write_option(struct reel *r, const void *key, size_t key_len, const void *value, size_t value_len);
/* 1: *ret is the value, 0: it is expressly nothing (*ret is not set). Errors as reel_read(). */
int reel_read_option(struct reel *r, const void *key, size_t key_len, struct reel_entry *ret);

/*
 * Values that expire, under keys and in bytes of the reference engine's cache entries: key in the name space F7
 * "ttl" FD; the payload begins with the time of expiry (u64, little-endian, seconds since 1970), and the value
 * follows from byte REEL_TTL_PREFIX on. It may be empty. `seconds`: from now on.
 */
enum { REEL_TTL_PREFIX = 8 };
int reel_write_ttl(struct reel *r, const void *key, size_t key_len, const void *value, size_t value_len, uint64_t seconds);
/*
 * 1: *ret is the entry, with its prefix. 0: it has expired, and was deleted if r can be written. Errors as
 * reel_read(); -EBADMSG also: the payload is shorter than its prefix.
 */
int reel_read_ttl(struct reel *r, const void *key, size_t key_len, struct reel_entry *ret);

/*
 * Called before each file of an import with its path below the folder; anything but 0 ends the import and is
 * returned. Files that cannot be entries (empty ones, those of one byte 00, what is no regular file) are told
 * with -EINVAL in `result`, others with 0 before they are written.
 */
typedef int (*reel_import_fn)(void *arg, const char *path, int result);

/*
 * Writes every regular file below the folder `dir`, in the order of their names, as one entry under its path from
 * `dir` with "/" between components, as it is or, where `ns` is not NULL, in that name space. Symbolic links are not
 * followed. `progress` may be NULL. Returns how many files were written; after an error those before it are there.
 */
int64_t reel_import(struct reel *r, const char *dir, const struct reel_namespace *ns, reel_import_fn progress, void *arg);

/* The entry of a file so imported. Errors as reel_read(). */
int reel_read_file(struct reel *r, const char *path, const struct reel_namespace *ns, struct reel_entry *ret);

#ifdef __cplusplus
}
#endif
#endif
