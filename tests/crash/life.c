/*
 * life.c - see life.h: states, opening and closing, names and attributes.
 */
#include "config.h"

#include "life.h"

#include <linux/posix_acl.h>
#include <linux/xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commit.h"
#include "moment.h"

const struct fs_cred LIFE_OWNER = {.uid = 1000, .gid = 1001};

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
	return (struct fs_options){
	    .disk = l->disk, .log = on_log, .log_arg = l, .atime = FS_ATIME_STRICT, .buffer_file = l->buffer};
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

void life_pause(struct life *l, bool on)
{
	l->paused += on ? 1 : -1;
	if (l->pause && l->paused == (on ? 1 : 0))
		l->pause(on);
}

void *life_room(struct life *l, size_t size)
{
	life_pause(l, true);
	void *p = malloc(size);
	must(p);
	life_pause(l, false);
	return p;
}

void life_add_picture(struct life *l, struct fs *fs)
{
	life_pause(l, true);
	life_add_state(l, picture_of_tree(fs, !l->others));
	life_pause(l, false);
}

static char *picture(struct life *l)
{
	return l->keys ? picture_of_store(l->store) : picture_of_tree(l->fs, !l->others);
}

void life_note(struct life *l)
{
	life_pause(l, true);
	life_add_state(l, picture(l));
	life_pause(l, false);
}

/* Whether a fault can have made it fail. */
static bool is_refusal(int r)
{
	return r == -EIO || r == -ENOSPC || r == -EROFS || r == -ENOMEM || r == -EINTR;
}

/* A call that a fault made fail has changed nothing that can be seen. */
static void refused(struct life *l)
{
	char *is;

	l->refused++;
	if ((!l->fs && !l->store) || l->n == 0)
		return;
	life_pause(l, true);
	is = picture(l);
	if (strcmp(is, l->state[l->n - 1].picture) != 0 && l->changed++ == 0)
		picture_difference(is, l->state[l->n - 1].picture);
	free(is);
	life_pause(l, false);
}

int life_told(struct life *l, int r)
{
	if (is_refusal(r))
		refused(l);
	return r;
}

int life_counted(struct life *l, int r)
{
	l->refused += is_refusal(r);
	return r;
}

int life_made(struct life *l, int r, const char *path)
{
	if (r < 0 && !l->hopeless && access(path, F_OK) == 0 && l->changed++ == 0)
		printf("#   %s is there\n", path);
	return life_told(l, r);
}

void life_compare(struct life *l)
{
	if (l->n >= 2 && l->state[l->n - 1].same != l->state[l->n - 2].same && l->lost++ == 0)
		picture_difference(l->state[l->n - 1].picture, l->state[l->n - 2].picture);
}

void life_promise(struct life *l)
{
	if (l->record)
		record_promised(l->record, l->n - 1);
}

int life_noted(struct life *l, int r)
{
	if (r == 0)
		life_note(l);
	return life_told(l, r);
}

uint8_t *life_bytes(struct life *l, size_t len)
{
	uint8_t *data = life_room(l, len + 8);

	for (size_t i = 0; i < len; i += 8) {
		uint64_t value = next_random(&l->seed);
		memcpy(data + i, &value, 8);
	}
	return data;
}

/* --- the container ------------------------------------------------------------------------------------------ */

int life_create(struct life *l)
{
	struct fs_options options = life_options(l);

	return life_made(l, fs_create_container(l->path, &options), l->path);
}

int life_open(struct life *l)
{
	struct fs_options options = life_options(l);

	l->messages[0] = 0;
	l->fs = NULL;
	int r = life_noted(l, fs_open(l->path, &options, &l->fs));
	if (r == 0)
		life_compare(l);
	return r;
}

int life_close(struct life *l)
{
	int r = fs_close(l->fs);

	l->fs = NULL;
	if (r == 0)
		life_promise(l);
	return life_told(l, r);
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
	return life_told(l, r);
}

int life_checkpoint(struct life *l)
{
	return life_noted(l, commit_checkpoint(l->fs));
}

int life_compact(struct life *l)
{
	struct fs_options options = life_options(l);
	int r = fs_compact(l->path, &options, NULL);

	if (r == 0 && l->n > 0)
		life_promise(l);
	return life_told(l, r);
}

/* --- attributes ------------------------------------------------------------------------------------------------ */

