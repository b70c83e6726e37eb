/*
 * test_memory.c - calls that find no memory change nothing. Relies on the linker to send reallocarray() here (--wrap);
 * tests/faults tries each allocation of whole workloads.
 */
#include "config.h"

#include <linux/falloc.h>
#include <stdlib.h>

#include "harness.h"

void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);

static bool none_left;

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	if (!none_left)
		return __real_reallocarray(old, n, size);
	errno = ENOMEM;
	return NULL;
}

/* What was written to an open file is still there after a hole that could not be made in it. */
START_TEST(hole)
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	uint8_t *bytes = h_random(20000, 1);
	struct fs_file *f;

	h_put(h_fs, "f", bytes, 20000);
	f = h_file(h_fs, "f", 0);
	memcpy(bytes, "written", 7);
	h_write(f, 0, "written", 7);
	none_left = true;
	ck_assert_int_eq(fs_file_allocate(f, punch, 0, 4096, false), -ENOMEM);
	none_left = false;
	h_expect(h_fs, "f", bytes, 20000);
	h_end(f);
	h_expect(h_fs, "f", bytes, 20000);
	free(bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *tc = tcase_create("none left");

	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_add_test(tc, hole);
	suite_add_tcase(suite, tc);
	return h_main(suite);
}
