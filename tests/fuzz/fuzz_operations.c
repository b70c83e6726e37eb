/*
 * fuzz_operations.c - the bytes choose operations on a file system, which is compared with a model of it
 * (tests/unit/fs/operations.h): names, contents, crashes, checkpoints, compactions by another program.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "fuzz.h"
#include "harness.h"
#include "operations.h"

enum { OPERATIONS_MAX = 300 };

/* What the harness of the unit tests calls when it finds something wrong. It is a function of Check's, which is not linked. */
void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
	char text[4096] = "";
	va_list ap;

	va_start(ap, msg);
	if (msg)
		vsnprintf(text, sizeof(text), msg, ap);
	va_end(ap);
	fuzz_fail("%s:%d: %s: %s", file, line, expr, text);
}

void _mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}

static uint32_t choose(void *arg, uint32_t n)
{
	struct bytes *b = arg;
	uint32_t v = n > 256 ? bytes_u16(b) : bytes_u8(b);

	if (n > 65536)
		v |= (uint32_t)bytes_u16(b) << 16;
	return v % n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};

	h_setup();
	if (bytes_u8(&in) % 2) {
		h_close();
		h_options.buffer_file = 64 * KIB;
		h_options.buffer_total = 128 * KIB;
		h_open();
	}
	operations_begin(choose, &in);
	for (unsigned i = 0; i < OPERATIONS_MAX && in.left > 0; i++)
		operations_run("fuzz");
	operations_end();
	h_teardown();
	return 0;
}
