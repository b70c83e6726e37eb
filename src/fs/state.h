/*
 * state.h - what the files of src/fs share: the open file system, its locks, and the inodes that are
 * open. Nothing outside src/fs includes it.
 *
 * Locks, in the order in which they are taken (docs/DESIGN.md has the reasons):
 *  1. open_state.io   an inode's unwritten data and its working extents. Of two inodes, that at the lower address first
 *  2. fs.commit       the right to append to the container and to change the tree: one thread at a time
 *  3. fs.tree_lock    the tree in memory. Changed only with both 2 and 3 held (3 for writing), but for
 *                     lookup counts, open states and atimes (T4), which need 3 only
 *  4. open_state.attr size and times that descriptors see but no transaction has yet
 *     fs.open_lock    the list of open states
 */
#ifndef FS_STATE_H
#define FS_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "clock.h"
#include "engine.h"
#include "fs.h"
#include "ranges.h"
#include "record.h"
#include "seal.h"
#include "tree.h"
#include "wbuf.h"

struct fs {
	struct reel *store;
	struct reel *replaces; /* while it is made: the container whose place it is to take; or NULL */
	struct fs_options options;
	_Atomic unsigned failing; /* open states that are so */
	uint32_t uid, gid;        /* who opened it: owner of what nobody else owns */
	bool read_only;
	bool caller_stamps;   /* fs_caller_stamps(); set before other threads call */
	atomic_bool stopping; /* fs_close() has begun; tells the syncer */

	pthread_mutex_t commit;
	/* protected by commit: */
	bool has_super;
	struct fs_super super;
	bool session_open;                   /* this writer's first transaction is in the container */
	uint32_t writer;                     /* the number in its seals; 0: not yet drawn */
	uint64_t sequence;                   /* of the newest seal */
	uint64_t last_seal, last_checkpoint; /* positions, or FS_NO_POSITION */
	int64_t last_time_ns;                /* of the newest seal, ns since 1970; 0: there is none */
	bool last_clean;
	struct new_container *new; /* it has not yet got its name (create.c); or NULL */
	bool unbegun;              /* there is a superblock and never was a transaction, as far as the file tells */
	uint64_t checkpoint_size;  /* bytes of the newest checkpoint */
	uint64_t replay_size;      /* bytes of transactions since */
	uint64_t replayed;         /* transactions replayed at opening */
	uint64_t imported;         /* other programs' entries found at opening */
	struct body import;        /* records for other programs' entries, not yet in a transaction */
	struct number_set unkeyed; /* while opening: positions of contents whose keys those entries have taken or deleted */
	bool lost;                 /* the tree in memory is not what the container says: nothing more is written */
	void *ballast;             /* memory held for applying the next transaction (ballast.h) */
	size_t ballast_size;
	uint64_t room_kept;                     /* bytes of disk kept back (room.h); constant once there are other threads */
	uint64_t room_wanted;                   /* bytes that a writer was refused; 0: none was since there was room */
	bool told_full, told_used;              /* that the disk is full, and that what was kept back is used up, was said */
	atomic_bool told_elsewhere, told_spill; /* where spill files go, and that it is full, was said */
	bool moved;                             /* positions in seals are not those of the file: another program compacted it */

	pthread_rwlock_t tree_lock;
	struct tree tree;

	pthread_mutex_t open_lock;
	struct open_state *opens;

	struct wbuf_pool pool;
	_Atomic uint64_t promised;    /* bytes of the disk that unwritten data will need (room.h) */
	_Atomic uint64_t told_unread; /* when it was told last that the container cannot be read; seconds */
	_Atomic uint64_t grown;       /* bytes that changes have added to the tree since memory.h looked */
	_Atomic uint64_t grow_most;   /* and how many there may be before it looks again */
	_Atomic bool memory_full;     /* and the last look found no room for more */
	_Atomic uint64_t told_memory; /* when that was told last; seconds */
	uint64_t most_touched;        /* constant */
	_Atomic uint64_t touched;     /* bytes of the mapping read since its pages were let go */

