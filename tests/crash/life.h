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
	struct record *record; /* gets the marks; NULL: none */
	bool *dead;            /* set while the process is as good as killed: the disk does nothing any more */
	struct fs *fs;
	struct reel *store; /* for a life of keys and values; fs is NULL then */
	bool others;        /* other programs write to it too; times are no part of the pictures then: theirs are the file's */
	bool keys;          /* a life of keys and values */
	int faults;         /* found by the last check */
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
/* All states until now are on stable storage. */
void life_promise(struct life *l);

int life_create(struct life *l);
int life_open(struct life *l);
int life_close(struct life *l);
/* The process is killed. */
void life_die(struct life *l);
/* And another one opens the container. */
int life_kill(struct life *l);
int life_sync(struct life *l);
int life_compact(struct life *l);

int life_put(struct life *l, const char *path, size_t len);
int life_patch(struct life *l, const char *path, uint64_t offset, size_t len);
int life_append(struct life *l, const char *path, size_t len);
int life_fsync(struct life *l, const char *path);
int life_truncate(struct life *l, const char *path, uint64_t size);
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
/* Removes the file while it is open, writes to it, and closes it. */
int life_unlink_open(struct life *l, const char *path);
/* One of the above on one of a few paths. */
int life_random(struct life *l);

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
int life_store_compact(struct life *l);

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
