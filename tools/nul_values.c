/*
 * nul_values.c - values of one NUL byte, which 0.1.0-alpha could hold and no later format can, as files.
 * Relies on fs.h, which can. Never changes the container that they come from.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "keys.h"
#include "nul_values.h"
#include "paths.h"

static int make_file(const struct container *to, uint64_t hash)
{
	const struct iovec nul = {.iov_base = "", .iov_len = 1};
	struct fs_cred cred = caller_cred();
	char name[HASH_TEXT];
	struct fs_file *file;
	struct fs_attr attr;
	int r = fs_file_create(to->fs, FS_ROOT_INO, hash_text(hash, name), S_IFREG | 0666, O_WRONLY, &cred, &attr, &file);

	if (r < 0)
		return r;
	r = fs_file_write(file, 0, &nul, 1, 0);
	if (r >= 0)
		r = fs_file_flush(file);
	fs_file_release(file);
	fs_forget(to->fs, attr.ino, 1);
	return r;
}

int nul_values_add(const char *from, const char *to)
{
	struct reel_options options = {.flags = REEL_RDONLY | REEL_NUL_VALUES, .log = library_log};
	struct reel_iter *it = NULL;
	struct reel_entry e;
	struct container c;
	struct reel *r;
	int err = reel_open(from, &options, &r), more;

	if (err < 0)
		return err;
	err = container_try(to, FOR_WRITING, &c);
	if (err < 0) {
		(void)reel_close(r);
		return err;
	}
	err = reel_iter_new(r, true, &it);
	while (err == 0 && (more = reel_iter_next(it, &e)) != 0) {
		err = more < 0 ? more : e.len == 1 && e.payload[0] == 0 ? make_file(&c, e.key_hash) : 0;
		if (more > 0)
			reel_entry_release(&e);
	}
	reel_iter_free(it);
	more = fs_close(c.fs);
	(void)reel_close(r);
	return err < 0 ? err : more;
}
