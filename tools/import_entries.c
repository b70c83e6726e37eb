/*
 * import_entries.c - `reel import` into a container without a file system: each regular file is an entry.
 * Relies on reel.h. Each name of a file with several is an entry of its own.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "import.h"
#include "keys.h"
#include "progress.h"
#include "text.h"

struct pull {
	struct host_file file;
	uint64_t offset;
};

/* As reel_pull_fn. */
static ssize_t pull(void *arg, void *buf, size_t size)
{
	struct pull *p = arg;
	ssize_t n = host_file_read(&p->file, buf, size, &p->offset);

	if (n > 0)
		progress_add((uint64_t)n);
	return n;
}

int import_to_entries(struct import *im, const struct found *found)
{
	struct pull p = {0};
	int r;

	if (!S_ISREG(found->st->st_mode)) {
		import_skip(im, found, "is a %s, which a container without a file system cannot hold",
			    type_text(found->st->st_mode));
		return 0;
	}
	if (host_file_open(&p.file, found) < 0) {
		import_skip(im, found, "%s (not imported)", strerror(-p.file.err));
		return 0;
	}
	r = reel_write_stream(fs_store(im->c.fs), reel_hash(found->path, strlen(found->path)), pull, &p);
	host_file_close(&p.file);
	if (p.file.err == -ECANCELED)
		return -ECANCELED;
	if (p.file.err < 0) {
		forget_library_message();
		import_skip(im, found, "%s (not imported)", strerror(-p.file.err));
		return 0;
	}
	if (r == -EINVAL) {
		forget_library_message();
		import_skip(im, found, "is empty or a single NUL byte, which a container without a file system cannot hold");
		return 0;
	}
	if (r < 0)
		complain_path(&im->c, found->path, r);
	return r;
}
