/*
 * place.c - what kind of file system a container lies in, and how to ask it anew. On one of this machine alone all that
 * the kernel knows of a file is so. On one that other machines have too, or that a program serves, the kernel and that
 * program answer from caches for seconds: size, names and pages. Here is what passes by them. Changes no file.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "holder.h"
#include "store.h"
#include "target.h"

enum { TYPE_MAX = 64 };

/* File systems that nobody changes but through this kernel. */
static bool is_local(unsigned long type)
{
	static const unsigned long local[] = {
	    EXT4_SUPER_MAGIC,     XFS_SUPER_MAGIC,       BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
	    RAMFS_MAGIC,          OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,  0x2fc12fc1, /* ZFS */
	    0xca451a4e,                                                                 /* bcachefs */
	    0x3153464a,                                                                 /* JFS */
	    REISERFS_SUPER_MAGIC, NILFS_SUPER_MAGIC,     MSDOS_SUPER_MAGIC, 0x2011bab0, /* exFAT */
	    0x7366746e,                                                                 /* ntfs3 */
	    ECRYPTFS_SUPER_MAGIC, ISOFS_SUPER_MAGIC,     SQUASHFS_MAGIC,
	};

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		if (type == local[i])
			return true;
	}
	return false;
}

/*
 * The type of the file system with this device as mount(8) shows it, and the options that it has for itself: what
 * /proc/self/mountinfo has behind " - ". False: it does not tell.
 */
static bool mount_of(dev_t dev, char type[TYPE_MAX], char **options)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *tail;
	size_t room = 0;
	bool found = false;

	*options = NULL;
	if (f == NULL)
		return false;
	while (!found && getline(&line, &room, f) > 0) {
		unsigned device_major, device_minor;
		if (sscanf(line, "%*d %*d %u:%u", &device_major, &device_minor) != 2 ||
		    makedev(device_major, device_minor) != dev || (tail = strstr(line, " - ")) == NULL)
			continue;
		found = sscanf(tail, " - %63s", type) == 1;
		*options = found ? strdup(tail) : NULL;
	}
	free(line);
	(void)fclose(f);
	return found;
}

/* Does a mount of that type and options keep the locks on its files to this machine? */
static bool keeps_locks(const char *type, const char *options)
{
	if (options == NULL)
		return false;
	if (strncmp(type, "nfs", 3) == 0)
		return strstr(options, "local_lock=all") != NULL || strstr(options, "local_lock=flock") != NULL ||
		       strstr(options, "nolock") != NULL;
	return (strcmp(type, "cifs") == 0 || strcmp(type, "smb3") == 0) && strstr(options, "nobrl") != NULL;
}

void place_find(struct reel *r, int fd)
{
	struct place *p = &r->place;
	struct statfs fs;
	struct stat st;
	char type[TYPE_MAX] = "";
	char *options = NULL;

	*p = (struct place){.shared = false};
	if (disk_fstatfs(r->disk, fd, &fs) < 0 || is_local((unsigned long)fs.f_type) || r->disk->fstat(r->disk, fd, &st) < 0)
		return;
	p->fuse = fs.f_type == FUSE_SUPER_MAGIC;
	/* A disk that a program serves is this machine's, and so is what lies in a container that is mounted here. */
	bool known = mount_of(st.st_dev, type, &options);
	p->shared = !known || (strcmp(type, "fuseblk") != 0 && strcmp(type, "fuse.reelfs") != 0);
	p->keeps_locks = known && keeps_locks(type, options);
	/* Some programs number a file by its name when that is looked up, and otherwise as they did at first (rclone). */
	if (p->shared) {
		(void)disk_ask(r->disk, fd);
		(void)r->disk->fstat(r->disk, fd, &st);
	}
	p->ino = st.st_ino;
	p->asks_lock = p->shared && (p->fuse || fs.f_type == CEPH_SUPER_MAGIC);
	free(options);
}

void place_locked(struct reel *r, int fd)
{
	struct place *p = &r->place;
	static _Atomic uint64_t told; /* the device that it was told of: a container can be opened anew */
	struct stat st;

	/* A lock that a program serves is not in the kernel's list. */
	if (p->shared && p->fuse && lock_holder(r, fd) == (long)getpid())
		p->keeps_locks = true;
	if (!p->keeps_locks)
		return;
	p->asks_lock = false;
	/* A container that is being made has a name for the time being; it is told of when it is opened under its own. */
	if ((r->options.flags & REEL_EXCL) || r->disk->fstat(r->disk, fd, &st) < 0 ||
	    atomic_exchange(&told, st.st_dev) == st.st_dev)
		return;
	reel_log(r, LOG_WARNING,
		 "%s: its file system keeps locks to this machine: nothing keeps a program on another machine from writing to "
		 "the container as well. Use it for writing on one machine at a time",
		 r->path);
}

