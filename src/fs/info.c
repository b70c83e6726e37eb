/*
 * info.c - what can be asked of the whole and of a path: statfs, info, extents, resolve. Changes nothing.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"

/*
 * Space is the disk's beneath: what is free there can be written here. The inodes beneath do not matter,
 * as a container takes one; there is no bound on those inside.
 */
int fs_statfs(struct fs *fs, struct statvfs *ret)
{
	struct statvfs st;
	struct stat file;
	uint64_t used;

	if (fstatvfs(reel_fd(fs->store), &st) < 0 || fstat(reel_fd(fs->store), &file) < 0)
		return -errno;
	used = ((uint64_t)file.st_blocks * 512 + st.f_frsize - 1) / st.f_frsize;
	pthread_rwlock_rdlock(&fs->tree_lock);
	*ret = (struct statvfs){
	    .f_bsize = 65536,
	    .f_frsize = st.f_frsize,
	    .f_blocks = used + st.f_bfree,
	    .f_bfree = st.f_bfree,
	    .f_bavail = st.f_bavail,
	    .f_files = fs->tree.files + (UINT32_MAX - 1),
	    .f_ffree = UINT32_MAX - 1,
	    .f_favail = UINT32_MAX - 1,
	    .f_namemax = FS_NAME_MAX,
	};
	pthread_rwlock_unlock(&fs->tree_lock);
	return 0;
}

int fs_info(struct fs *fs, struct fs_info *ret)
{
	struct stat st;

	if (fstat(reel_fd(fs->store), &st) < 0)
		return -errno;
	*ret = (struct fs_info){.file_size = reel_tail_offset(fs->store), .foreign = fs->imported};
	if ((uint64_t)st.st_size > ret->file_size)
		ret->torn = (uint64_t)st.st_size - ret->file_size;
	pthread_mutex_lock(&fs->commit);
	if (fs->has_super) {
		memcpy(ret->container_id, fs->super.container_id, sizeof(ret->container_id));
		ret->created_ns = fs->super.created_ns;
	}
	ret->sequence = fs->sequence;
	ret->time_ns = fs->last_time_ns;
	ret->since_checkpoint = fs->replayed;
	ret->clean = fs->last_clean && fs->imported == 0;
	pthread_mutex_unlock(&fs->commit);
	pthread_rwlock_rdlock(&fs->tree_lock);
	ret->inodes = fs->tree.files;
	ret->directories = fs->tree.directories;
	ret->bytes = fs->tree.bytes;
	ret->regular_files = fs->tree.regular;
	pthread_rwlock_unlock(&fs->tree_lock);
	return 0;
}

int fs_extents(struct fs *fs, uint64_t ino, fs_extent_fn fn, void *arg)
{
	struct inode *i;
	uint64_t at = 0;

	pthread_rwlock_rdlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	for (uint32_t n = 0; i && n < i->extents.n; n++) {
		const struct extent *x = &i->extents.at[n];
		struct fs_extent_info info = {at, x->offset - at, UINT64_MAX, 0, 0};

		if (x->offset > at)
			fn(arg, &info);
		info = (struct fs_extent_info){x->offset, x->len, x->data->position + x->data_offset, x->data->key_hash,
					       x->data->crc};
		fn(arg, &info);
		at = x->offset + x->len;
	}
	if (i && S_ISREG(i->mode) && at < i->size)
		fn(arg, &(struct fs_extent_info){at, i->size - at, UINT64_MAX, 0, 0});
	pthread_rwlock_unlock(&fs->tree_lock);
	return i ? 0 : -ENOENT;
}

/* One component onwards; "." and empty ones stay. Tree lock held. */
static int step(const struct fs *fs, struct inode **at, const char *name, size_t len)
{
	struct dirent *d;

	if (!S_ISDIR((*at)->mode))
		return -ENOTDIR;
	if (len > FS_NAME_MAX)
		return -ENAMETOOLONG;
	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		*at = tree_parent(*at);
		return 0;
	}
	d = tree_dirent(&fs->tree, *at, name, len);
	if (!d)
		return -ENOENT;
	*at = d->child;
	return 0;
}

static int walk(const struct fs *fs, const char *path, struct inode **at, uint64_t *parent, char *name)
{
	int r = 0;

	while (r == 0) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0)
			return 0;
		*parent = 0;
		if (S_ISDIR((*at)->mode) && len <= FS_NAME_MAX && path[len + strspn(path + len, "/")] == 0) {
			*parent = (*at)->ino;
			memcpy(name, path, len);
			name[len] = 0;
		}
		r = step(fs, at, path, len);
		path += len;
	}
	return r;
}

int fs_resolve(struct fs *fs, const char *path, uint64_t *parent, char *name, struct fs_attr *ret)
{
	char last[FS_NAME_MAX + 1] = "";
	uint64_t in = 0;
	struct inode *at;
	int r;

	pthread_rwlock_rdlock(&fs->tree_lock);
	at = tree_inode(&fs->tree, FS_ROOT_INO);
	r = walk(fs, path, &at, &in, last);
	if (r == 0 && ret)
		attr_fill(at, ret);
	pthread_rwlock_unlock(&fs->tree_lock);
	if (parent)
		*parent = in;
	if (name)
		memcpy(name, last, sizeof(last));
	return r;
}
