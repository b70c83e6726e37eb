/*
 * cmd_cat.c - `reel cat`: the contents of files or entries on standard output.
 * Relies on paths.h, keys.h. Never prints bytes that were not checked against their checksum.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common.h"
#include "keys.h"
#include "paths.h"
#include "text.h"

#define READ_SIZE (1 << 20)

static int print_contents(const struct container *c, const char *path, struct fs_file *file)
{
	struct fs_extract part;
	uint64_t offset = 0;
	size_t len;
	int r;

	for (;;) {
		r = fs_file_read(file, offset, READ_SIZE, &part);
		if (r < 0) {
			complain_path(c, path, r);
			return STATUS_FAILED;
		}
		len = part.len;
		r = write_out(part.piece, part.pieces);
		fs_extract_done(&part);
		if (r < 0)
			return STATUS_FAILED; /* main() says so */
		if (len == 0)
			return STATUS_OK;
		offset += len;
	}
}

static int cat_file(const struct container *c, const char *path)
{
	struct place at;
	struct fs_file *file;
	int r, status;

	r = path_find_entry(c, path, FOLLOW_LINKS, &at);
	if (r == 0 && S_ISDIR(at.attr.mode))
		r = -EISDIR;
	if (r == 0 && !S_ISREG(at.attr.mode)) {
		complain(path, "is a %s, which has no contents", type_text(at.attr.mode));
		return STATUS_FAILED;
	}
	if (r == 0)
		r = fs_file_open(c->fs, at.attr.ino, O_RDONLY, &file);
	if (r < 0) {
		complain_path(c, path, r);
		return STATUS_FAILED;
	}
	status = print_contents(c, path, file);
	fs_file_release(file);
	return status;
}

static int cat_entry(const struct container *c, const char *key)
{
	struct reel_entry e;
	struct iovec iov;
	int r = keys_find(c, key, &e);

	if (r < 0) {
		complain_path(c, key, r);
		return STATUS_FAILED;
	}
	r = keys_verify(c, key, &e);
	iov = (struct iovec){(void *)e.payload, e.len};
	if (r == 0)
		r = write_out(&iov, 1);
	reel_entry_release(&e);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

static int run_cat(const struct args *args)
{
	struct container c;
	int status = STATUS_OK, r;

	if (container_open(args->operand[0], FOR_READING, &c) < 0)
		return STATUS_FAILED;
	for (int i = 1; i < args->n; i++) {
		r = c.tree ? cat_file(&c, args->operand[i]) : cat_entry(&c, args->operand[i]);
		if (r != STATUS_OK)
			status = r;
	}
	return container_close(&c) < 0 ? STATUS_FAILED : status;
}

const struct command cmd_cat = {
    .name = "cat",
    .synopsis = "CONTAINER PATH...",
    .summary = "print the contents of files",
    .details = "Prints the contents of the files PATH, one after another. Where there is no such path,\n"
	       "PATH is taken for the key of an entry that another program wrote.\n"
	       "In a container without a file system PATH is a key, or the 16 hex digits of its hash.\n",
    .min_operands = 2,
    .max_operands = -1,
    .run = run_cat,
};
