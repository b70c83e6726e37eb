/*
 * harness_main.c - what needs the whole of Check: the main function of a test program. In a file of its own, since
 * what else is in the harness is used by programs without it (tests/fuzz).
 */
#include "config.h"

#include "harness.h"

int h_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
