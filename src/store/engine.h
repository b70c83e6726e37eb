/*
 * engine.h - what src/fs uses of the store beyond the public interface (reel.h): the raw committed
 * bytes, appends of several entries as one, and a say in where the valid tail lies.
 * Nothing here knows files or transactions.
 */
#ifndef REEL_ENGINE_H
#define REEL_ENGINE_H

#include "reel.h"

#include <syslog.h>

struct disk_ops;

/*
 * What a reelfs calls itself (as prctl(2), PR_SET_NAME) once its mount is gone: it takes nothing more in, stores what it has,
 * and ends by itself.
 */
#define REEL_STORING "reelfs-storing"

/* The priority of messages of what is being waited for, and of no others: to be shown at once. */
#define REEL_LOG_WAITING LOG_INFO

/*
 * What a tail finder is shown: the file as it is on disk, mapped. Bytes at or past `size` must not
 * be touched. `disk_read` failing underneath shows as zero bytes (see map.h, "faults").
 */
struct generation;
struct reel_view {
	const uint8_t *base;
	uint64_t size;
	const struct generation *gen; /* of the format; NULL: the newest */
};

/* The length of an entry's trailer in the newest generation, the only one that is written. */
#define REEL_TRAILER_SIZE 20u

enum reel_tail_verdict {
	REEL_TAIL_UNKNOWN, /* no opinion: the store's own rule decides, from `durable` on */
	REEL_TAIL_FOUND,   /* `tail` is the valid tail; what follows is a torn append */
	REEL_TAIL_DAMAGED, /* bytes before a durable tail are damaged: `tail` is the end of what is whole */
	REEL_TAIL_ANYWAY,  /* all bytes of the file are shown, whatever they are; only for reading (repair) */
};

struct reel_tail {
	enum reel_tail_verdict verdict;
	uint64_t durable; /* everything before is known to have been on stable storage; 0: not known */
	uint64_t tail;
	bool keep; /* what follows `tail` may be someone's data: it is saved beside the container before it is cut */
};

/*
 * Decides where the valid tail of a container lies, if it can (docs/DESIGN.md, "Opening"). Called
 * at opening, before anything is changed, and by reel_refresh(). Returns 0 or a negative errno
 * value that ends the opening.
 */
typedef int (*reel_tail_fn)(void *arg, const struct reel_view *view, struct reel_tail *ret);

/*
 * Says, in words, whose the bytes are that another program has put behind `from`, where this one left the end of the
 * container; NULL: that cannot be told. Called with locks of the store held: it must call nothing of it that writes.
 */
typedef const char *(*reel_whose_fn)(void *arg, const struct reel_view *view, uint64_t from);

struct reel_engine_options {
	struct reel_options base;
	reel_tail_fn find_tail; /* or NULL */
	void *find_tail_arg;
	reel_whose_fn whose;         /* or NULL */
	void *whose_arg;             /* both as long as the container is open */
	const struct disk_ops *disk; /* or NULL: the real one */
	bool defer_cut;              /* a torn append stays until reel_cut_torn() */
};

/* As reel_open(). `options` must not be NULL. */
int reel_engine_open(const char *path, const struct reel_engine_options *options, struct reel **ret);

/*
 * Cuts off the torn append that was found at opening, after saving it where it must not be lost. With defer_cut: before
 * anything is written, or never: a container that is closed without it is as it was. 0 where there is none. `left` ends
 * the message about it and says of when the container is then; or NULL.
 */
int reel_cut_torn(struct reel *r, const char *left);

/* The mapped container: constant address as long as r is open, whatever is appended. */
const uint8_t *reel_base(const struct reel *r);

/* The committed tail: bytes below it never change. */
uint64_t reel_tail_offset(const struct reel *r);

/* Everything below is on stable storage, as far as this process knows. */
uint64_t reel_durable_tail(const struct reel *r);

/*
 * Whether another file can take the container's name. -EBUSY: something is mounted on the file itself, which is logged, with
 * what works. That other names would keep the old file is logged, too.
 */
int reel_can_replace(struct reel *r);

/* The descriptor of the container, for fstatvfs(), fstat() and O_TMPFILE beside it. Never write to it. */
int reel_fd(const struct reel *r);

/*
 * Whether the first `end` bytes, committed ones, are still in the file: another program may have cut it. To be asked
 * after they were read, because no checksum shows that they were replaced by zeros since it was checked. -EIO: they
 * are not. Whatever is asked, a file that was cut is logged once, and fails (reel_failed()) if it was writable.
 * Cheap. Reads the mapping, so reel_guard_faults() should have been called. Not beside reel_compact(). Any thread.
 */
int reel_has(struct reel *r, uint64_t end);

/* Whether another program has cut the file or written to it, which was logged, so that nothing more is written. Any thread. */
bool reel_is_intruded(const struct reel *r);

