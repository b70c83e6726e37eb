/*
 * cmd_cat.c - `reel cat`: the contents of files or entries on standard output.
 * Relies on paths.h, keys.h. Never prints bytes that were not checked against their checksum.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "keys.h"
#include "paths.h"
#include "progress.h"
#include "text.h"

#define BUFFER_SIZE (1 << 20) /* unless -b says otherwise */

static int print_contents(const struct container *c, const char *path, struct fs_file *file, size_t size)
{
	struct fs_extract part;
	uint64_t offset = 0;
	size_t len;
	int r;

	for (;;) {
		r = fs_file_read(file, offset, size, &part);
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
		progress_add(len);
	}
}

/* A bar in the midst of what is printed would be of no use. */
static void begin_progress(uint64_t size)
{
	if (!isatty(STDOUT_FILENO))
		progress_begin("read", size);
}

static int cat_file(const struct container *c, const char *path, size_t size)
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
	begin_progress(at.attr.size);
	status = print_contents(c, path, file, size);
	fs_file_release(file);
	return status;
}

static int print_payload(const struct reel_entry *e, size_t size)
{
	struct iovec iov;
	size_t len;
	int r = 0;

	begin_progress(e->len);
	for (uint64_t at = 0; at < e->len && r == 0; at += len) {
		len = e->len - at < size ? (size_t)(e->len - at) : size;
		iov = (struct iovec){(void *)(e->payload + at), len};
		r = write_out(&iov, 1);
		progress_add(len);
	}
	return r;
}

static int cat_entry(const struct container *c, const char *key, size_t size)
{
	struct reel_entry e;
	int r = keys_find(c, key, &e);

	if (r < 0) {
		complain_path(c, key, r);
		return STATUS_FAILED;
	}
	r = keys_verify(c, key, &e);
	if (r == 0)
		r = print_payload(&e, size);
	reel_entry_release(&e);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

static int run_cat(const struct args *args)
{
	const char *size_given = args->value['b'];
	size_t size = BUFFER_SIZE;
	struct container c;
	int status = STATUS_OK, r;

	if (size_given != NULL && !parse_size(size_given, &size)) {
		complain(size_given, "is no buffer size (give a number of bytes up to 1G, with K, M or G for powers of 1024)");
		return STATUS_USAGE;
	}
	if (container_open(args->operand[0], FOR_READING, &c) < 0)
		return STATUS_FAILED;
	for (int i = 1; i < args->n; i++) {
		r = c.tree ? cat_file(&c, args->operand[i], size) : cat_entry(&c, args->operand[i], size);
		if (r != STATUS_OK)
			status = r;
	}
	progress_end();
	return container_close(&c) < 0 ? STATUS_FAILED : status;
}

static const struct flag cat_flags[] = {
    {'b', "buffer-size", "bytes printed in one write; K, M and G are powers of 1024", "SIZE"},
    FLAG_NUL,
    {0},
};

const struct command cmd_cat = {
    .name = "cat",
    .alias = "read",
    .synopsis = "[-b SIZE] [--nul=MEANING] CONTAINER PATH...",
    .summary = "print the contents of files",
    .details = "Prints the contents of the files PATH, one after another. Where there is no such path,\n"
	       "PATH is taken for the key of an entry that another program wrote.\n"
	       "In a container without a file system PATH is a key, or the 16 hex digits of its hash.\n",
    .flags = cat_flags,
    .min_operands = 2,
    .max_operands = -1,
    .run = run_cat,
};