void place_ask(struct reel *r, int fd)
{
	/* Where it cannot be asked, what is known counts. */
	if (r->place.shared)
		(void)disk_ask(r->disk, fd);
}

/*
 * A rename of a name to itself that must not replace anything ends with EEXIST, and changes nothing whatever is there; but
 * the kernel has to look the name up for it, where it would otherwise believe for seconds what it knew.
 */
void place_ask_name(struct reel *r, const char *path)
{
	char *target;

	if (!r->place.shared || (target = target_of(path)) == NULL)
		return;
	(void)r->disk->renameat2(r->disk, target, target, RENAME_NOREPLACE);
	free(target);
}

void place_open_anew(struct reel *r)
{
	int again = r->place.shared ? disk_open(r->disk, r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0) : -1;

	if (again >= 0)
		(void)disk_close(r->disk, again);
}

int place_fresh(struct reel *r, int fd)
{
	int err = store_writable(r) || r->place.shared ? disk_fsync(r->disk, fd) : 0;

	if (err < 0 && store_writable(r)) {
		reel_log(r, LOG_ERR, "%s: the container cannot be synced (%s): what is written to it would not be safe there",
			 r->path, reel_explain(err));
		return err;
	}
	if (!r->place.shared)
		return 0;
	place_ask_name(r, r->path);
	place_open_anew(r);
	place_ask(r, fd);
	(void)disk_drop(r->disk, fd, 0, 0);
	return 0;
}

/* Has the open file a name? Some programs that serve files tell, of one that lost it, what the file with that name is now. */
static bool is_same(const struct reel *r, const struct stat *opened)
{
	return opened->st_nlink > 0 && (!r->place.shared || opened->st_ino == r->place.ino);
}

/* Whether the path leads to the open file, as both are numbered when they are asked for by themselves: 1 or 0, or an error. */
static int leads_to(struct reel *r, const char *path, const struct stat *opened)
{
	int fd = disk_open(r->disk, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	place_ask(r, fd);
	int err = r->disk->fstat(r->disk, fd, &st);
	(void)disk_close(r->disk, fd);
	return err < 0 ? err : st.st_dev == opened->st_dev && st.st_ino == opened->st_ino;
}

int place_is_named(struct reel *r, const char *path, int fd)
{
	struct stat opened, named;
	int err;

	place_ask(r, fd);
	err = r->disk->fstat(r->disk, fd, &opened);
	place_ask_name(r, path);
	if (err == 0)
		err = r->disk->stat(r->disk, path, &named);
	if (err < 0)
		return err;
	/* A name that the kernel still believes in may be that of a file that has none any more. */
	if (!is_same(r, &opened) || opened.st_dev != named.st_dev)
		return 0;
	if (opened.st_ino == named.st_ino)
		return 1;
	return r->place.fuse && r->place.shared ? leads_to(r, path, &opened) : 0;
}

bool reel_has_name(struct reel *r)
{
	int err = r->place.shared ? disk_ask(r->disk, r->fd) : 0;
	struct stat st;

	/* A server knows a file without a name no more. */
	if (err == -ESTALE || err == -ENOENT)
		return false;
	if (r->disk->fstat(r->disk, r->fd, &st) < 0)
		return true;
	return is_same(r, &st);
}

/* Has the path, one without symbolic links, something mounted on it? */
static bool is_mount_point(const char *target)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *at = NULL;
	size_t room = 0;
	bool found = false;

	while (f != NULL && !found && getline(&line, &room, f) > 0) {
		if (sscanf(line, "%*d %*d %*s %*s %ms", &at) == 1)
			holder_unescape(at);
		found = at != NULL && strcmp(at, target) == 0;
		free(at);
		at = NULL;
	}
	free(line);
	if (f != NULL)
		(void)fclose(f);
	return found;
}

int reel_can_replace(struct reel *r)
{
	char *target = realpath(r->path, NULL);
	struct stat st;
	int err = 0;

	if (target != NULL && is_mount_point(target)) {
		reel_log(
		    r, LOG_ERR,
		    "%s: the file itself is a mount point (as with docker -v FILE:FILE), so no other one can take its name. "
		    "Compact it where it was mounted from, or into another file: reel compact --output=NEW",
		    r->path);
		err = -EBUSY;
	} else if (r->disk->fstat(r->disk, r->fd, &st) == 0 && st.st_nlink > 1) {
		reel_log(r, LOG_WARNING,
			 "%s: its %lu other names (hard links) keep the old file, and go separate ways from now on", r->path,
			 (unsigned long)st.st_nlink - 1);
	}
	free(target);
	return err;
}