/* Grows when reel_has() finds that another program has written to the file: what was found good may be so no more. */
uint64_t reel_changes(const struct reel *r);

/*
 * Lets go of the pages of the mapping that were touched so far: they leave this process's resident memory, and
 * stay in the page cache. Pointers stay valid. Any thread.
 */
void reel_drop_pages(const struct reel_view *view);

/* The committed bytes as they are now. */
struct reel_view reel_view_of(const struct reel *r);

/*
 * The checksum of the payload [offset, offset + len) as its trailer has it: CRC-32, of which the oldest generation
 * keeps 24 bits. Lets go of the pages of long payloads behind itself.
 */
uint32_t reel_payload_crc(const struct reel_view *view, uint64_t offset, uint64_t len);

/* Where the entry whose payload is [offset, offset + len) ends. */
uint64_t reel_payload_end(const struct reel_view *view, uint64_t offset, uint64_t len);

/*
 * Pages that the disk or server did not deliver read as zeros. Around each stretch of reading whose result counts:
 * reel_reading() has what failed before read anew, and returns what reel_unread() is given after: whether one of the bytes
 * [offset, offset+len) could not be read meanwhile, so that what was found there, damage included, says nothing. Any thread;
 * append_lock may be held, reel_reserve()'s lock not. Cheap. Without reel_guard_faults() such a page ends the process.
 */
uint64_t reel_reading(struct reel *r);
bool reel_unread(struct reel *r, uint64_t token, uint64_t offset, uint64_t len);
/* Why these bytes could not be read, if that is still so, and else -EIO; *at: where. */
int reel_unread_error(struct reel *r, uint64_t offset, uint64_t len, uint64_t *at);
/*
 * After reel_unread() was true: whether another try may read what failed, as it can be read by now, or nothing can. False:
 * just these places cannot be read, as with bad sectors.
 */
bool reel_unread_passes(struct reel *r);

/* What an error of the file system that a container lies in means, and what to do: as strerror(3) of -err. */
const char *reel_explain(int err);

