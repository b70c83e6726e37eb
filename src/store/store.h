/*
 * store.h - what the files of the store share: an open container, and what they do for each other.
 *
 * Locks, in the order they are taken:
 *   append_lock  one append at a time; held across writing. Protects `append` and the file's end.
 *   index.build  one thread builds the index at a time; held while it reads all trailers.
 *   reserve.lock the space allocated ahead.
 *   sync.lock    who is syncing. Not held during fdatasync().
 *   index.lock   the key index, the mapping in use, and with them the committed tail: they change
 *                together under it. Never held while the file is written or read.
 * Readers take none, or for a moment index.lock (index.c). Nothing is logged with a lock held.
 * A compaction (swap.c) takes all of them in this order when it puts another file in place of the present one.
 */
#ifndef REEL_STORE_H
#define REEL_STORE_H

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <syslog.h>

#include "append.h"
#include "disk.h"
#include "engine.h"
#include "format.h"
#include "map.h"
#include "u64table.h"

/* Marks an index value, and an append's entry: the entry that ends there is a tombstone. */
#define END_TOMBSTONE ((uint64_t)1 << 63)

/*
 * What readers look at, all of it at once: a file's mapping, and for each live key in it the end of its newest
 * entry. Constant once it is published, but for the slots of the table and their number. A view that
 * another has replaced keeps its addresses until the container is closed, but not its memory.
 */
struct view {
	struct reel_mapping *map;
	struct u64table ends;
	atomic_bool built; /* false: `ends` is empty, and has to be built before a key can be looked up */
	struct view *older;
};

struct index {
	pthread_mutex_t build;
	pthread_mutex_t lock;
	_Atomic uint64_t changes; /* odd while the table is being changed, or replaced */
	struct view *_Atomic view;
};

struct syncer {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool running;
	uint64_t files;           /* how often a compaction has put a new file in place, synced */
	_Atomic uint64_t durable; /* grows only, but for that */
};

/* A torn append that was found at opening and is not yet cut off (torn.c). */
struct torn {
	uint64_t end; /* of the file; 0: there is none */
	bool keep;    /* it is saved unasked */
};

/* What is known of other programs' changes to the file (watch.c). */
struct watch {
	_Atomic uint64_t own, ended; /* changes of our own that were begun, and that have ended */
	_Atomic uint64_t time;       /* the file's mtime when it was last looked at; 0: never */
	_Atomic uint64_t ended_seen; /* and `ended` then */
	_Atomic uint64_t looked;     /* when that was */
	_Atomic uint64_t changes;    /* of others */
	atomic_bool cut;             /* the file was made shorter, and this was said */
	atomic_bool foreign;         /* another writer was seen at the end of the file, and this was said (foreign.c) */
	/* With append_lock held: */
	uint64_t foreign_at;        /* where bytes of another program begin that are no entries; 0: none do */
	uint64_t saved;             /* the file's length when they were saved; 0: they are not */
	uint64_t full;              /* when all was looked at that tells of another writer */
	uint64_t wrote;             /* when something was last written */
	uint8_t left[TRAILER_SIZE]; /* the last trailer, as this process left it */
	bool has_left;
};

/* What is known of the file system that the file lies in (place.c). */
struct place {
	bool shared;      /* others than this kernel change its files */
	bool fuse;        /* a program serves it */
	bool keeps_locks; /* a lock on it holds on this machine alone */
	bool asks_lock;   /* flock(2) of a lock that is held asks who has it */
	ino_t ino;        /* of the file when it was opened */
};

struct reservation {
	pthread_mutex_t lock;
	uint64_t end;      /* disk space is there up to here */
	uint64_t expected; /* where the append that is under way will end; 0: none is, or it is not known */
	atomic_bool none;  /* the file system cannot allocate ahead */
};

struct reel {
	/* Constant after opening; `fd` is made to mean another file by a compaction, with dup3(2). */
	char *path;
	struct reel_options options;
	reel_tail_fn find_tail;
	void *find_tail_arg;
	reel_whose_fn whose;
	void *whose_arg;
	const struct disk_ops *disk;
	int fd;
	struct place place;
	uint64_t found_size; /* the file's length when its tail was looked for */

	struct reel_mapping *_Atomic map; /* as in the view; changes under all locks */
	struct torn torn;                 /* until the opening ends */
	_Atomic uint64_t tail;            /* committed; changes under index.lock; becomes smaller with a new file only */
	_Atomic uint64_t write_end;       /* the file's length as far as it was written */
	atomic_int failed;                /* the first error that leaves the file in doubt; nothing is written from then on */
	pthread_mutex_t append_lock;
	struct reel_append append;
	struct index index;
	struct syncer sync;
	struct reservation reserve;
	struct watch watch;
};

