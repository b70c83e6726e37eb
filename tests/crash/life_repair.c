/*
 * life_repair.c - see life.h: fs_repair() on the life's disk. The damaged container is made by another life, of which the
 * record has the calls to the disk and no states.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "life.h"
#include "moment.h"

static void path_of(const struct life *l, const char *name, char path[4400])
{
	snprintf(path, 4400, "%s/%s", l->folder, name);
}

/* Several transactions, a checkpoint, contents in several pieces, and changes after it. */
static void live(struct life *l)
{
	must(life_create(l) == 0 && life_open(l) == 0);
	must(life_mkdir(l, "d") == 0 && life_put(l, "a", 5000) == 0 && life_put(l, "d/b", 300) == 0);
	must(life_setxattr(l, "a", "user.x", 40) == 0 && life_symlink(l, "s", "a") == 0 && life_link(l, "a", "d/a") == 0);
	must(life_setacl(l, "d", true, 6) == 0 && life_put(l, "c", 9000) == 0);
	must(life_checkpoint(l) == 0);
	must(life_patch(l, "a", 1000, 200) == 0 && life_mkdir(l, "e") == 0 && life_put(l, "e/f", 700) == 0);
	must(life_rename(l, "d/b", "e/b", 0) == 0 && life_chmod(l, "c", 0600) == 0 && life_put(l, "g", 1) == 0);
	must(life_close(l) == 0);
}

static uint64_t hash_of(const char *path)
{
	FILE *f = fopen(path, "rbe");
	struct stat st;

	must(f && fstat(fileno(f), &st) == 0);
	uint8_t *bytes = malloc((size_t)st.st_size + 1);
	must(bytes && fread(bytes, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
	fclose(f);
	uint64_t hash = reel_hash(bytes, (size_t)st.st_size);
	free(bytes);
	return hash;
}

/* Overwrites some bytes anywhere, and the superblock now and then. */
static void damage(struct life *l, const char *path)
{
	static const uint8_t rubbish[100] = {0xa5, 0x5a};
	uint64_t places = 1 + next_random(&l->seed) % 3;
	struct stat st;
	int fd = l->disk->open(l->disk, path, O_RDWR | O_CLOEXEC, 0);

	must(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 1000);
	for (uint64_t i = 0; i < places; i++) {
		struct iovec iov = {(void *)(uintptr_t)rubbish, 1 + next_random(&l->seed) % sizeof(rubbish)};
		uint64_t offset = next_random(&l->seed) % ((uint64_t)st.st_size - sizeof(rubbish));
		must(disk_write_all(l->disk, fd, &iov, 1, offset) == 0);
	}
	if (next_random(&l->seed) % 3 == 0) {
		struct iovec iov = {(void *)(uintptr_t)rubbish, 64};
		must(disk_write_all(l->disk, fd, &iov, 1, 0) == 0);
	}
	must(l->disk->fsync(l->disk, fd) == 0 && l->disk->close(l->disk, fd) == 0);
}

void life_damaged(struct life *l, const char *name)
{
	struct life before;
	char path[4400];

	life_pause(l, true);
	path_of(l, name, path);
	life_begin(&before, l->folder, l->disk, next_random(&l->seed));
	live(&before);
	life_end(&before);
	must(l->disk->rename(l->disk, l->path, path) == 0);
	damage(l, path);
	must(disk_sync_parent(l->disk, path) == 0);
	if (l->record)
		l->record->first = l->record->n;
	life_pause(l, false);
}

static void tell_nobody(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

/* But for the times of what was found: they are those of the repair. */
static char *picture_at(const char *path)
{
	struct fs_options options = {.read_only = true};
	struct fs *fs;

	if (fs_open(path, &options, &fs) < 0)
		return strdup("cannot be opened\n");
	char *picture = picture_of_tree(fs, false);
	must(fs_close(fs) == 0);
	return picture;
}

/* What `to` has is what the same repair gives on a good disk. */
static void compare(struct life *l, const char *from, const char *to)
{
	struct fs_options options = {0};
	char good[4400];

	path_of(l, ".good", good);
	must(fs_repair(from, good, &options, tell_nobody, NULL, NULL) == 0);
	char *is = picture_at(to), *expected = picture_at(good);
	if (strcmp(is, expected) != 0 && l->changed++ == 0)
		picture_difference(is, expected);
	free(is);
	free(expected);
	must(unlink(good) == 0);
}

int life_repair(struct life *l, const char *name, const char *to)
{
	struct fs_options options = life_options(l);
	char from[4400], out[4400];
	int r;

	path_of(l, name, from);
	path_of(l, to, out);
	life_pause(l, true);
	uint64_t hash = hash_of(from);
	life_pause(l, false);
	r = fs_repair(from, out, &options, tell_nobody, NULL, NULL);
	life_pause(l, true);
	if (hash_of(from) != hash && l->changed++ == 0)
		printf("#   the damaged container was changed\n");
	if (access(out, F_OK) == 0)
		compare(l, from, out);
	life_pause(l, false);
	return life_made(l, r, out);
}