	pthread_t syncer; /* the thread "reelfs-sync" */
	bool has_syncer;
	time_t marked;               /* when open_handing() was called for a handing over that is still due, or 0; its own */
	bool nameless;               /* the syncer has told that the container has no name any more */
	pthread_mutex_t syncer_lock; /* guards the wait for `stopping` */
	pthread_cond_t syncer_wake;
};

/* An inode that is open, or being changed. Made and ended under the tree lock. */
struct open_state {
	struct open_state *next, *prev; /* in fs.opens */
	struct inode *inode;
	unsigned users;   /* protected by the tree lock */
	unsigned writers; /* of these, open for writing; protected by the tree lock */
	bool outlives;    /* one of the users is what was refused (refused.h); protected by the tree lock */

	pthread_rwlock_t io;
	atomic_bool failing; /* its last commit failed, or bytes are missing. Written with io held */
	/* protected by io: */
	bool missing;      /* the kernel has cached bytes of it that could not be taken here */
	struct wbuf *wbuf; /* made at the first write */
	bool cut;          /* `base` holds the committed extents less what was truncated or punched */
	struct extents base;
	struct ranges punched;         /* what was taken out of `base`, up to the last committed extent's end */
	bool gap;                      /* what was last committed ends at one that may not be a hole */
	bool in_parts;                 /* what it has was committed while it stayed open, in parts */
	uint64_t promised;             /* its part of fs.promised */
	uint64_t refused, refused_end; /* where bytes are lost that would have made the file longer; both 0: nowhere */
	atomic_int
	    refusing; /* the error with which the kernel was last refused bytes; 0 once there was room again. Read by anybody */
	int told;     /* the error of committing it while it is open that was told; 0: it works */
	uint64_t lowest;   /* the least that the size has been since it was the committed one */
	uint64_t complete; /* before this nothing is missing that the kernel has cached and not handed over (W1) */
	uint64_t asked;    /* a size that was asked for as such: what is a hole before it is meant to be one */

	pthread_mutex_t attr;
	/* protected by attr: */
	bool changed;         /* size or times differ from the committed ones */
	bool shown;           /* attributes were shown while it had writers, since the last flush */
	uint64_t shown_bytes; /* what they said of its blocks */
	uint64_t size;
	uint64_t handing;   /* the size when the kernel was last asked to hand over; less where it was cut since */
	uint64_t allocated; /* bytes that are in wbuf, in the extents beneath, or in both */
	struct timespec atime, mtime, ctime;
};

struct fs_file {
	struct fs *fs;
	struct open_state *open;
	bool writable;
};

struct fs_dir {
	struct fs *fs;
	struct inode *inode;
	bool cached;          /* fs_dir_cached() */
	atomic_bool outdated; /* fs_dir_outdated() */
	_Atomic uint64_t end; /* the newest cookie when its reading began (N1) */
};

/* A file system without a container, and its end; what fs_open() and those who make containers begin with. */
struct fs *fs_new(const struct fs_options *options);
void fs_free(struct fs *fs);
/* The beginning of a mount of the container that is loaded, and its end but for closing that. */
int fs_start(struct fs *fs, const char *path);
int fs_finish(struct fs *fs);
struct location;
/* How the store opens for `fs`: `location` is filled meanwhile, or NULL. */
struct reel_engine_options fs_engine_options(const struct fs *fs, unsigned flags, struct location *location);

/* One line for the user; printf. */
void fs_log(const struct fs *fs, int priority, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* To be called after `len` bytes of contents were read in the mapping: keeps resident memory bounded. */
void fs_touched(struct fs *fs, uint64_t len);

/* Replays the container into the tree (load.c). */
int fs_load(struct fs *fs, const struct location *location);

#endif
