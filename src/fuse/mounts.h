/*
 * mounts.h - the mounts of this process's namespace, and how to act on one and no other.
 *
 * A path says nothing of which file system is there by the time it is used. A file system is told by its device number,
 * which belongs to it as long as it lives; one mount of it by its mount id. Nothing here sends a request to the
 * file system itself, so it may be called while that answers none.
 */
#ifndef REELFS_MOUNTS_H
#define REELFS_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mount_entry {
	unsigned long long id, parent;
	dev_t dev;
	char *path; /* where it is now, whatever was moved or renamed */
	char *type;
	char *source;
	unsigned long flags; /* MS_NOSUID, MS_NODEV and MS_RDONLY of this mount */
	uid_t owner;         /* who mounted a FUSE file system, and the group */
	gid_t group;
};

struct mount_list {
	struct mount_entry *entry;
	size_t n;
};

/* 0, or a negative errno value: without /proc nothing is known. */
int mounts_read(struct mount_list *ret);
void mounts_free(struct mount_list *list);

/* How many of them are of the file system `dev`. */
size_t mounts_count(const struct mount_list *list, dev_t dev);

/* The one that fd, as with O_PATH, is in; NULL: it is not among them. */
const struct mount_entry *mounts_with(const struct mount_list *list, int fd);

/* The device of the file system that fd is in, without asking it. 0, or a negative errno value. */
int mounts_device(int fd, dev_t *ret);

/*
 * A process in another mount namespace where the file system `dev` is mounted; 0: none is seen. Users see their own
 * processes.
 */
pid_t mounts_elsewhere(dev_t dev);

/*
 * The device of the file system that is mounted at `path`. It counts only as a FUSE file system that the namespace has a mount
 * of; without /proc it has to be believed. 0, or a negative errno value.
 */
int mounts_find(const char *path, dev_t *ret);

/* The root of that mount, opened with O_PATH; -ENOENT when its path leads elsewhere. The mount is busy until it is closed. */
int mounts_open(const struct mount_entry *entry);

/* Unmounts what fd is the root of, which is at `path`, also when it is in use. 0, or a negative errno value. */
int mounts_detach(int fd, const char *path);

/*
 * Unmounts every mount of the file system `dev`, also when it is in use, and no other one: a mount that another one
 * covers or lies inside is left. Says so of each that is left, and where one was found elsewhere than at `usual`.
 * Returns how many are left, or a negative errno value.
 */
int mounts_unmount(dev_t dev, const char *usual);

#endif
