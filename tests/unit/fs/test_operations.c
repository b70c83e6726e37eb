/*
 * test_operations.c - thousands of random operations on the file system and on a model of it (operations.h).
 * Each run prints its seed; REPLAY_SEED=n runs that one alone.
 */
#include "config.h"

#include "harness.h"
#include "operations.h"

#include <sys/random.h>

#define OPERATIONS 3000
#define SEEDS      6

static unsigned short random_state[3];

static uint32_t choose(void *arg, uint32_t n)
{
	(void)arg;
	return (uint32_t)nrand48(random_state) % n;
}

static long seed_of(int run)
{
	const char *given = getenv("REPLAY_SEED");
	uint32_t drawn;
	if (given)
		return atol(given);
	ck_assert_int_eq(getrandom(&drawn, sizeof(drawn), 0), sizeof(drawn));
	return run < SEEDS / 2 ? run : (long)(drawn >> 1);
}

/* Whatever is done in whatever order, model and file system are the same, through closing, crash and compaction. */
START_TEST(tree_is_the_model)
{
	long seed = seed_of(_i);
	char run[32];
	random_state[0] = (unsigned short)seed;
	random_state[1] = (unsigned short)(seed >> 16);
	random_state[2] = 1;
	snprintf(run, sizeof(run), "seed %ld", seed);
	printf("tree_is_the_model: %s\n", run);
	fflush(stdout);
	h_close();
	if (_i % 2) {
		h_options.sync_interval_s = 1;
		h_options.buffer_file = 64 * KIB;
		h_options.buffer_total = 128 * KIB;
	}
	h_open();
	operations_begin(choose, NULL);
	for (int i = 0; i < OPERATIONS; i++)
		operations_run(run);
	operations_end();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("operations");
	TCase *tc = tcase_create("operations");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, tree_is_the_model, 0, getenv("REPLAY_SEED") ? 1 : SEEDS);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
