/*
 * log.c - messages to standard error and syslog, those of libfuse included.
 * Never allocates and never fails: a message that cannot be delivered is lost.
 */
#include "config.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <fuse_log.h>

#include "log.h"

#define LINE_MAX_BYTES 8192 /* two paths of PATH_MAX would not fit; such a line is cut */

static atomic_bool to_stderr = true;
static atomic_bool to_syslog;
static bool debugging; /* set before there are threads */
static atomic_uint errors;

/* One write(2) a line, so that lines of several threads do not mix. */
static void write_stderr(const char *text)
{
	char line[LINE_MAX_BYTES];
	int n = snprintf(line, sizeof(line), "reelfs: %s\n", text);

	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

/* Names come from the container: what they could do to a terminal or to the lines of a log is taken out of them. */
static void make_printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) /* the control characters U+0080 to U+009F */
			p[0] = p[1] = '?';
}

static void deliver(int priority, char *text)
{
	make_printable(text);
	if (priority <= LOG_ERR)
		atomic_fetch_add(&errors, 1);
	if (priority == LOG_DEBUG && !debugging)
		return;
	if (atomic_load(&to_stderr))
		write_stderr(text);
	if (atomic_load(&to_syslog))
		syslog(priority, "%s", text);
}

/* libfuse ends its lines itself. */
static void from_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
	char text[LINE_MAX_BYTES];
	size_t n;

	if ((int)level == LOG_DEBUG && !debugging)
		return;
	vsnprintf(text, sizeof(text), format, args);
	n = strlen(text);
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	if (n > 0)
		deliver((int)level, text);
}

void log_start(bool background, bool debug)
{
	debugging = debug;
	if (background) {
		openlog("reelfs", LOG_PID, LOG_DAEMON);
		atomic_store(&to_syslog, true);
	}
	fuse_set_log_func(from_libfuse);
}

void log_detach(void)
{
	atomic_store(&to_stderr, false);
}

void log_line(int priority, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	deliver(priority, text);
}

void log_fs(void *arg, int priority, const char *text)
{
	(void)arg;
	log_line(priority, "%s", text);
}

unsigned log_errors(void)
{
	return atomic_load(&errors);
}