static inline bool store_writable(const struct reel *r)
{
	return !(r->options.flags & REEL_RDONLY);
}

static inline struct view *store_view(const struct reel *r)
{
	return atomic_load_explicit(&r->index.view, memory_order_acquire);
}

/* The committed bytes. */
static inline struct chain store_chain(const struct reel *r, uint64_t size)
{
	return (struct chain){.gen = r->map->gen, .base = r->map->base, .size = size};
}

/* Logs that no entry ends where one should. */
void store_log_broken(const struct reel *r, uint64_t end);

/*
 * The entry of `map` that ends at `end`; takes over the caller's reference to it, also on an error, which is
 * logged. -ENOENT: end is 0. -EBADMSG.
 */
int store_entry(struct reel *r, struct reel_mapping *map, uint64_t end, struct reel_entry *ret);

/* Nothing is written any more, because of `err`. Says whether this was the first failure. */
bool store_fail(struct reel *r, int err);

/* open.c */
/* Frees everything, without a sync. */
void store_free(struct reel *r);

/* lock.c: the file behind r->path, locked when it is to be written. */
int lock_file(struct reel *r, int fd);
/* The process that holds a lock on the file, as far as the kernel tells; 0: it does not. */
long lock_holder(struct reel *r, int fd);

/* reread.c: what the kernel has cached of [from, end) may be older than the file: it is read anew. */
void reread_drop(struct reel *r, uint64_t from, uint64_t end);
/* reread.c: a part of the file over the same part of its mapping, anew. */
int reread_remap(struct reel *r, uint64_t offset, uint64_t len);
/* reread.c: these bytes were written, and are to be read from the mapping. */
void reread_written(struct reel *r, uint64_t from, uint64_t end);
/* reread.c: reel_unread(), and says so if it is. */
bool reread_tell(struct reel *r, uint64_t token, uint64_t offset, uint64_t len);

/* place.c: */
/* Finds out what r->place says. */
void place_find(struct reel *r, int fd);
/* After the file was locked: says so if the lock is only this machine's. */
void place_locked(struct reel *r, int fd);
/* Has the kernel learn anew what fstat(2) tells of the file. */
void place_ask(struct reel *r, int fd);
/* The same of what the path names. */
void place_ask_name(struct reel *r, const char *path);
/*
 * The same, where a program that serves the file has a cache of its own: an opening has it ask its server, and the kernel drop
 * what it has of the contents.
 */
void place_open_anew(struct reel *r);
/*
 * What was known of the file before, its bytes included, is forgotten: to be called when the lock is had, before anything
 * is asked of the file (docs/DESIGN.md, S6). An error of the sync, of a file that is opened for writing.
 */
int place_fresh(struct reel *r, int fd);
/* Whether the path names the open file: 1 or 0, or an error, -ENOENT too. */
int place_is_named(struct reel *r, const char *path, int fd);

/* foreign.c: another writer. All with append_lock held but the last two; -EIO: it was told, and nothing more is written. */
void foreign_begin(struct reel *r);
/* The file ends with this trailer now. */
void foreign_left(struct reel *r, const uint8_t trailer[TRAILER_SIZE]);
/* Before something is appended to the file, which ends at `end`. */
int foreign_before(struct reel *r, uint64_t end);
/*
 * After it was: `len` bytes of which the last n are `last`, and which should end at `end`. Without the fault handler it is
 * not looked at after short ones: a file that was cut would end the process. The next look finds it.
 */
int foreign_after(struct reel *r, uint64_t end, uint64_t len, const uint8_t *last, size_t n);
/* Before bytes of our own are cut off the file, which has at least `end` bytes and at `most` so many. */
int foreign_before_cut(struct reel *r, uint64_t end, uint64_t most);
/* After a sync; append_lock is not held. -EIO: what was synced is not what this process wrote. */
int foreign_at_sync(struct reel *r);
bool foreign_seen(const struct reel *r);
/*
 * Where bytes begin that the next opening would cut off though they are another program's, and *end, where they end; 0: there
 * are none, or these are saved.
 */
uint64_t foreign_to_save(struct reel *r, uint64_t *end);
/* torn.c: saves them beside the container: when they are seen, and at the end if it could not be done or there are more. */
void torn_save_foreign(struct reel *r);

/* tail.c: finds the tail of a file of `size` bytes that is being opened, and what is torn (r->torn). */
int tail_open(struct reel *r, uint64_t size);
/* The same for a reader that moves on from `tail` in the chain; *ret is the new one. */
int tail_advance(struct reel *r, const struct chain *c, uint64_t tail, uint64_t *ret);

/* An entry that an append placed. */
struct placed {
	uint64_t key_hash;
	uint64_t end; /* with END_TOMBSTONE */
	uint32_t tag; /* of the key's name; 0: not known */
};

