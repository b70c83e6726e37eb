/*
 * space.c - where a file has data and where it has holes: lseek(2) with SEEK_DATA and SEEK_HOLE, and
 * fallocate(2). Relies on open.c for what descriptors see. A hole is what neither the write buffer nor an
 * extent has; that a written byte is zero makes it none.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "attr.h"
#include "file.h"
#include "open.h"
#include "refused.h"

bool fs_file_has_writers(const struct fs_file *f)
{
	return open_has_writers(f->fs, f->open);
}

/* The first hole at or past `offset`: the end of the file at the latest. */
static uint64_t next_hole(const struct open_state *o, uint64_t offset, uint64_t size)
{
	uint64_t start, end;

	while (offset < size && open_next_data(o, offset, &start, &end) && start == offset)
		offset = end;
	return offset < size ? offset : size;
}

int fs_file_seek(struct fs_file *f, uint64_t offset, int whence, uint64_t *ret)
{
	struct open_state *o = f->open;
	uint64_t size, start, end;
	int r = 0;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	pthread_rwlock_rdlock(&o->io);
	size = open_size(o);
	if (offset >= size)
		r = -ENXIO;
	else if (whence == SEEK_HOLE)
		*ret = next_hole(o, offset, size);
	else if (open_next_data(o, offset, &start, &end) && start < size)
		*ret = start;
	else
		r = -ENXIO;
	pthread_rwlock_unlock(&o->io);
	return r;
}

/* --- fallocate ---------------------------------------------------------------------------------------- */

/* All of the file's holes in the range have to fit on the disk now. What others write meanwhile is not held off. */
static int check_room(struct fs *fs, const struct open_state *o, uint64_t start, uint64_t end)
{
	uint64_t need = end - start - open_data_bytes(o, start, end);
	struct statvfs st;
	uint64_t room;

	if (need == 0 || fstatvfs(reel_fd(fs->store), &st) < 0)
		return 0;
	room = (uint64_t)st.f_bavail * st.f_frsize;
	if (!reel_reserves(fs->store))
		need += atomic_load(&fs->promised);
	return room < FILE_ROOM_SPARE || room - FILE_ROOM_SPARE < need ? -ENOSPC : 0;
}

/* open_state.io held for writing. */
static int allocate(struct fs *fs, struct open_state *o, int mode, uint64_t start, uint64_t end)
{
	uint64_t size = open_size(o);
	struct timespec now = fs_now();
	int r = 0;

	if (!(mode & FALLOC_FL_KEEP_SIZE))
		r = refused_before(o, end, end);
	if (r == 0 && !(mode & FALLOC_FL_PUNCH_HOLE))
		r = check_room(fs, o, start, end);
	if (r == 0 && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		r = open_punch(fs, o, start, end);
	if (r < 0)
		return r;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > size)
		size = end;
	open_change(fs, o, &size, 0, &now);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && o->asked < end)
		o->asked = end;
	return 0;
}

static bool mode_known(int mode)
{
	switch (mode) {
	case 0:
	case FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
		return true;
	default:
		return false;
	}
}

int fs_file_allocate(struct fs_file *f, int mode, uint64_t offset, uint64_t len, unsigned kill)
{
	int r;

	if (!f->writable)
		return -EBADF;
	if (!mode_known(mode))
		return -EOPNOTSUPP;
	if (len == 0)
		return -EINVAL;
	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return -EFBIG;
	if (fs_is_read_only(f->fs))
		return -EROFS;
	pthread_rwlock_wrlock(&f->open->io);
	r = attr_kill_priv(f->fs, f->open->inode, kill);
	if (r == 0)
		r = allocate(f->fs, f->open, mode, offset, offset + len);
	pthread_rwlock_unlock(&f->open->io);
	return r;
}
