/*
 * states.c - runs workloads on a recording disk and tries every state that a crash could leave of them (explore.h).
 * Prints TAP: a test for each workload, with the number of states; without names also some with a disk that lies.
 * usage: states [-s SEED] [-n ROUNDS] [-e SAMPLES] [WORKLOAD...]
 * The files are in memory (/dev/shm) where TMPDIR does not say otherwise.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explore.h"

/* Of lives that begin in a state, and of those that begin in one of theirs. */
static const struct effort brief = {.samples = 2, .all_subsets = 3, .boundaries = 10};
static const struct effort second = {.samples = 3, .all_subsets = 4, .boundaries = 40, .rare = 500, .next = &brief};

struct options {
	uint64_t seed, rounds;
	struct effort effort;
	char folder[4096];
};

enum { FAILURES_SHOWN = 5 };

static void remove_folder(const char *folder)
{
	char command[5000];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	must(system(command) == 0);
}

static void live_and_explore(const struct workload *w, const struct options *o, uint64_t seed, enum lie lie,
			     struct tally *tally)
{
	char live[4200], crashed[4200], label[100];
	struct recording record;
	struct life l;

	snprintf(live, sizeof(live), "%s/live", o->folder);
	snprintf(crashed, sizeof(crashed), "%s/crashed", o->folder);
	must(mkdir(live, 0700) == 0 && mkdir(crashed, 0700) == 0);
	record_begin(&record, live);
	life_begin(&l, live, &record.ops, seed);
	l.record = &record;
	l.dead = &record.dead;
	l.keys = w->keys;
	l.others = w->others;
	w->run(&l);
	snprintf(label, sizeof(label), "%s, seed %llu", w->name, (unsigned long long)seed);
	if (l.n < 2)
		die("%s ended early:\n%s", label, l.messages);
	record.lie = lie;
	explore(&l, label, crashed, &o->effort, seed, tally);
	life_end(&l);
	record_end(&record);
	remove_folder(live);
	remove_folder(crashed);
}

static void tell(bool ok, int number, const struct workload *w, const char *what, const struct tally *tally)
{
	printf("%sok %d - %s: %s\n", ok ? "" : "not ", number, w->name, what);
	printf("# %llu states, %llu of them different, %llu lived on in, %llu wrong\n", (unsigned long long)tally->built,
	       (unsigned long long)tally->opened, (unsigned long long)tally->lives, (unsigned long long)tally->failed);
	fflush(stdout);
}

static bool run(const struct workload *w, const struct options *o, int number, struct tally *sum)
{
	struct tally tally = {.shown = FAILURES_SHOWN};

	for (uint64_t i = 0; i < o->rounds && tally.failed == 0; i++)
		live_and_explore(w, o, o->seed + i, LIE_NONE, &tally);
	tell(tally.failed == 0, number, w, w->what, &tally);
	sum->built += tally.built;
	sum->opened += tally.opened;
	return tally.failed == 0;
}

/* With a disk that lies something has to be wrong, or these tests could not fail. */
static bool find_out(const struct workload *w, const struct options *o, int number, enum lie lie)
{
	static const char *const lies[] = {
	    [LIE_SYNC] = "a disk that does not sync files is found out",
	    [LIE_FOLDER] = "a disk that does not sync names is found out",
	    [LIE_CACHE] = "a system that loses the last write of a program that was killed is found out",
	    [LIE_BIT] = "a disk on which bits change is found out",
	};
	struct tally tally = {.shown = 0};

	live_and_explore(w, o, o->seed, lie, &tally);
	tell(tally.failed > 0, number, w, lies[lie], &tally);
	return tally.failed > 0;
}

static bool wanted(const struct workload *w, char **names)
{
	bool any = *names == NULL;

	for (; *names; names++)
		any |= strcmp(*names, w->name) == 0;
	return any;
}

static void make_folder(char *folder, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(folder, size, "%s/crash-states.XXXXXX", tmp);
	must(mkdtemp(folder));
}

static void use_options(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){.seed = 1, .rounds = 1, .effort = {4, 3, 6, 40, 400, &brief}};
	while ((c = getopt(argc, argv, "s:n:e:")) != -1) {
		if (c == 's')
			o->seed = strtoull(optarg, NULL, 0);
		else if (c == 'n')
			o->rounds = strtoull(optarg, NULL, 0);
		else if (c == 'e')
			o->effort = (struct effort){(unsigned)strtoul(optarg, NULL, 0), 8, 60, UINT_MAX, 100, &second};
		else
			exit(2);
	}
	make_folder(o->folder, sizeof(o->folder));
}

int main(int argc, char **argv)
{
	struct tally sum = {0};
	struct options o;
	int number = 0, failed = 0;

	use_options(argc, argv, &o);
	for (int i = 0; i < WORKLOAD_COUNT; i++)
		if (wanted(&WORKLOADS[i], argv + optind))
			failed += !run(&WORKLOADS[i], &o, ++number, &sum);
	for (enum lie lie = LIE_NONE + 1; !argv[optind] && lie < LIES; lie++)
		for (int i = 0; i < WORKLOAD_COUNT; i++)
			if (wanted(&WORKLOADS[i], (char *[]){"files", "keys", NULL}))
				failed += !find_out(&WORKLOADS[i], &o, ++number, lie);
	printf("1..%d\n# all together: %llu states, %llu different\n", number, (unsigned long long)sum.built,
	       (unsigned long long)sum.opened);
	remove_folder(o.folder);
	return failed > 0 || number == 0;
}
