/*
 * operations_contents.c - operations on regular files: writing, cutting, holes, copies, and what commits them
 * (operations_parts.h).
 */
#include "config.h"

#include "operations_parts.h"

static bool is_file(const struct model_inode *i)
{
	return S_ISREG(i->mode);
}

static bool is_named_file(const struct model_inode *i)
{
	return S_ISREG(i->mode) && i->nlink > 0;
}

static void take_mtime(struct model_inode *i)
{
	struct fs_attr attr;
	ck_assert_int_eq(fs_getattr(h_fs, i->ino, &attr), 0);
	i->seen.mtime = attr.mtime;
}

static void random_range(uint32_t *at, uint32_t *len)
{
	uint32_t kind = ops_below(100);
	*len = 1 + ops_below(kind < 30 ? 3 : kind < 80 ? 200 : kind < 97 ? 9000 : MODEL_FILE_MAX);
	*at = ops_below(kind % 2 ? 5000 : MODEL_FILE_MAX);
	if (kind % 3 == 0)
		*at = 0;
	if (*len > MODEL_FILE_MAX - *at)
		*len = MODEL_FILE_MAX - *at;
}

void op_open(void)
{
	int i = ops_pick(is_named_file);
	if (i < 0 || ops_model.inode[i].open)
		return;
	int flags = O_RDWR | (ops_below(6) == 0 ? O_TRUNC : 0);
	ops_check(fs_file_open(h_fs, ops_model.inode[i].ino, flags, &ops_model.inode[i].open), 0, "open");
	if (flags & O_TRUNC) {
		model_truncate(&ops_model.inode[i], 0);
		take_mtime(&ops_model.inode[i]);
	}
}

static void write_some(struct model_inode *i)
{
	static uint8_t data[MODEL_FILE_MAX];
	uint32_t at, len;
	random_range(&at, &len);
	if (ops_below(3) == 0)
		at = i->seen.size < MODEL_FILE_MAX - len ? (uint32_t)i->seen.size : 0;
	h_fill(data, len, (uint64_t)ops_number);
	if (ops_below(6) == 0)
		memset(data, 0, len);
	ops_check(h_write(i->open, at, data, len), 0, "write");
	model_write(i, at, data, len);
	take_mtime(i);
}

void op_write(void)
{
	int i = ops_pick(ops_is_open);
	if (i >= 0)
		write_some(&ops_model.inode[i]);
}

/* Any file, open or not; one that is not open is committed at once. */
void op_truncate(void)
{
	int i = ops_pick(ops_below(2) ? ops_is_open : is_file);
	uint32_t at, len;
	if (i < 0)
		return;
	struct model_inode *n = &ops_model.inode[i];
	random_range(&at, &len);
	if (ops_below(2))
		at = len;
	if (at > n->seen.size && at - n->seen.size > 30000 && ops_below(4))
		at = (uint32_t)n->seen.size / 2;
	ops_check(h_truncate(h_fs, n->ino, at), 0, "truncate");
	model_truncate(n, at);
	take_mtime(n);
	if (!n->open)
		model_commit(n);
}

void op_allocate(void)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
				    FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
	int i = ops_pick(ops_is_open), mode = modes[ops_below(5)];
	uint32_t at, len;
	if (i < 0)
		return;
	struct model_inode *n = &ops_model.inode[i];
	random_range(&at, &len);
	ops_check(fs_file_allocate(n->open, mode, at, len, false), 0, "allocate");
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		model_zero(n, at, len);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && at + len > n->seen.size)
		model_truncate(n, at + len);
	n->dirty = true;
	take_mtime(n);
}

/* A file with enough bytes to be shared. */
static void write_large(struct model_inode *i)
{
	static uint8_t data[MODEL_FILE_MAX];
	uint32_t len = MODEL_FILE_MAX / 2 + ops_below(MODEL_FILE_MAX / 2);
	h_fill(data, len, (uint64_t)ops_number);
	ops_check(h_write(i->open, 0, data, len), 0, "write");
	model_write(i, 0, data, len);
	take_mtime(i);
}

static int expected_copy(const struct model_inode *a, uint32_t start, const struct model_inode *b, uint32_t target,
			 uint32_t len)
{
	uint32_t distance = start < target ? target - start : start - target;
	if (a == b && distance < len)
		return -EINVAL;
	len = a->seen.size <= start ? 0 : a->seen.size - start < len ? (uint32_t)a->seen.size - start : len;
	if (len == 0)
		return 0;
	return len < 65536 || a->nlink == 0 || b->nlink == 0 ? -EOPNOTSUPP : (int)len;
}

/* What is copied is committed in both files before. */
void op_copy(void)
{
	int i = ops_pick(ops_is_open), j = ops_pick(ops_is_open);
	if (i < 0)
		return;
	struct model_inode *a = &ops_model.inode[i], *b = &ops_model.inode[j];
	if (a->seen.size < 65536 && ops_below(3))
		write_large(a);
	uint32_t start = ops_below(2) ? ops_below(20000) : 0, target = ops_below(2) ? ops_below(80000) : 0;
	uint32_t len = ops_below(4) ? MODEL_FILE_MAX - target : 1 + ops_below(80000);
	uint64_t copied = 0;
	int expected = expected_copy(a, start, b, target, len);
	int r = fs_file_copy(a->open, start, b->open, target, len, false, false, &copied);
	ops_check(r < 0 ? r : (int)copied, expected, "copy");
	if (expected <= 0)
		return;
	model_commit(a);
	model_copy(a, start, b, target, (uint32_t)expected);
	take_mtime(b);
	model_commit(b);
}

void op_flush(void)
{
	int i = ops_pick(ops_is_open);
	if (i < 0)
		return;
	struct model_inode *n = &ops_model.inode[i];
	bool sync = ops_below(3) == 0;
	ops_check(sync ? fs_file_fsync(n->open, false) : fs_file_flush(n->open), 0, "flush");
	if (n->nlink > 0 || sync)
		model_commit(n);
}

void ops_release(int i)
{
	struct model_inode *n = &ops_model.inode[i];
	fs_file_release(n->open);
	n->open = NULL;
	if (n->nlink > 0)
		model_commit(n);
	model_settle(&ops_model, i);
}

void op_release(void)
{
	int i = ops_pick(ops_is_open);
	if (i >= 0)
		ops_release(i);
}

/* The usual way: open, write, close. */
void op_write_whole(void)
{
	int i = ops_pick(is_named_file);
	if (i < 0 || ops_model.inode[i].open)
		return;
	ops_check(fs_file_open(h_fs, ops_model.inode[i].ino, O_RDWR, &ops_model.inode[i].open), 0, "open");
	for (uint32_t n = 1 + ops_below(3); n > 0; n--)
		write_some(&ops_model.inode[i]);
	ops_release(i);
}

void op_sync(void)
{
	ops_check(fs_sync(h_fs), 0, "sync");
	for (int i = 0; i < MODEL_INODES; i++)
		if (ops_model.inode[i].open && ops_model.inode[i].nlink > 0)
			model_commit(&ops_model.inode[i]);
}
