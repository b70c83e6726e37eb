/*
 * written.c - see written.h.
 */
#include "config.h"

#include "written.h"

struct w_file w_file[W_MANY + 2];
int w_files;
char w_lines[64 << 10];

static void keep_line(void *arg, const char *text)
{
	size_t len = strlen(w_lines);

	(void)arg;
	snprintf(w_lines + len, sizeof(w_lines) - len, "%s\n", text);
}

int w_repair(const char *from, struct fs_repair *ret)
{
	struct fs_options options = {.read_only = true};

	unlink(W_OUT);
	w_lines[0] = 0;
	return fs_repair(from, W_OUT, &options, keep_line, NULL, ret);
}

static void put(const char *path, size_t len)
{
	uint8_t *bytes = h_random(len, (uint64_t)w_files + 1);

	h_put(h_fs, path, bytes, len);
	snprintf(w_file[w_files].path, sizeof(w_file[0].path), "%s", path);
	w_file[w_files++].hash = reel_hash(bytes, len);
	free(bytes);
}

size_t w_end_of(const uint8_t *bytes, size_t size)
{
	struct reel_view view = {bytes, size, NULL};
	struct fs_super super;
	struct fs_whole whole;

	ck_assert_int_eq(super_find(&view, &super), 0);
	ck_assert(whole_find(&view, &super, &whole));
	return whole.end;
}

void w_make(int kind, bool used, int n)
{
	char path[16];

	w_files = 0;
	h_puts(h_fs, "removed", "gone");
	h_mkdir(h_fs, "d");
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%sf%d", i % 2 ? "d/" : "", i);
		put(path, 20 + (size_t)i * 20);
	}
	h_symlink(h_fs, "f0", "symlink");
	h_unlink(h_fs, "removed");
	h_close();
	if (kind == W_COMPACTED) {
		ck_assert_int_eq(fs_compact(h_path, &h_options, NULL), 0);
	} else {
		ck_assert_int_eq(w_repair(h_path, NULL), 0);
		ck_assert_int_eq(rename(W_OUT, h_path), 0);
	}
	if (!used)
		return;
	h_open();
	put("new1", 50);
	put("new2", 60);
	h_close();
}
