/*
 * messages.c - what goes to standard error: this program's messages, and what the library said.
 * The functions are documented in common.h. A failure is one line: the library's words are kept until
 * the failure is reported, and take the place of the reason then.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "common.h"
#include "engine.h"
#include "progress.h"
#include "text.h"

#define WARNINGS_MAX 4

static const char *command_name;

/* What the library said and nobody was told yet: the first error, the first warnings. */
static struct said {
	char error[MESSAGE_MAX];
	char warning[WARNINGS_MAX][MESSAGE_MAX];
	int warnings;
} said;

/* Protects `said`: the library may speak in any thread. */
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;

void messages_for(const char *name)
{
	command_name = name;
}

static void put_line(const char *line)
{
	progress_pause();
	put_escaped(stderr, line, strlen(line), false);
	putc('\n', stderr);
	progress_resume();
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

void library_log(void *arg, int priority, const char *text)
{
	(void)arg;
	if (priority == REEL_LOG_WAITING)
		complain(NULL, "%s", text);
	if (priority > LOG_WARNING)
		return;
	pthread_mutex_lock(&said_lock);
	if (priority < LOG_WARNING && said.error[0] == '\0')
		snprintf(said.error, MESSAGE_MAX, "%s", text);
	else if (priority == LOG_WARNING && said.warnings < WARNINGS_MAX)
		snprintf(said.warning[said.warnings++], MESSAGE_MAX, "%s", text);
	pthread_mutex_unlock(&said_lock);
}

bool take_library_message(char buf[MESSAGE_MAX])
{
	bool any = true;

	pthread_mutex_lock(&said_lock);
	if (said.error[0] != '\0')
		memcpy(buf, said.error, MESSAGE_MAX);
	else if (said.warnings > 0)
		memcpy(buf, said.warning[0], MESSAGE_MAX);
	else
		any = false;
	said.error[0] = '\0';
	said.warnings = 0;
	pthread_mutex_unlock(&said_lock);
	return any;
}

bool take_library_warning(char buf[MESSAGE_MAX])
{
	bool any;

	pthread_mutex_lock(&said_lock);
	any = said.warnings > 0;
	if (any) {
		memcpy(buf, said.warning[0], MESSAGE_MAX);
		said.warnings--;
		memmove(said.warning[0], said.warning[1], (size_t)said.warnings * MESSAGE_MAX);
	}
	pthread_mutex_unlock(&said_lock);
	return any;
}

void show_library_warnings(void)
{
	char text[MESSAGE_MAX];

	while (take_library_warning(text))
		complain(NULL, "warning: %s", text);
}

void forget_library_message(void)
{
	char text[MESSAGE_MAX];

	take_library_message(text);
}

/* Errors of the file system that a file lies in are told with what to do. */
static const char *reason(int err)
{
	return err == -ENOTCONN || err == -ESHUTDOWN || err == -EBADFD || err == -ESTALE ? reel_explain(err) : strerror(-err);
}

void complain_errno(const char *path, int err, const char *hint)
{
	char text[MESSAGE_MAX];
	size_t len = strlen(path);
	bool spoke = take_library_message(text);
	bool named = spoke && strncmp(text, path, len) == 0 && text[len] == ':';

	if (hint != NULL)
		complain(named ? NULL : path, "%s (%s)", spoke ? text : reason(err), hint);
	else
		complain(named ? NULL : path, "%s", spoke ? text : reason(err));
}
