/*
 * life.h - the life of one container under a workload: short forms of the calls of fs.h by path, and after each that
 * returned the state that it led to, as a picture. The states are the history that a crash must leave a prefix of.
 *
 * Each function returns 0 or the error of the call; what fails changes nothing and adds no state. All that is
 * written is drawn from the life's seed, so that the same seed makes the same container but for times, identity and secret.
 */
#ifndef CRASH_LIFE_H
#define CRASH_LIFE_H

#include "picture.h"
#include "record.h"

struct state {
	char *picture;
	int same; /* the first state with this picture */
};

struct life {
	const char *folder;
	char path[4300];
	const struct disk_ops *disk;
	struct recording *record; /* gets the marks; NULL: none */
	bool *dead;               /* set while the process is as good as killed: the disk does nothing any more */
	struct fs *fs;
	struct reel *store; /* for a life of keys and values; fs is NULL then */
	bool others;   /* other programs write to it too; pictures are not exact then: what is imported gets the file's times */
	bool keys;     /* a life of keys and values */
	bool hopeless; /* the disk, once it fails, fails for ever: what is to be removed stays */
	int faults;    /* found by the last check */
	int refused;   /* calls that failed for want of a disk, of room or of memory */
	int changed;   /* of these, those after which something was not as before */
	int untold;    /* times that a program said that all went well, and it had not */
	int lost;      /* openings that showed something else than what was there at the end of the one before */
	void (*pause)(bool on); /* no faults are injected while it is on; NULL: none are at all */
	int paused;             /* how many times over it is on */
	uint64_t buffer;        /* of a file, past which it spills; 0: the default */
	uint64_t seed;
	struct state *state;
	int n, room;
	char messages[1 << 14]; /* since the last opening */
};

/* Of `folder`/c.reel. Nothing is opened. */
void life_begin(struct life *l, const char *folder, const struct disk_ops *disk, uint64_t seed);
/* A life of the same kind as another. */
void life_like(struct life *l, const struct life *other);
/* Frees everything; what is open is closed first. */
void life_end(struct life *l);
struct fs_options life_options(struct life *l);

/* Adds the present state; `picture` is taken over. Used by the functions below after every change. */
void life_add_state(struct life *l, char *picture);
void life_note(struct life *l);
/* After an opening: it has to show the state before. */
void life_compare(struct life *l);
/* The state after a call that returned r, if it changed anything. Returns r. */
int life_noted(struct life *l, int r);
/* The same of a call that changes nothing; a refusal, too, must have changed nothing. */
int life_told(struct life *l, int r);
/* The same in the midst of a change, when what is seen is no state yet. */
int life_counted(struct life *l, int r);
/* After a call that was to make the file `path` and returned r: it was made, or is not there. Returns r. */
int life_made(struct life *l, int r, const char *path);
/* The present state as another opening of the container shows it. */
void life_add_picture(struct life *l, struct fs *fs);
/* What the test does for itself, between true and false: it meets no faults. May be nested. */
void life_pause(struct life *l, bool on);
/* Memory of the test's own, to be freed. */
void *life_room(struct life *l, size_t size);
/* All states until now are on stable storage. */
void life_promise(struct life *l);

/* Used by the functions below. The bytes are the caller's to free. */
extern const struct fs_cred LIFE_OWNER;
uint8_t *life_bytes(struct life *l, size_t len);
int life_find(struct life *l, const char *path, struct fs_attr *attr);

int life_create(struct life *l);
int life_open(struct life *l);
int life_close(struct life *l);
/* The process is killed. */
void life_die(struct life *l);
/* And another one opens the container. */
int life_kill(struct life *l);
int life_sync(struct life *l);
int life_checkpoint(struct life *l);
/* Of the closed container. */
int life_compact(struct life *l);