/* Makes a message for the log; `priority` as syslog(3). */
void reel_log(const struct reel *r, int priority, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Parses the entry that ends at `end` in `view`, checking every number (not the payload's CRC).
 * Sets all of *ret but `mapping`. -ENOENT: end is 0. -EBADMSG: no entry can end there.
 */
int reel_entry_at(const struct reel_view *view, uint64_t end, struct reel_entry *ret);

/*
 * The end of the longest run of good entries that begins at `start`, which is 0 or a good tail. Linear in the bytes
 * up to view->size. -ENOMEM, -EFBIG.
 */
int reel_sound_tail(const struct reel_view *view, uint64_t start, uint64_t *ret);

/* An entry that reel_survey() met; `sound`: it has its checksum. Returning not 0 ends the survey. */
typedef int (*reel_survey_fn)(void *arg, const struct reel_entry *e, bool sound);

/* Bytes that a survey could not make out: no entry on either side leads into them. Returning not 0 ends the survey. */
struct reel_gap {
	uint64_t start, end;
};
typedef int (*reel_gap_fn)(void *arg, const struct reel_gap *gap);

/*
 * Meets the entries of the damaged range [start, end), the newest first: those that a walk back from `end` reaches,
 * those that follow one another from `start`, which is 0 or a good tail, and good ones between with the damaged ones that lead
 * to them. `end` need not be a tail. gap_fn, unless it is NULL, learns of each gap, in the same order. Linear. Returns 0, what
 * a function returned, -ENOMEM or -EFBIG.
 */
int reel_survey(const struct reel_view *view, uint64_t start, uint64_t end, reel_survey_fn fn, reel_gap_fn gap_fn, void *arg);

/* What reel_salvage() found; text without a newline. */
typedef void (*reel_salvage_fn)(void *arg, const char *text);

/*
 * Copies the whole live entries of a damaged container without a file system into the new container `to`, and tells
 * `fn` what could not be copied. A key whose newest value is damaged is left out: an older one is never given out for
 * it. `options` are for both, flags and keep_torn excepted. ret->entries is the number of keys copied.
 * -EEXIST: `to` is there. -EBADMSG: no whole entry was found in a file that is not empty. -EBUSY: a writer has it.
 */
struct reel_salvaged {
	uint64_t entries; /* copied */
	uint64_t damaged; /* live entries that were not */
	uint64_t dead;    /* entries with values that were replaced or removed */
	uint64_t all;     /* entries with values */
	uint64_t unknown; /* bytes of which nothing can be said */
	uint64_t before, after;
};
int reel_salvage(const char *path, const char *to, const struct reel_options *options, reel_salvage_fn fn, void *arg,
		 struct reel_salvaged *ret);

/* A reel_tail_fn that says REEL_TAIL_ANYWAY. */
int reel_tail_anyway(void *arg, const struct reel_view *view, struct reel_tail *ret);

/*
 * Keeps writers away from a container that is open for reading, as long as it is. -EBUSY, with a log line: there
 * is one already.
 */
int reel_keep_writers_out(struct reel *r);

/*
 * The process that has the container, which is open for reading, open for writing, and says of itself that it is a reelfs that
 * was unmounted and still stores; 0: there is none.
 */
long reel_stored_by(struct reel *r);

/* Whether some process has the container open for writing just now; or a negative errno value. Says nothing. */
int reel_has_writer(struct reel *r);

/*
 * An append of several entries that becomes visible as a whole with reel_append_commit().
 * From begin to commit or abort the caller holds the container's one append lock: other appends wait.
 * Data is gathered in memory up to a bound and written past the tail beyond that.
 * After an error from any call but begin, the caller calls reel_append_abort().
 */
struct reel_append;

/* -EROFS: not writable (any more). */
int reel_append_begin(struct reel *r, struct reel_append **ret);

/* Where the next entry's payload will lie if the entry begins now; the place transactions record. */
uint64_t reel_append_next_payload(const struct reel_append *a);

/* The tail at the time of begin: the end of the entry before this append. */
uint64_t reel_append_start(const struct reel_append *a);

int reel_append_entry_begin(struct reel_append *a, uint64_t key_hash);
/* Payload bytes, in any number of calls. The data is copied or written before the call returns. */
int reel_append_data(struct reel_append *a, const void *data, size_t len);
/*
 * Ends the entry. *ret (may be NULL) has its place; its `payload` and `mapping` are not set.
 * -EINVAL: the payload is empty, or one byte 00.
 */
int reel_append_entry_end(struct reel_append *a, struct reel_entry *ret);
int reel_append_tombstone(struct reel_append *a, uint64_t key_hash);
/*
 * Replaces the payload of an entry of this append, which reel_append_entry_end() has given as *entry, by as many other
 * bytes: for what is known only when more is written. Bytes past the committed tail are nobody's (invariant D1); what
 * is gathered is written first. entry->crc becomes the new one. -EINVAL: it is no such entry.
 */
int reel_append_amend(struct reel_append *a, struct reel_entry *entry, const void *payload);

/*
 * The same of a committed entry, and syncs: in a file of which nobody else knows, as it has not yet got its name, and which is
 * dropped when this fails. Everywhere else committed bytes stay (invariant D1).
 */
int reel_amend_unnamed(struct reel *r, struct reel_entry *entry, const void *payload);

/*
 * Writes what is left and moves the tail. On an error nothing of the append is visible and the
 * file is as long as before; -ENOSPC, -EDQUOT and -EFBIG leave the container writable, anything
 * else does not (reel_failed()). -EIO is also: another program has cut the file, or written to it, which is left as it
 * is. Ends the append, whatever it returns.
 */
int reel_append_commit(struct reel_append *a);

/* Ends the append without a trace. NULL is allowed. */
void reel_append_abort(struct reel_append *a);

/*
 * Makes sure that `bytes` more can be appended without running out of disk space, as far as the
 * file system beneath can promise. Cheap when they are there already. -ENOSPC, -EDQUOT: not so. -EFBIG: past the limit
 * on the size of files, or past what can be mapped.
 */
int reel_reserve(struct reel *r, uint64_t bytes);
/* The same; where it has to allocate, `ahead` bytes more if there is room for them, so that it need not so often. */
int reel_reserve_ahead(struct reel *r, uint64_t bytes, uint64_t ahead);
/*
 * Gives back what is allocated past the end and no longer needed: where that is far more than `bytes`, all of it, so that they
 * are to be reserved again. With no append under way that this thread has begun.
 */
int reel_unreserve(struct reel *r, uint64_t bytes);
/*
 * An append of so many bytes is about to begin: until it is told that none is (0), what others reserve comes after it. With
 * no append under way.
 */
void reel_expect(struct reel *r, uint64_t bytes);
/* False once it was found that the file system beneath cannot allocate ahead: nothing is promised then. */
bool reel_reserves(const struct reel *r);

/* Whether the open file still has a name, this one or another. Asked past caches; where that cannot be learned: true. */
bool reel_has_name(struct reel *r);

/* 0, or the error that made the container unwritable. */
int reel_failed(const struct reel *r);

/*
 * Whether the file is as this process left it, asked past every cache: to be asked before another file takes its place.
 * -EIO, with a log line: another program has written to it, and nothing more is written (reel_failed()).
 */
int reel_is_mine(struct reel *r);

/*
 * CRC-32 of the concatenation A B from those of A and B and the length of B.
 */
uint32_t reel_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);

#endif
