/*
 * faults.c - every call to the disk that a workload makes failing in turn (failing.h), and every allocation (memory.h),
 * once or for ever. Prints TAP: a test for each workload.
 *
 * What is expected each time: no crash; a call that is refused has changed nothing; what a signal interrupted, and short
 * writes, are survived without an error; a write or sync that failed is told to a caller; nothing that had returned is
 * missing when the container is opened again on a good disk, and nothing is wrong in it; and, for some of the faults, what
 * was promised survives a power cut at any moment (tests/crash/explore.h).
 *
 * usage: faults [-a] [-s SEED] [WORKLOAD...]     -a: each call and each fault; otherwise a share of them
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explore.h"
#include "failing.h"
#include "memory.h"

/*
 * Without -a one call in SHARE fails, and one in EXPLORED of these lives is explored: not the long ones, and none once there
 * were so many states.
 */
enum { SHARE = 11, EXPLORED = 11, EXPLORED_MOST = 1000, EXPLORED_CALLS = 150, FAILURES_SHOWN = 5 };

struct trial {
	const struct workload *workload;
	enum fault fault;
	bool for_ever;
	unsigned long at;
	char label[200];
};

static struct {
	char folder[4096], live[4200], after[4200];
	uint64_t seed;
	bool all;
	unsigned long trials, failures, explored;
} run;

static const char *const fault_names[] = {"EIO", "ENOSPC", "EINTR", "short", "nothing written", "no memory"};

