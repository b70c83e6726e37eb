/*
 * life.c - see life.h: states, opening and closing, and the calls on trees. life_keys.c has those on keys and values.
 */
#include "config.h"

#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "moment.h"

static const struct fs_cred owner = {.uid = 1000, .gid = 1001};

static void on_log(void *arg, int priority, const char *text)
{
	struct life *l = arg;
	size_t len = strlen(l->messages);

	(void)priority;
	snprintf(l->messages + len, sizeof(l->messages) - len, "#   %s\n", text);
}

void life_begin(struct life *l, const char *folder, const struct disk_ops *disk, uint64_t seed)
{
	*l = (struct life){.folder = folder, .disk = disk, .seed = seed};
	snprintf(l->path, sizeof(l->path), "%s/c.reel", folder);
}

void life_like(struct life *l, const struct life *other)
{
	l->others = other->others;
	l->keys = other->keys;
}

void life_end(struct life *l)
{
	(void)fs_close(l->fs);
	(void)reel_close(l->store);
	for (int i = 0; i < l->n; i++)
		free(l->state[i].picture);
	free(l->state);
}

struct fs_options life_options(struct life *l)
{
	return (struct fs_options){.disk = l->disk, .log = on_log, .log_arg = l};
}

/* --- states ------------------------------------------------------------------------------------------------- */

void life_add_state(struct life *l, char *picture)
{
	int same = 0;

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->state = realloc(l->state, (size_t)l->room * sizeof(*l->state));
		must(l->state);
	}
	while (same < l->n && strcmp(l->state[same].picture, picture) != 0)
		same++;
	l->state[l->n] = (struct state){picture, same};
	if (l->record)
		record_returned(l->record, l->n);
	l->n++;
}

void life_note(struct life *l)
{
	life_add_state(l, l->keys ? picture_of_store(l->store) : picture_of_tree(l->fs, !l->others));
}

void life_promise(struct life *l)
{
	if (l->record)
		record_promised(l->record, l->n - 1);
}

static int noted(struct life *l, int r)
{
	if (r == 0)
		life_note(l);
	return r;
}

/* --- the container ------------------------------------------------------------------------------------------ */

int life_create(struct life *l)
{
	struct fs_options options = life_options(l);

	return fs_create_container(l->path, &options);
}

int life_open(struct life *l)
{
	struct fs_options options = life_options(l);

	l->messages[0] = 0;
	l->fs = NULL;
	return noted(l, fs_open(l->path, &options, &l->fs));
}

int life_close(struct life *l)
{
	int r = fs_close(l->fs);

	l->fs = NULL;
	if (r == 0)
		life_promise(l);
	return r;
}

void life_die(struct life *l)
{
	*l->dead = true;
	(void)fs_close(l->fs);
	l->fs = NULL;
	*l->dead = false;
}

int life_kill(struct life *l)
{
	life_die(l);
	return life_open(l);
}

int life_sync(struct life *l)
{
	int r = fs_sync(l->fs);

	if (r == 0)
		life_promise(l);
	return r;
}

int life_compact(struct life *l)
{
	struct fs_options options = life_options(l);

	return fs_compact(l->path, &options, NULL);
}

/* --- files --------------------------------------------------------------------------------------------------- */

static uint8_t *random_bytes(struct life *l, size_t len)
{
	uint8_t *data = malloc(len + 8);

	must(data);
	for (size_t i = 0; i < len; i += 8) {
		uint64_t value = next_random(&l->seed);
		memcpy(data + i, &value, 8);
	}
	return data;
}

/* An open file with what it takes to let it go. */
struct held {
	struct fs_file *file;
	struct fs_attr attr;
	bool counted;
};

static int find(struct life *l, const char *path, struct fs_attr *attr)
{
	return fs_resolve(l->fs, path, NULL, NULL, attr);
}

static int hold(struct life *l, const char *path, int flags, struct held *ret)
{
	char name[FS_NAME_MAX + 1];
	uint64_t parent;
	int r = fs_resolve(l->fs, path, &parent, name, &ret->attr);

	ret->counted = false;
	if (r == 0)
		return fs_file_open(l->fs, ret->attr.ino, flags & ~O_CREAT, &ret->file);
	if (r != -ENOENT || parent == 0 || !(flags & O_CREAT))
		return r;
	r = fs_file_create(l->fs, parent, name, 0644, O_RDWR, &owner, &ret->attr, &ret->file);
	ret->counted = r == 0;
	return noted(l, r);
}

static int write_held(struct life *l, struct held *h, uint64_t offset, size_t len)
{
	uint8_t *data = random_bytes(l, len);
	struct iovec iov = {data, len};
	int r = len > 0 ? fs_file_write(h->file, offset, &iov, 1, false) : 0;

	free(data);
	return r;
}

/* As close(2). What was not committed is given up with the last release; a state either way. */
static int let_go(struct life *l, struct held *h, int r)
{
	int flushed = fs_file_flush(h->file);

	fs_file_release(h->file);
	if (h->counted)
		fs_forget(l->fs, h->attr.ino, 1);
	return noted(l, r < 0 ? r : flushed);
}

static int write_to(struct life *l, const char *path, int flags, uint64_t offset, size_t len)
{
	struct held h;
	int r = hold(l, path, flags, &h);

	return r < 0 ? r : let_go(l, &h, write_held(l, &h, offset, len));
}

int life_put(struct life *l, const char *path, size_t len)
{
	return write_to(l, path, O_RDWR | O_CREAT | O_TRUNC, 0, len);
}

int life_patch(struct life *l, const char *path, uint64_t offset, size_t len)
{
	return write_to(l, path, O_RDWR, offset, len);
}

