/*
 * test_space.c - holes, allocation and shared copies against a model: random changes of a few files, compared byte
 * for byte and hole for hole while they are open, after closing, crashes and compactions
 * (src/fs/space.c, copy.c, open.c, contents.c, shared.c).
 */
#include "config.h"

#include "harness.h"

#define FILES 3
#define STEPS 300
#define UNIT  4096u

static const char *const names[FILES] = {"f0", "f1", "f2"};

/* What descriptors see of a file, and what is committed. */
struct state {
	uint8_t *bytes; /* zeros past the size */
	uint8_t *data;  /* 1 for each byte that is no hole */
	size_t size;
};

static struct model {
	struct state seen, committed;
	struct fs_file *open;
} files[FILES];
static size_t most; /* bytes a file */
static size_t unit; /* everything is a multiple of it; with UNIT, holes are as exact as in the model */
static uint64_t seed;

static size_t pick(size_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % below;
}

static size_t pick_offset(size_t below)
{
	return pick(below / unit) * unit;
}

static void copy_state(struct state *to, const struct state *from)
{
	memcpy(to->bytes, from->bytes, most);
	memcpy(to->data, from->data, most);
	to->size = from->size;
}

static void set_size(struct state *s, size_t size)
{
	if (size < s->size) {
		memset(s->bytes + size, 0, s->size - size);
		memset(s->data + size, 0, s->size - size);
	}
	s->size = size;
}

static void grow(struct state *s, size_t end)
{
	if (end > s->size)
		s->size = end;
}

static struct fs_file *opened(struct model *m)
{
	if (!m->open)
		m->open = h_file(h_fs, names[m - files], 0);
	return m->open;
}

static void close_one(struct model *m)
{
	if (!m->open)
		return;
	ck_assert_int_eq(h_end(m->open), 0);
	m->open = NULL;
	copy_state(&m->committed, &m->seen);
}

/* --- changes -------------------------------------------------------------------------------------------------- */

static void change_write(struct model *m)
{
	size_t offset = pick_offset(most - unit), len = pick_offset(most - offset) / (1 + pick(8)) / unit * unit + unit;
	uint8_t *data = h_random(len, seed);
	ck_assert_int_eq(h_write(opened(m), offset, data, len), 0);
	memcpy(m->seen.bytes + offset, data, len);
	memset(m->seen.data + offset, 1, len);
	grow(&m->seen, offset + len);
	free(data);
}

static void change_allocate(struct model *m)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
				    FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
	int mode = modes[pick(5)];
	size_t offset = pick_offset(most - unit), len = pick_offset(most - offset) + unit;
	ck_assert_int_eq(fs_file_allocate(opened(m), mode, offset, len, false), 0);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		memset(m->seen.bytes + offset, 0, len);
		memset(m->seen.data + offset, 0, len);
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		grow(&m->seen, offset + len);
}

/* What a setattr commits is the data as well, where nobody has the file open. */
static void change_size(struct model *m)
{
	size_t size = pick_offset(most);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, names[m - files]), size), 0);
	set_size(&m->seen, size);
	if (!m->open)
		copy_state(&m->committed, &m->seen);
}

/* A copy commits both files. One that is too short to share changes nothing. */
static void change_copy(struct model *m)
{
	struct model *from = &files[pick(FILES)];
	size_t start = pick_offset(most - unit), target = pick_offset(most - unit), len;
	uint64_t copied = 0;
	size_t past = start > target ? start : target;
	len = pick_offset(most - past) + unit;
	if (from == m && (start < target ? target - start : start - target) < len)
		return;
	int r = fs_file_copy(opened(from), start, opened(m), target, len, false, false, &copied);
	if (start >= from->seen.size)
		len = 0;
	else if (len > from->seen.size - start)
		len = from->seen.size - start;
	ck_assert_int_eq(r, len > 0 && len < 65536 ? -EOPNOTSUPP : 0);
	if (r < 0 || len == 0)
		return;
	ck_assert_uint_eq(copied, len);
	memmove(m->seen.bytes + target, from->seen.bytes + start, len);
	memmove(m->seen.data + target, from->seen.data + start, len);
	grow(&m->seen, target + len);
	copy_state(&m->committed, &m->seen);
	copy_state(&from->committed, &from->seen);
}

/* --- comparing ------------------------------------------------------------------------------------------------ */

/* The first byte of [at, end) that is not `expected`; `end`: there is none. */
static size_t first_other(const uint8_t *bytes, size_t at, size_t end, uint8_t expected)
{
	while (at < end && bytes[at] == expected)
		at++;
	return at;
}

/* SEEK_DATA and SEEK_HOLE, one after another, are the model's runs; where units are bytes, no data is in a hole. */
static void compare_holes(struct fs_file *f, const struct state *s, const char *when)
{
	uint64_t at = 0, start, end;
	while (at < s->size) {
		int r = fs_file_seek(f, at, SEEK_DATA, &start);
		if (r == -ENXIO)
			start = s->size;
		size_t wrong = first_other(unit == 1 ? s->bytes : s->data, at, start, 0);
		ck_assert_msg(wrong == start, "%s: byte %zu is in a hole", when, wrong);
		if (start == s->size)
			break;
		ck_assert_int_eq(r, 0);
		ck_assert_int_eq(fs_file_seek(f, start, SEEK_HOLE, &end), 0);
		ck_assert_uint_gt(end, start);
		ck_assert_uint_le(end, s->size);
		wrong = unit == 1 ? end : first_other(s->data, start, end, 1);
		ck_assert_msg(wrong == end, "%s: byte %zu is no hole", when, wrong);
		at = end;
	}
	ck_assert_int_eq(fs_file_seek(f, s->size, SEEK_DATA, &start), -ENXIO);
	ck_assert_int_eq(fs_file_seek(f, s->size, SEEK_HOLE, &start), -ENXIO);
}