int life_find(struct life *l, const char *path, struct fs_attr *attr)
{
	return fs_resolve(l->fs, path, NULL, NULL, attr);
}

int life_chmod(struct life *l, const char *path, uint32_t mode)
{
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = mode};
	struct fs_attr attr;
	int r = life_find(l, path, &attr);

	return r < 0 ? r : life_noted(l, fs_setattr(l->fs, attr.ino, &set, &attr));
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
	return life_noted(l, r);
}

int life_mkdir(struct life *l, const char *path)
{
	struct fs_attr attr;
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : made(l, fs_mkdir(l->fs, p.parent, p.name, 0755, &LIFE_OWNER, &attr), &attr);
}

int life_mknod(struct life *l, const char *path)
{
	struct fs_attr attr;
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : made(l, fs_mknod(l->fs, p.parent, p.name, S_IFIFO | 0600, 0, &LIFE_OWNER, &attr), &attr);
}

int life_symlink(struct life *l, const char *path, const char *target)
{
	struct fs_attr attr;
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : made(l, fs_symlink(l->fs, p.parent, p.name, target, &LIFE_OWNER, &attr), &attr);
}

int life_link(struct life *l, const char *path, const char *to)
{
	struct fs_attr attr = {0};
	struct place p;
	int r = place_of(l, to, &p);

	if (r == 0)
		r = life_find(l, path, &attr);
	return r < 0 ? r : made(l, fs_link(l->fs, attr.ino, p.parent, p.name, &attr), &attr);
}

int life_rmdir(struct life *l, const char *path)
{
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : life_noted(l, fs_rmdir(l->fs, p.parent, p.name));
}

int life_unlink(struct life *l, const char *path)
{
	struct place p;
	int r = place_of(l, path, &p);

	return r < 0 ? r : life_noted(l, fs_unlink(l->fs, p.parent, p.name));
}

int life_rename(struct life *l, const char *path, const char *to, unsigned flags)
{
	struct place p, q = {0};
	int r = place_of(l, path, &p);

	if (r == 0)
		r = place_of(l, to, &q);
	return r < 0 ? r : life_noted(l, fs_rename(l->fs, p.parent, p.name, q.parent, q.name, flags));
}

int life_setxattr(struct life *l, const char *path, const char *name, size_t len)
{
	struct fs_attr attr;
	int r = life_find(l, path, &attr);

	if (r < 0)
		return r;
	uint8_t *value = life_bytes(l, len);
	r = life_noted(l, fs_setxattr(l->fs, attr.ino, name, value, len, 0));
	free(value);
	return r;
}

int life_removexattr(struct life *l, const char *path, const char *name)
{
	struct fs_attr attr;
	int r = life_find(l, path, &attr);

	return r < 0 ? r : life_noted(l, fs_removexattr(l->fs, attr.ino, name));
}

/* One entry of an ACL: tag u16, permissions u16, id u32. Before the first comes the version, u32: 2. */
static size_t acl_entry(uint8_t *at, unsigned tag, unsigned perm, uint32_t id)
{
	const uint8_t bytes[] = {(uint8_t)tag,       0, (uint8_t)perm, 0, (uint8_t)id, (uint8_t)(id >> 8), (uint8_t)(id >> 16),
				 (uint8_t)(id >> 24)};

	memcpy(at, bytes, sizeof(bytes));
	return sizeof(bytes);
}

int life_setacl(struct life *l, const char *path, bool inherited, unsigned perm)
{
	const char *name = inherited ? XATTR_NAME_POSIX_ACL_DEFAULT : XATTR_NAME_POSIX_ACL_ACCESS;
	uint8_t value[100] = {2};
	size_t len = 4;
	struct fs_attr attr;
	int r = life_find(l, path, &attr);

	if (r < 0)
		return r;
	len += acl_entry(value + len, ACL_USER_OBJ, 7, UINT32_MAX);
	len += acl_entry(value + len, ACL_USER, perm, 1234);
	len += acl_entry(value + len, ACL_GROUP_OBJ, 5, UINT32_MAX);
	len += acl_entry(value + len, ACL_MASK, perm | 1, UINT32_MAX);
	len += acl_entry(value + len, ACL_OTHER, perm & 4, UINT32_MAX);
	return life_noted(l, fs_setxattr(l->fs, attr.ino, name, value, len, 0));
}
