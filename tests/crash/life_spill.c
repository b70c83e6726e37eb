/*
 * life_spill.c - see life.h: a file that stays open, of which so much is not committed that it is in a spill file. Relies on a
 * copy of its bytes here, which only a call that returned changes.
 */
#include "config.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "life.h"
#include "state.h"
#include "syncer.h"

enum { SHEET_ROOM = 40000 };

struct sheet {
	struct life *l;
	uint64_t ino;
	struct fs_file *file;
	size_t size;
	uint8_t bytes[SHEET_ROOM];
};

/* All of the file, into `ret`, and its size; more than one read. */
static int read_sheet(struct sheet *s, uint8_t ret[SHEET_ROOM], size_t *size)
{
	struct fs_attr attr;
	int r = fs_getattr(s->l->fs, s->ino, &attr);

	must(r == 0 && attr.size <= SHEET_ROOM);
	*size = attr.size;
	for (size_t at = 0; r == 0 && at < *size;) {
		struct fs_extract e;
		r = fs_file_read(s->file, at, 7000, &e);
		if (r < 0)
			break;
		must(e.len > 0);
		for (int i = 0; i < e.pieces; i++) {
			memcpy(ret + at, e.piece[i].iov_base, e.piece[i].iov_len);
			at += e.piece[i].iov_len;
		}
		fs_extract_done(&e);
	}
	return r;
}

static void differs(struct sheet *s, const char *what)
{
	if (s->l->changed++ == 0)
		printf("#   a spilled file: %s\n", what);
}

static void compare(struct sheet *s)
{
	uint8_t is[SHEET_ROOM];
	size_t size;

	if (life_counted(s->l, read_sheet(s, is, &size)) < 0)
		return;
	if (size != s->size || memcmp(is, s->bytes, size) != 0)
		differs(s, "what is read is not what was written");
}

/* What a write that failed left between `offset` and `end`, which is taken over. */
static void take_over(struct sheet *s, const uint8_t *new, size_t offset, size_t end)
{
	uint8_t is[SHEET_ROOM];
	size_t size;

	life_pause(s->l, true);
	if (read_sheet(s, is, &size) < 0)
		differs(s, "it cannot be read after a write that failed");
	else if (size != s->size)
		differs(s, "a write that failed changed the size");
	else
		for (size_t at = 0; at < size; at++) {
			bool inside = at >= offset && at < end;
			if (is[at] != s->bytes[at] && (!inside || is[at] != new[at - offset]))
				differs(s, "a write that failed left bytes that are neither old nor new");
			s->bytes[at] = is[at];
		}
	life_pause(s->l, false);
}

static void put(struct sheet *s, size_t offset, size_t len)
{
	uint8_t *data = life_bytes(s->l, len);
	struct iovec iov[] = {{data, len / 3}, {data + len / 3, len - len / 3}};
	size_t end = offset + len;

	must(end <= SHEET_ROOM);
	if (life_counted(s->l, fs_file_write(s->file, offset, iov, 2, 0)) < 0) {
		take_over(s, data, offset, end);
	} else {
		memcpy(s->bytes + offset, data, len);
		s->size = end > s->size ? end : s->size;
	}
	free(data);
}

static void punch(struct sheet *s, size_t offset, size_t len)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (life_counted(s->l, fs_file_allocate(s->file, mode, offset, len, false)) == 0)
		memset(s->bytes + offset, 0, len);
}

static void cut(struct sheet *s, size_t size)
{
	struct fs_setattr set = {.set = FS_SET_SIZE, .size = size};
	struct fs_attr attr;

	if (life_counted(s->l, fs_setattr(s->l->fs, s->ino, &set, &attr)) < 0)
		return;
	if (s->size > size)
		memset(s->bytes + size, 0, s->size - size);
	s->size = size;
}

static void sync_sheet(struct sheet *s)
{
	if (life_counted(s->l, fs_file_fsync(s->file, false)) < 0)
		return;
	life_note(s->l);
	life_promise(s->l);
}

/* What the thread does that stores open files: one of them has changes. */
static void store_sheet(struct sheet *s)
{
	struct fs *fs = s->l->fs;
	int r = syncer_round(fs);

	if (r == 0)
		r = fs_is_read_only(fs) ? -EROFS : s->file->open->told;
	if (life_counted(s->l, r) < 0)
		return;
	life_note(s->l);
	life_promise(s->l);
}

static void change(struct sheet *s)
{
	compare(s);
	put(s, 0, 3000);
	put(s, 20000, 9000);
	put(s, 2000, 25000);
	compare(s);
	punch(s, 5000, 9000);
	put(s, 6000, 100);
	cut(s, 28000);
	compare(s);
	sync_sheet(s);
	put(s, 28000, 6000);
	store_sheet(s);
	put(s, 1000, 200);
	cut(s, 20000);
	put(s, 20000, 4000);
	punch(s, 0, 500);
	store_sheet(s);
	compare(s);
	put(s, 14000, 7000);
	put(s, 30000, 2000);
	compare(s);
}

int life_spill(struct life *l, const char *path)
{
	struct sheet *s = life_room(l, sizeof(*s));
	struct fs_attr attr;
	int r = life_find(l, path, &attr);

	*s = (struct sheet){.l = l};
	s->ino = attr.ino;
	if (r == 0)
		r = life_told(l, fs_file_open(l->fs, attr.ino, O_RDWR, &s->file));
	if (r == 0) {
		life_pause(l, true);
		r = read_sheet(s, s->bytes, &s->size);
		life_pause(l, false);
		must(r == 0);
		change(s);
		r = fs_file_flush(s->file);
		fs_file_release(s->file);
		life_note(l);
		(void)life_told(l, r);
	}
	free(s);
	return r;
}
