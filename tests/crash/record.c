/*
 * record.c - see record.h. Relies on one thread making the calls. Files are told by number, because names change.
 */
#include "config.h"

#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("Bail out! ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	abort();
}

static struct recording *self(const struct disk_ops *d)
{
	return (struct recording *)(uintptr_t)d;
}

static struct call *add(struct recording *r, enum call_kind kind)
{
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 256;
		r->call = realloc(r->call, r->room * sizeof(*r->call));
		must(r->call);
	}
	r->call[r->n] = (struct call){.kind = kind, .file = -1, .state = -1};
	return &r->call[r->n++];
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int find_name(const struct recording *r, const char *path)
{
	for (int i = 0; i < RECORD_NAMES; i++)
		if (r->names[i].name && strcmp(r->names[i].name, base_name(path)) == 0)
			return i;
	return -1;
}

static void set_name(struct recording *r, const char *path, int file)
{
	int i = find_name(r, path);

	for (int free_slot = 0; i < 0; free_slot++) {
		must(free_slot < RECORD_NAMES);
		if (!r->names[free_slot].name)
			i = free_slot;
	}
	if (!r->names[i].name)
		r->names[i].name = strdup(base_name(path));
	r->names[i].file = file;
}

static void drop_name(struct recording *r, const char *path)
{
	int i = find_name(r, path);

	must(i >= 0);
	free(r->names[i].name);
	r->names[i].name = NULL;
}

static int file_of(const struct recording *r, int fd)
{
	must(fd >= 0 && fd < RECORD_FDS && r->file_of[fd] > 0);
	return r->file_of[fd] - 1;
}

static void add_write(struct recording *r, int file, uint64_t offset, const struct iovec *iov, size_t len)
{
	struct call *c = add(r, CALL_WRITE);

	c->file = file;
	c->offset = offset;
	c->len = len;
	c->data = malloc(len + 1);
	must(c->data);
	for (size_t at = 0; at < len; iov++) {
		size_t n = iov->iov_len < len - at ? iov->iov_len : len - at;
		memcpy(c->data + at, iov->iov_base, n);
		at += n;
	}
}

/* --- the table --------------------------------------------------------------------------------------------- */

static int record_open(const struct disk_ops *d, const char *path, int flags, mode_t mode)
{
	struct recording *r = self(d);
	bool makes = (flags & O_CREAT) && find_name(r, path) < 0;
	int fd;

	if (r->dead && makes)
		return -EIO;
	fd = disk_real.open(&disk_real, path, flags, mode);
	if (fd < 0)
		return fd;
	must(fd < RECORD_FDS);
	r->is_folder[fd] = flags & O_DIRECTORY;
	r->file_of[fd] = 0;
	if (r->is_folder[fd])
		return fd;
	if (makes) {
		struct call *c = add(r, CALL_CREATE);
		c->file = r->files++;
		c->name = strdup(base_name(path));
		set_name(r, path, c->file);
	}
	must(find_name(r, path) >= 0);
	r->file_of[fd] = r->names[find_name(r, path)].file + 1;
	return fd;
}

static int record_close(const struct disk_ops *d, int fd)
{
	struct recording *r = self(d);

	must(fd >= 0 && fd < RECORD_FDS);
	r->file_of[fd] = 0;
	r->is_folder[fd] = false;
	return disk_real.close(&disk_real, fd);
}

static ssize_t record_pwritev(const struct disk_ops *d, int fd, const struct iovec *iov, int n, uint64_t offset)
{
	struct recording *r = self(d);

	if (r->dead)
		return -EIO;
	ssize_t done = disk_real.pwritev(&disk_real, fd, iov, n, offset);
	if (done > 0)
		add_write(r, file_of(r, fd), offset, iov, (size_t)done);
	return done;
}

/* The real disk is not asked to sync: nothing here outlives the machine. */
static int record_sync(const struct disk_ops *d, int fd)
{
	struct recording *r = self(d);

	if (r->dead)
		return -EIO;
	must(fd >= 0 && fd < RECORD_FDS);
	if (r->is_folder[fd])
		add(r, CALL_SYNC_FOLDER);
	else
		add(r, CALL_SYNC)->file = file_of(r, fd);
	return 0;
}

