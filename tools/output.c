/*
 * output.c - what goes to standard output: fields, JSON, raw bytes, and the check that all of it
 * arrived.
 * The functions are documented in text.h.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

/* Set by the first failure; what follows is not written any more. */
static int output_error;
static bool output_finished;

void put_field(const char *label, const char *fmt, ...)
{
	va_list ap;

	printf("%-16s ", label);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* What comes before a member or element: the comma, the line's start, the key. */
static void json_lead(struct json *j, const char *key)
{
	if (!j->first)
		putchar(',');
	if (j->depth > 0)
		printf("\n%*s", 2 * j->depth, "");
	j->first = false;
	if (key != NULL) {
		put_json_string(stdout, key, strlen(key));
		fputs(": ", stdout);
	}
}

void json_begin(struct json *j, const char *key, char bracket)
{
	if (j->depth == 0)
		j->first = true;
	json_lead(j, key);
	putchar(bracket);
	j->depth++;
	j->first = true;
}

void json_end(struct json *j, char bracket)
{
	j->depth--;
	if (!j->first)
		printf("\n%*s", 2 * j->depth, "");
	putchar(bracket);
	if (j->depth == 0)
		putchar('\n');
	j->first = false;
}

void json_string(struct json *j, const char *key, const char *value)
{
	json_lead(j, key);
	put_json_string(stdout, value, strlen(value));
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	json_lead(j, key);
	printf("%" PRIu64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_lead(j, key);
	fputs(value ? "true" : "false", stdout);
}

void json_null(struct json *j, const char *key)
{
	json_lead(j, key);
	fputs("null", stdout);
}

void json_hex(struct json *j, const char *key, uint64_t value, int digits)
{
	json_lead(j, key);
	printf("\"%0*" PRIx64 "\"", digits, value);
}

/* The first error is the one that is reported; those after it follow from it. */
static int note_output_error(int err)
{
	if (output_error == 0)
		output_error = err;
	return output_error;
}

/* Takes `done` bytes off the front of iov; returns how many of its elements are done with. */
static int advance(struct iovec *iov, int n, size_t done)
{
	int i = 0;

	while (i < n && done >= iov[i].iov_len)
		done -= iov[i++].iov_len;
	if (i < n) {
		iov[i].iov_base = (char *)iov[i].iov_base + done;
		iov[i].iov_len -= done;
	}
	return i;
}

int write_out(struct iovec *iov, int n)
{
	ssize_t done;

	if (output_error != 0)
		return output_error;
	if (fflush(stdout) != 0)
		return note_output_error(-errno);
	for (int i = advance(iov, n, 0); i < n; i += advance(iov + i, n - i, (size_t)done)) {
		done = writev(STDOUT_FILENO, iov + i, n - i);
		if (done < 0 && errno == EINTR)
			done = 0;
		else if (done < 0)
			return note_output_error(-errno);
	}
	return 0;
}

int finish_output(void)
{
	bool failed;

	if (output_finished)
		return output_error;
	output_finished = true;
	failed = ferror(stdout);
	if (fclose(stdout) != 0)
		note_output_error(-errno);
	else if (failed)
		note_output_error(-EIO);
	return output_error;
}
