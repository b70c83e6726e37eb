/*
 * states.c - runs workloads on a recording disk and tries every state that a crash could leave of them (explore.h).
 * Prints TAP: a test for each workload, with the number of states.
 * usage: states [-s SEED] [-n ROUNDS] [-e SAMPLES] [WORKLOAD...]
 * The files are in memory (/dev/shm) where TMPDIR does not say otherwise.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explore.h"

struct options {
	uint64_t seed, rounds;
	struct effort effort;
	char folder[4096];
};

static void remove_folder(const char *folder)
{
	char command[5000];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	must(system(command) == 0);
}

static void live_and_explore(const struct workload *w, const struct options *o, uint64_t seed, struct tally *tally)
{
	char live[4200], crashed[4200], label[100];
	struct record record;
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
	explore(&l, label, crashed, &o->effort, seed, tally);
	life_end(&l);
	record_end(&record);
	remove_folder(live);
	remove_folder(crashed);
}

static bool run(const struct workload *w, const struct options *o, int number, struct tally *sum)
{
	struct tally tally = {0};

	for (uint64_t i = 0; i < o->rounds && tally.failed == 0; i++)
		live_and_explore(w, o, o->seed + i, &tally);
	printf("%sok %d - %s: %s\n", tally.failed ? "not " : "", number, w->name, w->what);
	printf("# %llu states, %llu of them different, %llu lived on in, %llu wrong\n", (unsigned long long)tally.built,
	       (unsigned long long)tally.opened, (unsigned long long)tally.lives, (unsigned long long)tally.failed);
	fflush(stdout);
	sum->built += tally.built;
	sum->opened += tally.opened;
	return tally.failed == 0;
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

	*o = (struct options){.seed = 1, .rounds = 1, .effort = {4, 3, 6, 400}};
	while ((c = getopt(argc, argv, "s:n:e:")) != -1) {
		if (c == 's')
			o->seed = strtoull(optarg, NULL, 0);
		else if (c == 'n')
			o->rounds = strtoull(optarg, NULL, 0);
		else if (c == 'e')
			o->effort = (struct effort){(unsigned)strtoul(optarg, NULL, 0), 8, 60, 100};
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
	printf("1..%d\n# all together: %llu states, %llu different\n", number, (unsigned long long)sum.built,
	       (unsigned long long)sum.opened);
	remove_folder(o.folder);
	return failed > 0 || number == 0;
}