static int record_ftruncate(const struct disk_ops *d, int fd, uint64_t size)
{
	struct recording *r = self(d);
	int err = r->dead ? -EIO : disk_real.ftruncate(&disk_real, fd, size);

	if (err == 0) {
		struct call *c = add(r, CALL_TRUNCATE);
		c->file = file_of(r, fd);
		c->offset = size;
	}
	return err;
}

static int record_dup3(const struct disk_ops *d, int from, int to, int flags)
{
	struct recording *r = self(d);
	int fd = disk_real.dup3(&disk_real, from, to, flags);

	if (fd >= 0)
		r->file_of[fd] = file_of(r, from) + 1;
	return fd;
}

/* Notes a change of names that was made. */
static int named(struct recording *r, int err, enum call_kind kind, const char *from, const char *to)
{
	if (err < 0)
		return err;
	struct call *c = add(r, kind);
	c->name = strdup(base_name(from));
	c->to = to ? strdup(base_name(to)) : NULL;
	if (to)
		set_name(r, to, r->names[find_name(r, from)].file);
	if (kind != CALL_LINK)
		drop_name(r, from);
	return 0;
}

static int record_rename(const struct disk_ops *d, const char *from, const char *to)
{
	struct recording *r = self(d);

	return named(r, r->dead ? -EIO : disk_real.rename(&disk_real, from, to), CALL_RENAME, from, to);
}

static int record_renameat2(const struct disk_ops *d, const char *from, const char *to, unsigned flags)
{
	struct recording *r = self(d);

	return named(r, r->dead ? -EIO : disk_real.renameat2(&disk_real, from, to, flags), CALL_RENAME, from, to);
}

static int record_link(const struct disk_ops *d, const char *from, const char *to)
{
	struct recording *r = self(d);

	return named(r, r->dead ? -EIO : disk_real.link(&disk_real, from, to), CALL_LINK, from, to);
}

static int record_unlink(const struct disk_ops *d, const char *path)
{
	struct recording *r = self(d);

	return named(r, r->dead ? -EIO : disk_real.unlink(&disk_real, path), CALL_UNLINK, path, NULL);
}

/* --- its beginning and end --------------------------------------------------------------------------------- */

static void take_file(struct recording *r, const char *folder, const char *name)
{
	char path[4400];
	struct stat st;
	struct iovec iov;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && fstat(fd, &st) == 0);
	iov = (struct iovec){malloc((size_t)st.st_size + 1), (size_t)st.st_size};
	must(iov.iov_base && pread(fd, iov.iov_base, iov.iov_len, 0) == (ssize_t)iov.iov_len);
	close(fd);
	struct call *c = add(r, CALL_CREATE);
	c->file = r->files++;
	c->name = strdup(name);
	set_name(r, name, r->files - 1);
	add_write(r, r->files - 1, 0, &iov, iov.iov_len);
	add(r, CALL_SYNC)->file = r->files - 1;
	free(iov.iov_base);
}

void record_begin(struct recording *r, const char *folder)
{
	DIR *dir = opendir(folder);

	must(dir);
	*r = (struct recording){.ops = disk_real};
	r->ops.open = record_open;
	r->ops.close = record_close;
	r->ops.pwritev = record_pwritev;
	r->ops.fdatasync = record_sync;
	r->ops.fsync = record_sync;
	r->ops.ftruncate = record_ftruncate;
	r->ops.dup3 = record_dup3;
	r->ops.rename = record_rename;
	r->ops.renameat2 = record_renameat2;
	r->ops.link = record_link;
	r->ops.unlink = record_unlink;
	for (struct dirent *e; (e = readdir(dir));)
		if (e->d_name[0] != '.')
			take_file(r, folder, e->d_name);
	closedir(dir);
	add(r, CALL_SYNC_FOLDER);
	r->first = r->n;
}

void record_end(struct recording *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->call[i].data);
		free(r->call[i].name);
		free(r->call[i].to);
	}
	for (int i = 0; i < RECORD_NAMES; i++)
		free(r->names[i].name);
	free(r->call);
}

void record_returned(struct recording *r, int state)
{
	add(r, CALL_RETURNED)->state = state;
}

void record_promised(struct recording *r, int state)
{
	add(r, CALL_PROMISED)->state = state;
}
