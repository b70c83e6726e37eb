/*
 * runner.h - main() of a test program: one suite, each test in an empty directory of its own.
 */
#ifndef STORE_RUNNER_H
#define STORE_RUNNER_H

#include <stdlib.h>

#include "support.h"

enum { TEST_TIMEOUT_S = 120 };

static inline int run_tests(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, support_begin, support_end);
	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
