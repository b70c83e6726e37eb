/*
 * cmd_write.c - `reel write`: makes or replaces a file or an entry.
 * Relies on paths.h and reel.h. Never commits a part of its input: old contents stay until all
 * of the new ones have been read, and a new file goes again when that fails.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "keys.h"
#include "paths.h"
#include "text.h"

#define INPUT_SIZE (256 << 10)

/* The signal that asked to stop; a second one is not caught. */
static volatile sig_atomic_t stop_signal;

static void stop(int sig)
{
	stop_signal = sig;
}

/* From here on a signal that would end the process ends the reading of input instead, so that it can be undone. */
static void catch_signals(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESETHAND}, old;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* What nohup(1) and the like have switched off stays so. */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
}

/* Where the new contents come from: VALUE, or standard input. */
struct input {
	const char *value; /* NULL: standard input */
	size_t value_len;
	int err; /* of reading standard input */
};

/* As reel_pull_fn. */
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
		if (stop_signal != 0)
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

static int fill_file(struct fs_file *file, struct input *in)
{
	char *buf = malloc(INPUT_SIZE);
	uint64_t offset = 0;
	struct iovec iov;
	ssize_t n;
	int r = 0;

	if (buf == NULL)
		return -ENOMEM;
	while ((n = pull_input(in, buf, INPUT_SIZE)) > 0) {
		iov = (struct iovec){buf, (size_t)n};
		r = fs_file_write(file, offset, &iov, 1, geteuid() != 0);
		if (r < 0)
			break;
		offset += (uint64_t)n;
	}
	free(buf);
	return n < 0 ? (int)n : r;
}

/*
 * The old contents go in the buffer only, so that they stay in the container until the flush: a
 * process that ends before has changed nothing.
 */
static int replace_file(const struct container *c, const struct place *at, struct input *in)
{
	struct fs_setattr empty = {.set = geteuid() == 0 ? FS_SET_SIZE : FS_SET_SIZE | FS_SET_KILL_PRIV};
	struct fs_file *file;
	struct fs_attr attr;
	int r;

	r = fs_file_open(c->fs, at->attr.ino, O_WRONLY, &file);
	if (r < 0)
		return r;
	r = fs_setattr(c->fs, at->attr.ino, &empty, &attr);
	if (r == 0)
		r = fill_file(file, in);
	if (r == 0)
		r = fs_file_flush(file);
	if (r == 0)
		fs_file_release(file);
	return r;
}

/*
 * The name comes first, since contents are committed under the path that the file has then: another program
 * finds them by it.
 */
static int make_file(const struct container *c, const struct place *at, struct input *in)
{
	struct fs_cred cred = caller_cred();
	struct fs_attr attr;
	struct fs_file *file;
	int r;

	r = fs_file_create(c->fs, at->parent, at->name, S_IFREG | less_umask(0666), O_WRONLY, &cred, &attr, &file);
	if (r < 0)
		return r;
	r = fill_file(file, in);
	if (r == 0)
		r = fs_file_flush(file);
	if (r < 0) {
		(void)fs_unlink(c->fs, at->parent, at->name);
		return r;
	}
	fs_file_release(file);
	fs_forget(c->fs, attr.ino, 1);
	return 0;
}

/* After a failure the open file must not be released, which would commit what is buffered: the process ends. */
static int write_file(const struct container *c, const char *path, struct input *in)
{
	size_t len = strlen(path);
	struct place at;
	struct made made = {0};
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
		r = replace_file(c, &at, in);
	else if (r == -ENOENT && at.parent != 0)
		r = make_file(c, &at, in);
	if (r == 0) {
		made_keep(&made);
		return STATUS_OK;
	}
	complain_write(c, path, in, r);
	made_undo(c, &made);
	if (in->err == -ECANCELED)
		raise(stop_signal);
	container_abandon();
}

/* --- entries ------------------------------------------------------------------------------------- */

static int write_entry(const struct container *c, const char *key, struct input *in)
{
	int r = reel_write_stream(fs_store(c->fs), reel_hash(key, strlen(key)), pull_input, in);

	if (r == 0)
		return STATUS_OK;
	if (r == -EINVAL && in->err == 0) {
		forget_library_message();
		complain(key, "an empty value or a single NUL byte cannot be an entry of a container without a file system "
			      "('reel rm' removes the entry)");
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
	catch_signals();
	status = c.tree ? write_file(&c, args->operand[1], &in) : write_entry(&c, args->operand[1], &in);
	if (container_close(&c) < 0)
		status = STATUS_FAILED;
	if (in.err == -ECANCELED)
		raise(stop_signal);
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