int life_put(struct life *l, const char *path, size_t len);
int life_patch(struct life *l, const char *path, uint64_t offset, size_t len);
int life_append(struct life *l, const char *path, size_t len);
/* As fallocate(2). */
int life_allocate(struct life *l, const char *path, int mode, uint64_t offset, uint64_t len);
/* As copy_file_range(2). */
int life_copy(struct life *l, const char *from, uint64_t start, const char *to, uint64_t target, uint64_t len);
int life_fsync(struct life *l, const char *path);
int life_truncate(struct life *l, const char *path, uint64_t size);
/* Changes just an access time, which is no part of a state. */
int life_read(struct life *l, const char *path);
/* Makes the file without a name, writes to it, then names it. */
int life_tmpfile(struct life *l, const char *path, size_t len);
int life_chmod(struct life *l, const char *path, uint32_t mode);
int life_mkdir(struct life *l, const char *path);
int life_rmdir(struct life *l, const char *path);
int life_mknod(struct life *l, const char *path);
int life_symlink(struct life *l, const char *path, const char *target);
int life_link(struct life *l, const char *path, const char *to);
int life_unlink(struct life *l, const char *path);
int life_rename(struct life *l, const char *path, const char *to, unsigned flags);
int life_setxattr(struct life *l, const char *path, const char *name, size_t len);
int life_removexattr(struct life *l, const char *path, const char *name);
/* With an entry for one user, who gets `perm`. */
int life_setacl(struct life *l, const char *path, bool inherited, unsigned perm);
/* Removes the file while it is open, writes to it, and closes it. */
int life_unlink_open(struct life *l, const char *path);
/* One of the above, on one of a few paths. */
int life_random(struct life *l);
/* What a container that was just recovered goes through next: it is opened, too. */
void life_short(struct life *l);

/*
 * An open file that holds so much that it goes to a spill file (l->buffer): writes over each other, reads, a hole, a
 * shorter size, fsync. What is read is compared with what was written; after a write that failed each byte is old or new.
 */
int life_spill(struct life *l, const char *path);

/* The program `reel import` takes in a folder that it is given: links, holes, xattrs, files of all sizes. Opens and closes. */
int life_import(struct life *l);

/* Makes a container of the file `name` beside the life's, which must not be there yet, and overwrites parts of it. */
void life_damaged(struct life *l, const char *name);
/*
 * What is whole of it as a new container in the file `to`: all of it or none, and what a good disk would have given. The
 * damaged one is not changed.
 */
int life_repair(struct life *l, const char *name, const char *to);

/* Another program: opens the closed container, writes keys, deletes one, closes it. */
int life_foreign(struct life *l);

/* Keys and values. A batch writes `n` keys and deletes key 1. */
int life_store_open(struct life *l);
int life_store_close(struct life *l);
int life_store_kill(struct life *l);
int life_store_sync(struct life *l);
int life_write(struct life *l, uint64_t key, size_t len);
int life_delete(struct life *l, uint64_t key);
int life_batch(struct life *l, uint64_t first_key, size_t n, size_t len);
int life_delete_batch(struct life *l, uint64_t first_key, size_t n);
/* In `pieces`, each of `len` bytes; given up at the end where it is not to be committed. */
int life_stream(struct life *l, uint64_t key, size_t pieces, size_t len, bool commit);
/* The values of two keys that have names, made from the numbers. */
int life_store_rename(struct life *l, uint64_t from, uint64_t to);
/* A batch through a thread of its own (reel_writer). */
int life_submit(struct life *l, uint64_t first_key, size_t n, size_t len, bool sync);
int life_store_compact(struct life *l);
/* One of the above. */
int life_store_random(struct life *l);

/*
 * The container is now one that the reference engine wrote, a small one of the newest generation (tests/compat/vectors),
 * and on stable storage. `name` gets which. The record begins with it.
 */
void life_take_vector(struct life *l, char name[80]);

/* A workload, by name. */
struct workload {
	const char *name;
	const char *what; /* one line */
	void (*run)(struct life *l);
	bool keys, others;
};
extern const struct workload WORKLOADS[];
extern const int WORKLOAD_COUNT;

#endif