static void wrong(const struct trial *t, const char *what)
{
	if (run.failures++ < FAILURES_SHOWN)
		printf("# %s: %s\n", t->label, what);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void remake(const char *folder)
{
	must(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT);
	must(mkdir(folder, 0700) == 0);
}

static unsigned promises(const struct recording *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->call[i].kind == CALL_PROMISED;
	return n;
}

static bool is_write_or_sync(const char *name)
{
	return strcmp(name, "pwritev") == 0 || strcmp(name, "fdatasync") == 0;
}

/* What is written to a spill file and read from it is as good as lost when that fails. */
static bool is_of_a_spill(const char *name)
{
	return strcmp(name, "pwrite") == 0 || strcmp(name, "pread") == 0;
}

/* What is in the folder now is the last state of `l`, and whole. */
static void check_after(const struct trial *t, const struct life *l)
{
	struct life after;
	bool there = access(l->path, F_OK) == 0;

	if (!there && l->n > 0)
		wrong(t, "the container is gone");
	if (!there || (l->n == 0 && l->keys))
		return;
	life_begin(&after, run.live, &disk_real, 1);
	life_like(&after, l);
	int r = l->keys ? life_store_open(&after) : life_open(&after);
	if (r < 0) {
		wrong(t, "the container does not open any more");
		if (run.failures <= FAILURES_SHOWN)
			printf("%s", after.messages);
	} else if (l->n > 0 && strcmp(after.state[0].picture, l->state[l->n - 1].picture) != 0) {
		wrong(t, "what had returned is not what is there");
		if (run.failures <= FAILURES_SHOWN)
			picture_difference(after.state[0].picture, l->state[l->n - 1].picture);
	}
	if (r == 0 && !l->keys && fs_check(after.fs, NULL, NULL) != 0)
		wrong(t, "something is wrong in the container");
	life_end(&after);
}

/* What was left beside the container, when its removal did not fail. */
static void check_folder(const struct trial *t, const struct failing *f)
{
	DIR *dir = opendir(run.live);

	must(dir);
	if (!t->for_ever && (!f->failed || strcmp(f->failed, "unlink") != 0))
		for (struct dirent *e; (e = readdir(dir));)
			if (strstr(e->d_name, ".new-"))
				wrong(t, "an unfinished file was left");
	closedir(dir);
}

struct outcome {
	int states, refused;
	unsigned promises;
	unsigned long calls;
};

static void judge_life(const struct trial *t, const struct life *l)
{
	if (l->changed)
		wrong(t, "a call that was refused changed something");
	if (l->untold)
		wrong(t, "a program said that all went well");
	if (l->lost)
		wrong(t, "what was there at an end is not what an opening showed");
}

static void judge(const struct trial *t, const struct life *l, const struct failing *f, const struct outcome *is,
		  const struct outcome *whole)
{
	bool survived = is->refused == 0 && is->states == whole->states && is->promises == whole->promises;

	judge_life(t, l);
	if (!f->failed)
		return;
	if ((t->fault == FAULT_INTERRUPTED || t->fault == FAULT_SHORT || t->fault == FAULT_NOTHING) && !t->for_ever &&
	    !survived)
		wrong(t, "it was not survived");
	/* Without room, there is something else to be done now and then. */
	if (t->fault == FAULT_IO && (is_write_or_sync(f->failed) || is_of_a_spill(f->failed)) && !f->nameless && survived)
		wrong(t, "nobody was told");
}

static void explore_cuts(const struct trial *t, struct life *l)
{
	static const struct effort effort = {.samples = 1, .single = 2, .boundaries = 2};
	struct tally tally = {.shown = FAILURES_SHOWN};

	remake(run.after);
	explore(l, t->label, run.after, &effort, run.seed, &tally);
	run.explored += tally.built;
	run.failures += tally.failed;
}

/* Whether this life is one of those that the share explores. */
static bool in_share(const struct recording *r)
{
	return run.trials % EXPLORED == 0 && run.explored < EXPLORED_MOST && r->n < EXPLORED_CALLS;
}

/* One life. */
static struct outcome try(struct trial *t, const struct outcome *whole)
{
	struct recording record;
	struct failing f;
	struct life l;

	snprintf(t->label, sizeof(t->label), "%s, %s at call %lu%s", t->workload->name, fault_names[t->fault], t->at,
		 t->for_ever ? " and after" : "");
	remake(run.live);
	record_begin(&record, run.live);
	failing_begin(&f, &record.ops, t->fault, t->at, t->for_ever);
	f.paused = &record.dead;
	life_begin(&l, run.live, &f.ops, run.seed);
	l.record = &record;
	l.dead = &record.dead;
	l.keys = t->workload->keys;
	l.others = t->workload->others;
	l.hopeless = t->for_ever;
	l.pause = failing_pause;
	t->workload->run(&l);
	if (f.failed)
		snprintf(t->label + strlen(t->label), sizeof(t->label) - strlen(t->label), " (%s)", f.failed);
	struct outcome is = {l.n, l.refused, promises(&record), f.calls};
	run.trials += t->at > 0;
	if (!whole && (l.refused || l.changed || l.untold || l.lost))
		wrong(t, "something went wrong without a fault");
	if (whole) {
		judge(t, &l, &f, &is, whole);
		(void)fs_close(l.fs);
		(void)reel_close(l.store);
		l.fs = NULL;
		l.store = NULL;
		check_after(t, &l);
		check_folder(t, &f);
		if (f.failed && is_write_or_sync(f.failed) && (run.all || in_share(&record)))
			explore_cuts(t, &l);
	}
	life_end(&l);
	failing_end(&f);
	record_end(&record);
	return is;
}

/* One life in which an allocation fails. It is not recorded. */
static unsigned long try_memory(struct trial *t)
{
	struct failing f;
	bool dead = false;
	struct life l;

	snprintf(t->label, sizeof(t->label), "%s, no memory at allocation %lu%s", t->workload->name, t->at,
		 t->for_ever ? " and after" : "");
	remake(run.live);
	failing_begin(&f, &disk_real, FAULT_IO, 0, false);
	f.dead = &dead;
	life_begin(&l, run.live, &f.ops, run.seed);
	l.dead = &dead;
	l.keys = t->workload->keys;
	l.others = t->workload->others;
	l.hopeless = t->for_ever;
	l.pause = memory_pause;
	memory_begin(t->at, t->for_ever);
	t->workload->run(&l);
	(void)fs_close(l.fs);
	(void)reel_close(l.store);
	unsigned long calls = memory_end();
	l.fs = NULL;
	l.store = NULL;
	run.trials += t->at > 0;
	judge_life(t, &l);
	check_after(t, &l);
	life_end(&l);
	failing_end(&f);
	return calls;
}

static void all_allocations(const struct workload *w, bool for_ever)
{
	struct trial t = {.workload = w, .fault = FAULT_MEMORY, .for_ever = for_ever};
	unsigned long calls = try_memory(&t), step = run.all ? 1 : SHARE;

	for (t.at = 1 + run.seed % step; t.at <= calls; t.at += step)
		(void)try_memory(&t);
}

static void all_calls(const struct workload *w, enum fault fault, bool for_ever)
{
	struct trial t = {.workload = w, .fault = fault};
	struct outcome whole = try(&t, NULL);
	unsigned long step = run.all ? 1 : SHARE;

	t.for_ever = for_ever;
	for (t.at = 1 + run.seed % step; t.at <= whole.calls; t.at += step)
		(void)try(&t, &whole);
}

static bool test(const struct workload *w, int number)
{
	run.trials = run.failures = run.explored = 0;
	for (int fault = 0; fault < FAULT_KINDS; fault++) {
		all_calls(w, fault, false);
		/* Interrupted for ever, a call is made for ever. */
		if (fault != FAULT_INTERRUPTED)
			all_calls(w, fault, true);
	}
	all_allocations(w, false);
	all_allocations(w, true);
	printf("%sok %d - %s: %s\n# %lu faults, %lu states after power cuts, %lu wrong\n", run.failures ? "not " : "", number,
	       w->name, w->what, run.trials, run.explored, run.failures);
	fflush(stdout);
	return run.failures == 0;
}

static bool wanted(const struct workload *w, char **names)
{
	bool any = *names == NULL;

	for (; *names; names++)
		any |= strcmp(*names, w->name) == 0;
	return any;
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	int c, number = 0, failed = 0;

	run.seed = 1;
	while ((c = getopt(argc, argv, "as:")) != -1) {
		if (c == 's')
			run.seed = strtoull(optarg, NULL, 0);
		else if (c == 'a')
			run.all = true;
		else
			return 2;
	}
	if (!tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(run.folder, sizeof(run.folder), "%s/faults.XXXXXX", tmp);
	must(mkdtemp(run.folder));
	snprintf(run.live, sizeof(run.live), "%s/live", run.folder);
	snprintf(run.after, sizeof(run.after), "%s/after", run.folder);
	for (int i = 0; i < WORKLOAD_COUNT; i++)
		if (wanted(&WORKLOADS[i], argv + optind))
			failed += !test(&WORKLOADS[i], ++number);
	printf("1..%d\n", number);
	remake(run.folder);
	must(rmdir(run.folder) == 0);
	return failed > 0 || number == 0;
}
