/*
 * log.c - messages to standard error and syslog, those of libfuse included.
 * Never allocates and never fails: a message that cannot be delivered is lost. Never waits for who reads them, once log_run()
 * was called and the mount works (L1).
 */
#include "config.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include <fuse_log.h>

#include "log.h"
#include "log_queue.h"
#include "log_repeats.h"

#define LINE_MAX_BYTES 8192 /* two paths of PATH_MAX would not fit; such a line is cut */

static atomic_bool to_stderr = true;
static atomic_bool to_syslog;
static bool debugging; /* set before there are threads */
static atomic_uint errors;

/* Names come from the container: what they could do to a terminal or to the lines of a log is taken out of them. */
static void make_printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) /* the control characters U+0080 to U+009F */
			p[0] = p[1] = '?';
}

/* Before the mount works they go straight to the user, who waits; in the log they are in any case. */
static void send(int priority, int to, const char *text)
{
	if (to & TO_STDERR && atomic_load(&to_syslog)) {
		queue_offer(text);
		to &= ~TO_STDERR;
	}
	if (to != 0 && !queue_put(priority, to, text))
		queue_deliver(priority, to, text);
}

static void deliver(int priority, bool often, char *text)
{
	int to = (atomic_load(&to_stderr) ? TO_STDERR : 0) | (atomic_load(&to_syslog) ? TO_SYSLOG : 0);

	make_printable(text);
	if (priority <= LOG_ERR)
		atomic_fetch_add(&errors, 1);
	if (often && priority > LOG_CRIT && priority != LOG_DEBUG && queue_runs() && !repeats_pass(priority, to, text))
		queue_wake();
	else
		send(priority, to, text);
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
		deliver((int)level, true, text);
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

void log_run(void)
{
	int res = queue_start();

	if (res < 0)
		log_line(LOG_WARNING, "cannot start a thread: %s; the mount will wait for who reads its messages",
			 strerror(-res));
}

void log_end(void)
{
	queue_end();
}

void log_detach(void)
{
	atomic_store(&to_stderr, false);
}

static void deliver_formatted(int priority, bool often, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
static void deliver_formatted(int priority, bool often, const char *format, va_list args)
{
	char text[LINE_MAX_BYTES];

	if (priority == LOG_DEBUG && !debugging)
		return;
	vsnprintf(text, sizeof(text), format, args);
	deliver(priority, often, text);
}

void log_line(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	deliver_formatted(priority, false, format, args);
	va_end(args);
}

void log_often(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	deliver_formatted(priority, true, format, args);
	va_end(args);
}

void log_fs(void *arg, int priority, const char *text)
{
	(void)arg;
	log_often(priority, "%s", text);
}

unsigned log_errors(void)
{
	return atomic_load(&errors);
}