int life_append(struct life *l, const char *path, size_t len)
{
	struct fs_attr attr;
	int r = find(l, path, &attr);

	return r < 0 ? r : life_patch(l, path, attr.size, len);
}

int life_fsync(struct life *l, const char *path)
{
	struct held h;
	int r = hold(l, path, O_RDWR, &h);

	if (r < 0)
		return r;
	r = fs_file_fsync(h.file, false);
	if (r == 0)
		life_promise(l);
	return let_go(l, &h, r);
}

int life_unlink_open(struct life *l, const char *path)
{
	struct held h;
	int r = hold(l, path, O_RDWR, &h), one;

	if (r < 0)
		return r;
	r = life_unlink(l, path);
	one = write_held(l, &h, 100, 3000);
	r = r < 0 ? r : one;
	return let_go(l, &h, r);
}

int life_truncate(struct life *l, const char *path, uint64_t size)
{
	struct fs_setattr set = {.set = FS_SET_SIZE, .size = size};
	struct fs_attr attr;
	int r = find(l, path, &attr);

	return r < 0 ? r : noted(l, fs_setattr(l->fs, attr.ino, &set, &attr));
}

int life_chmod(struct life *l, const char *path, uint32_t mode)
{
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = mode};
	struct fs_attr attr;
	int r = find(l, path, &attr);

	return r < 0 ? r : noted(l, fs_setattr(l->fs, attr.ino, &set, &attr));
}

/* --- names --------------------------------------------------------------------------------------------------- */

struct place {
	uint64_t parent;
	char name[FS_NAME_MAX + 1];
};

static int place_of(struct life *l, const char *path, struct place *ret)
{
	struct fs_attr attr;
	int r = fs_resolve(l->fs, path, &ret->parent, ret->name, &attr);

	return ret->parent == 0 ? r : 0;
}

/* For the calls that answer with a reference. */
static int made(struct life *l, int r, const struct fs_attr *attr)
{
	if (r == 0)
		fs_forget(l->fs, attr->ino, 1);
	return noted(l, r);
}

int life_mkdir(struct life *l, const char *path)
{
	struct fs_attr attr;
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : made(l, fs_mkdir(l->fs, p.parent, p.name, 0755, &owner, &attr), &attr);
}

int life_mknod(struct life *l, const char *path)
{
	struct fs_attr attr;
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : made(l, fs_mknod(l->fs, p.parent, p.name, S_IFIFO | 0600, 0, &owner, &attr), &attr);
}

int life_symlink(struct life *l, const char *path, const char *target)
{
	struct fs_attr attr;
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : made(l, fs_symlink(l->fs, p.parent, p.name, target, &owner, &attr), &attr);
}

int life_link(struct life *l, const char *path, const char *to)
{
	struct fs_attr attr;
	struct place p;
	int r = place_of(l, to, &p);

	if (r == 0)
		r = find(l, path, &attr);
	return r < 0 ? r : made(l, fs_link(l->fs, attr.ino, p.parent, p.name, &attr), &attr);
}

int life_rmdir(struct life *l, const char *path)
{
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : noted(l, fs_rmdir(l->fs, p.parent, p.name));
}

int life_unlink(struct life *l, const char *path)
{
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : noted(l, fs_unlink(l->fs, p.parent, p.name));
}

int life_rename(struct life *l, const char *path, const char *to, unsigned flags)
{
	struct place p, q;
	int r = place_of(l, path, &p);

	if (r == 0)
		r = place_of(l, to, &q);
	return r < 0 ? r : noted(l, fs_rename(l->fs, p.parent, p.name, q.parent, q.name, flags));
}

int life_setxattr(struct life *l, const char *path, const char *name, size_t len)
{
	struct fs_attr attr;
	int r = find(l, path, &attr);

	if (r < 0)
		return r;
	uint8_t *value = random_bytes(l, len);
	r = noted(l, fs_setxattr(l->fs, attr.ino, name, value, len, 0));
	free(value);
	return r;
}

int life_removexattr(struct life *l, const char *path, const char *name)
{
	struct fs_attr attr;
	int r = find(l, path, &attr);

	return r < 0 ? r : noted(l, fs_removexattr(l->fs, attr.ino, name));
}

/* --- at random ------------------------------------------------------------------------------------------------ */

static int random_write(struct life *l, const char *path)
{
	static const size_t sizes[] = {0, 1, 30, 700, 4096, 9000};
	size_t len = sizes[next_random(&l->seed) % 6];

	switch (next_random(&l->seed) % 4) {
	case 0:
		return life_put(l, path, len);
	case 1:
		return life_patch(l, path, next_random(&l->seed) % 12000, len);
	case 2:
		return life_append(l, path, len);
	default:
		return life_truncate(l, path, next_random(&l->seed) % 10000);
	}
}

int life_random(struct life *l)
{
	static const char *const paths[] = {"a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "f", "f/a"};
	const char *path = paths[next_random(&l->seed) % 10], *to = paths[next_random(&l->seed) % 10];

	switch (next_random(&l->seed) % 16) {
	case 0:
		return life_mkdir(l, path);
	case 1:
		return life_rmdir(l, path);
	case 2:
		return life_unlink(l, path);
	case 3:
		return life_link(l, path, to);
	case 4:
		return life_symlink(l, path, to);
	case 5:
		return life_setxattr(l, path, "user.x", next_random(&l->seed) % 200);
	case 6:
		return life_chmod(l, path, (uint32_t)next_random(&l->seed) % 07777);
	case 7:
		return life_unlink_open(l, path);
	case 8:
	case 9:
		return life_rename(l, path, to, 0);
	case 10:
		return life_rename(l, path, to, RENAME_EXCHANGE);
	case 11:
		return life_mkdir(l, "d");
	default:
		return random_write(l, path);
	}
}
