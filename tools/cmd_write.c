/*
 * cmd_write.c - `reel write`: makes or replaces a file or an entry.
 * Relies on put.h and reel.h. Never commits a part of its input: old contents stay until all
 * of the new ones have been read, and a new file appears only then.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "keys.h"
#include "paths.h"
#include "progress.h"
#include "put.h"
#include "text.h"

/* Where the new contents come from: VALUE, or standard input. */
struct input {
	const char *value; /* NULL: standard input */
	size_t value_len;
	int err; /* of reading standard input */
};

/* 0: not known. */
static uint64_t input_size(const struct input *in)
{
	struct stat st;

	if (in->value != NULL || fstat(STDIN_FILENO, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_size;
}

static ssize_t pull_input(void *arg, void *buf, size_t size)
{
	struct input *in = arg;
	ssize_t n;

	if (in->value != NULL) {
		n = (ssize_t)(in->value_len < size ? in->value_len : size);
		memcpy(buf, in->value, (size_t)n);
		in->value += n;
		in->value_len -= (size_t)n;
		return n;
	}
	do {
		if (put_stopped())
			return in->err = -ECANCELED;
		n = read(STDIN_FILENO, buf, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		n = in->err = -errno;
	return n;
}

static void complain_write(const struct container *c, const char *path, const struct input *in, int err)
{
	if (in->err == -ECANCELED)
		return; /* the signal says it */
	if (in->err < 0) {
		forget_library_message();
		complain("standard input", "%s (nothing was written)", strerror(-in->err));
	} else {
		complain_path(c, path, err);
	}
}

/* --- files --------------------------------------------------------------------------------------- */

static ssize_t source_input(void *arg, void *buf, size_t size, uint64_t *offset)
{
	(void)offset;
	return pull_input(arg, buf, size);
}

/* After a failure the open file must not be released, which would commit what is buffered: the process ends. */
static int write_file(const struct container *c, const char *path, struct input *in)
{
	size_t len = strlen(path);
	struct fs_cred cred = caller_cred();
	struct place at;
	struct made made = {0};
	uint64_t ino;
	int r;

	r = len > 0 && path[len - 1] == '/' ? -EISDIR : path_find_target(c, path, FOLLOW_LINKS, &at, &made);
	if (r == 0 && S_ISDIR(at.attr.mode))
		r = -EISDIR;
	if (r == 0 && !S_ISREG(at.attr.mode)) {
		complain(path, "is a %s, which has no contents (remove it first, or write to it in a mount)",
			 type_text(at.attr.mode));
		return STATUS_FAILED;
	}
	if (r == 0)
		r = put_replace(c, at.attr.ino, source_input, in);
	else if (r == -ENOENT && at.parent != 0)
		r = put_make(c, &at, false, 0666, &cred, source_input, in, &ino);
	if (r == 0) {
		made_keep(&made);
		return STATUS_OK;
	}
	complain_write(c, path, in, r);
	made_undo(c, &made);
	put_end_if_stopped();
	container_abandon();
}

/* --- entries ------------------------------------------------------------------------------------- */

/* As reel_pull_fn. */
static ssize_t pull_for_entry(void *arg, void *buf, size_t size)
{
	ssize_t n = pull_input(arg, buf, size);

	if (n > 0)
		progress_add((uint64_t)n);
	return n;
}

static int write_entry(const struct container *c, const char *key, struct input *in)
{
	int r = reel_write_stream(fs_store(c->fs), reel_hash(key, strlen(key)), pull_for_entry, in);

	if (r == 0)
		return STATUS_OK;
	if (r == -EINVAL && in->err == 0) {
		forget_library_message();
		complain(key, KEYS_NO_VALUE);
	} else {
		complain_write(c, key, in, r);
	}
	return STATUS_FAILED;
}

static int run_write(const struct args *args)
{
	struct input in = {0};
	struct container c;
	int status;

	if (args->n > 2) {
		in.value = args->operand[2];
		in.value_len = strlen(in.value);
	}
	if (container_open(args->operand[0], FOR_WRITING, &c) < 0)
		return STATUS_FAILED;
	put_catch_signals();
	progress_begin("write", input_size(&in));
	status = c.tree ? write_file(&c, args->operand[1], &in) : write_entry(&c, args->operand[1], &in);
	if (container_close(&c) < 0)
		status = STATUS_FAILED;
	progress_end();
	if (in.err == -ECANCELED)
		put_end_if_stopped();
	return status;
}

const struct command cmd_write = {
    .name = "write",
    .synopsis = "CONTAINER KEY [VALUE]",
    .summary = "write a file, from an argument or from standard input",
    .details = "Makes the file KEY, a path in the container, or replaces its contents, with VALUE, or\n"
	       "with standard input when VALUE is not given. Directories on the way are made.\n"
	       "Old contents stay until all of the input has been read, and stay when reading fails.\n"
	       "In a container without a file system KEY is a key, and an entry is appended.\n",
    .min_operands = 2,
    .max_operands = 3,
    .options_first = true,
    .run = run_write,
};
