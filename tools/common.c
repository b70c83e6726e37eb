/*
 * common.c - messages, and opening and closing the container, for all subcommands.
 * Relies on src/fs/fs.h and text.h.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "common.h"
#include "text.h"

/* `umount` returns before the daemon that it ends has finished. */
#define LOCK_WAIT_MS 5000

static const char *command_name;

/* The library's first error since the last message; `library_lock` protects it. */
static char library_message[MESSAGE_MAX];
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

void messages_for(const char *name)
{
	command_name = name;
}

static void put_line(const char *line)
{
	put_escaped(stderr, line, strlen(line), false);
	putc('\n', stderr);
}

void complain(const char *path, const char *fmt, ...)
{
	char line[MESSAGE_MAX];
	size_t n = 0;
	va_list ap;

	n += (size_t)snprintf(line, sizeof(line), "reel: ");
	if (command_name != NULL)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s: ", command_name);
	/* The path leaves room for the reason. */
	if (path != NULL)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%.*s: ", MESSAGE_MAX / 2, path);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	put_line(line);
}

void forget_library_message(void)
{
	pthread_mutex_lock(&library_lock);
	library_message[0] = '\0';
	pthread_mutex_unlock(&library_lock);
}

/* Warnings are shown at once; errors wait for complain_errno(), so that each failure is one line. */
static void log_line(void *arg, int priority, const char *text)
{
	char line[MESSAGE_MAX];

	(void)arg;
	if (priority > LOG_WARNING)
		return;
	if (priority == LOG_WARNING) {
		snprintf(line, sizeof(line), "reel: %s: warning: %s", command_name, text);
		put_line(line);
		return;
	}
	pthread_mutex_lock(&library_lock);
	if (library_message[0] == '\0')
		snprintf(library_message, sizeof(library_message), "%s", text);
	pthread_mutex_unlock(&library_lock);
}

bool take_library_message(char buf[MESSAGE_MAX])
{
	bool any;

	pthread_mutex_lock(&library_lock);
	any = library_message[0] != '\0';
	memcpy(buf, library_message, MESSAGE_MAX);
	library_message[0] = '\0';
	pthread_mutex_unlock(&library_lock);
	return any;
}

void complain_errno(const char *path, int err)
{
	char text[MESSAGE_MAX];

	if (!take_library_message(text))
		complain(path, "%s", strerror(-err));
	else if (strstr(text, path) != NULL)
		complain(NULL, "%s", text);
	else
		complain(path, "%s", text);
}

/* What to do about an error of the container itself. */
static const char *container_hint(int err)
{
	switch (-err) {
	case ENOENT:
		return "make a container with 'reel init'";
	case EBADMSG:
		return "it is not a container, or it is damaged: 'reel check' tells more";
	case EBUSY:
		return "unmount it first, or work through its mountpoint";
	case ENOTSUP:
		return "the container has an older format, which can only be read";
	case EACCES:
		return "the file's owner or root can";
	case EISDIR:
		return "give the container file, not the mountpoint";
	case ENOSPC:
	case EDQUOT:
		return "make room on the file system that holds it";
	default:
		return NULL;
	}
}

void complain_container(const char *path, int err)
{
	char text[MESSAGE_MAX];
	const char *hint = container_hint(err);

	if (err == -EDEADLK)
		complain(path, "is also standard input or output (give that another file)");
	else if (take_library_message(text))
		complain(strstr(text, path) != NULL ? NULL : path, "%s", text);
	else if (hint != NULL)
		complain(path, "%s (%s)", strerror(-err), hint);
	else
		complain(path, "%s", strerror(-err));
}

/* A container that is also standard input or output would grow under its own reader, or be overwritten. */
static bool is_standard_stream(const char *path)
{
	struct stat st, std;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++) {
		if (fstat(fd, &std) == 0 && std.st_dev == st.st_dev && std.st_ino == st.st_ino)
			return true;
	}
	return false;
}

int container_try(const char *path, enum access access, struct container *ret)
{
	struct fs_options options = {
	    .read_only = access == FOR_READING,
	    .lock_wait_ms = LOCK_WAIT_MS,
	    .log = log_line,
	};
	int r;

	if (is_standard_stream(path))
		return -EDEADLK;
	r = fs_open(path, &options, &ret->fs);
	if (r < 0)
		return r;
	forget_library_message();
	ret->path = path;
	ret->tree = fs_has_tree(ret->fs);
	return 0;
}

int container_open(const char *path, enum access access, struct container *ret)
{
	int r = container_try(path, access, ret);

	if (r < 0)
		complain_container(path, r);
	return r;
}

int container_create(const char *path)
{
	struct fs_options options = {.log = log_line};
	int r = fs_create_container(path, &options);

	if (r == -EEXIST) {
		forget_library_message();
		complain(path, "exists already (give another name, or use it as it is)");
	} else if (r == -ENOENT) {
		forget_library_message();
		complain(path, "no such directory (make it first)");
	} else if (r < 0) {
		complain_container(path, r);
	}
	return r;
}

int container_close(struct container *c)
{
	int r = fs_close(c->fs);

	c->fs = NULL;
	if (r < 0)
		complain_container(c->path, r);
	return r;
}

void container_abandon(void)
{
	finish_output();
	_exit(STATUS_FAILED);
}

void complain_path(const struct container *c, const char *path, int err)
{
	char text[MESSAGE_MAX];

	if (take_library_message(text))
		complain(strstr(text, path) != NULL ? NULL : path, "%s", text);
	else if (err == -ENOENT)
		complain(path, "not in %s ('reel ls' shows what is there)", c->path);
	else if (err == -EXDEV)
		complain(path, "a symbolic link on the way has an absolute target (give the path inside the container)");
	else if (err == -EISDIR)
		complain(path, "is a directory (give the path of a file)");
	else if (err == -ENOTDIR)
		complain(path, "a part of the path that must be a directory is not one ('reel ls' shows what is there)");
	else if (err == -ENOSPC || err == -EDQUOT)
		complain(path, "%s (make room on the file system that holds %s)", strerror(-err), c->path);
	else
		complain(path, "%s", strerror(-err));
}