/* index.c */
int index_init(struct reel *r);
void index_free(struct reel *r);
/* At opening: the mapping, and the index if it is there already (NULL: it is not). Takes over *ends. */
void index_start(struct reel *r, struct u64table *ends);
/*
 * Walks the chain from `tail` to its start and leaves the newest entry of each live key in *ends; the first entry ends
 * at *reached. -EBADMSG: the chain is broken; no entry can end at *reached. -ENOMEM.
 */
int index_walk(const struct chain *c, uint64_t tail, struct u64table *ends, uint64_t *reached);
/* Builds the index if it is not there. The error is logged. */
int index_need(struct reel *r);

/* lookup.c: what is known of a key. */
struct found {
	uint64_t end; /* of its live entry; 0: none */
	uint32_t tag; /* of its name; 0: not known */
	struct reel_mapping
	    *map; /* where the entry is, with a reference for the caller; without an entry nothing is meant by it */
};
/* The index is built if it is not there: 0 or that error. */
int index_find(struct reel *r, uint64_t key_hash, struct found *ret);
/* The same of n keys, as of one moment. */
int index_find_many(struct reel *r, const uint64_t *key_hashes, size_t n, struct found *ret);
/* For those who hold append_lock and called index_need(): no references are taken. */
struct found index_peek(struct reel *r, uint64_t key_hash);
/* The entry's name becomes known, if it still is the key's newest and has none. Returns the tag it has then. */
uint32_t index_claim(struct reel *r, uint64_t key_hash, uint64_t end, uint32_t tag);
/* Live keys; or the error of building the index. */
int64_t index_count(struct reel *r);

/* index.c: */
/* Commits: the tail becomes `tail`, and the index learns the entries placed before it, oldest first. */
void index_commit(struct reel *r, uint64_t tail, const struct placed *placed, size_t n);
/* Commits what another process appended to the file mapped by `map`, if that is still in use. -EBADMSG, -ENOMEM: the tail
 * stays. */
int index_advance(struct reel *r, const struct reel_mapping *map, uint64_t tail);
/* Makes room for so many keys, of a container that only this thread uses. Where there is no memory for it, nothing. */
void index_expect(struct reel *r, uint64_t n);
/*
 * Another file takes the place of the present one: from now on its mapping and tail are used, and *ends, which are
 * taken over. Under all locks but index.lock. -ENOMEM: nothing was changed.
 */
int index_replace(struct reel *r, struct reel_mapping *map, struct u64table *ends, bool built, uint64_t tail);

/*
 * swap.c: the file, mapping, index and tail of `from`, which is otherwise unused and is left without them, take the
 * place of r's. Under append_lock. -ENOMEM: nothing was changed.
 */
int swap_file(struct reel *r, struct reel *from);

/* snapshot.c: the container at one moment; map has a reference. */
struct snapshot {
	struct reel_mapping *map;
	uint64_t tail;
	uint64_t *ends; /* of live entries, ascending; NULL: not asked for */
	size_t n;
};
void snapshot_take(struct reel *r, struct snapshot *ret);
/* With the live entries. The index is built if it is not there. */
int snapshot_take_live(struct reel *r, struct snapshot *ret);
void snapshot_free(struct snapshot *s);

/* move.c: deletes the key of *e if its value is still that one, or is gone. -EAGAIN: it is another by now. */
int move_delete_same(struct reel *r, const struct reel_entry *e);

/* watch.c: around each change of the file but syncs. Changes may overlap. */
void watch_begin(struct reel *r);
void watch_end(struct reel *r);
/* The file is shorter than it was left. -EIO; it is said once, and nothing more is written. */
int watch_cut(struct reel *r);
/* After a sync: -EIO: the file was cut. */
int watch_sync(struct reel *r);

/* reserve.c */
void reserve_forget(struct reel *r, uint64_t size);
int reserve_release(struct reel *r);

/* keys.c: names of keys, for REEL_CHECK_KEYS */
static inline bool keys_checked(const struct reel *r)
{
	return r->options.flags & REEL_CHECK_KEYS;
}
/* Never 0; 0 where names are not checked. */
uint32_t key_tag(const struct reel *r, const void *key, size_t len);

/* An item of a batch with the tag of its key. */
struct tagged_item {
	struct reel_batch_item item;
	uint32_t tag;
};

/* write.c */
/* -EINVAL: the value cannot be an entry. */
int write_check_item(const struct reel_batch_item *item);
/* Allocates; NULL: no memory. */
struct tagged_item *write_tagged(struct reel *r, const struct reel_key_item *items, size_t n);
/* reel_write_batch(). How many entries and tombstones were written. */
ssize_t write_items(struct reel *r, const struct tagged_item *items, size_t n);

#endif