static void compare_one(struct model *m, const char *when)
{
	uint8_t *read = malloc(most + 1);
	struct fs_file *f = m->open;
	struct fs_attr a;
	uint64_t bytes = 0;
	size_t same = 0;
	if (!f)
		ck_assert_int_eq(fs_file_open(h_fs, h_ino(h_fs, names[m - files]), O_RDONLY, &f), 0);
	ck_assert_int_eq(h_read(f, 0, read, most + 1), (ssize_t)m->seen.size);
	while (same < m->seen.size && read[same] == m->seen.bytes[same])
		same++;
	ck_assert_msg(same == m->seen.size, "%s: %s differs at byte %zu", when, names[m - files], same);
	ck_assert_int_eq(h_stat(h_fs, names[m - files], &a), 0);
	for (size_t i = 0; i < m->seen.size; i++)
		bytes += m->seen.data[i];
	if (unit == UNIT)
		ck_assert_msg(a.blocks == bytes / 512, "%s: %s has %llu blocks, expected %llu", when, names[m - files],
			      (unsigned long long)a.blocks, (unsigned long long)bytes / 512);
	compare_holes(f, &m->seen, when);
	if (!m->open)
		fs_file_release(f);
	free(read);
}

static void compare(const char *when)
{
	for (int i = 0; i < FILES; i++)
		compare_one(&files[i], when);
}

/* --- ends and beginnings -------------------------------------------------------------------------------------- */

static void close_all(void)
{
	for (int i = 0; i < FILES; i++)
		close_one(&files[i]);
}

static void crash(void)
{
	const char *copy = h_beside("crashed.reel");
	h_copy(h_path, copy);
	close_all();
	h_close();
	ck_assert_int_eq(rename(copy, h_path), 0);
	h_open();
}

/* closed: what is committed is what was seen. */
static void restart(size_t how)
{
	struct state before[FILES];
	if (how == 0) {
		for (int i = 0; i < FILES; i++) {
			before[i] = (struct state){malloc(most), malloc(most), 0};
			copy_state(&before[i], &files[i].committed);
		}
		crash();
		for (int i = 0; i < FILES; i++) {
			copy_state(&files[i].seen, &before[i]);
			copy_state(&files[i].committed, &before[i]);
			free(before[i].bytes);
			free(before[i].data);
		}
		return;
	}
	close_all();
	h_close();
	if (how == 1)
		ck_assert_int_eq(fs_compact(h_path, &h_options, NULL), 0);
	if (how == 2) {
		h_compact(h_path, h_beside("compacted"));
		ck_assert_int_eq(rename(h_beside("compacted"), h_path), 0);
	}
	h_open();
}

static void change(struct model *m)
{
	switch (pick(12)) {
	case 0:
	case 1:
	case 2:
		change_write(m);
		break;
	case 3:
	case 4:
	case 5:
		change_allocate(m);
		break;
	case 6:
		change_size(m);
		break;
	case 7:
	case 8:
		change_copy(m);
		break;
	case 9:
		opened(m);
		ck_assert_int_eq(fs_file_flush(m->open), 0);
		copy_state(&m->committed, &m->seen);
		break;
	case 10:
		close_one(m);
		break;
	default:
		if (pick(4) == 0)
			restart(pick(4));
	}
}

/*
 * Random writes, holes, allocations, truncations and copies of three files, with closing, crashes, compaction and another
 * program's compaction in between: contents, holes and st_blocks are always the model's.
 */
START_TEST(files_are_as_the_model)
{
	char when[64];
	unit = _i % 2 ? 1 : UNIT;
	most = _i % 3 ? 120 * UNIT : 24 * UNIT;
	seed = (uint64_t)_i + 1;
	for (int i = 0; i < FILES; i++) {
		files[i] = (struct model){{calloc(1, most), calloc(1, most), 0}, {calloc(1, most), calloc(1, most), 0}, NULL};
		h_put(h_fs, names[i], "", 0);
	}
	for (int i = 0; i < STEPS; i++) {
		snprintf(when, sizeof(when), "seed %d, step %d", _i + 1, i);
		change(&files[pick(FILES)]);
		compare(when);
	}
	close_all();
	h_again();
	compare("at the end");
	h_check(h_fs);
	for (int i = 0; i < FILES; i++) {
		free(files[i].seen.bytes);
		free(files[i].seen.data);
		free(files[i].committed.bytes);
		free(files[i].committed.data);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("space");
	TCase *model = tcase_create("model");
	tcase_set_timeout(model, 300);
	tcase_add_checked_fixture(model, h_setup, h_teardown_same);
	tcase_add_loop_test(model, files_are_as_the_model, 0, 12);
	suite_add_tcase(suite, model);
	return h_main(suite);
}
