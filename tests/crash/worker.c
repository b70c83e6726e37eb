/*
 * worker.c - the workload of the kill loop: works in a directory of its own with every call that changes a tree, and
 * knows of each whether it returned. When the mount goes away under it, the call under way may or may not have
 * happened; everything before must have, but for data in files that were neither closed nor synced.
 * It relies on being the only one in its directory, and believes nothing that the mount tells of itself.
 *
 * usage: worker DIR SEED LOG, with commands on standard input, one a line:
 *   run     works until the mount goes away ("down CALL") or SIGUSR1 comes: closes everything ("paused")
 *   verify  compares the directory with the model ("ok NAMES CALLS", or a failure on standard error), and goes on
 *   end     ends it
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "call.h"

static volatile sig_atomic_t pausing;

static void pause_soon(int sig)
{
	(void)sig;
	pausing = 1;
}

/* Whether the mount is gone, which is what errors are expected of. Otherwise the program ends. */
static void expect_no_mount(struct worker *w, const struct call *c)
{
	struct statvfs st;
	int error = errno;

	if (error == ENOTCONN || error == ECONNABORTED)
		return;
	/* ENOENT: the dead mount was already taken away. */
	if ((error == EIO || error == ENOENT) && statvfs(w->top, &st) < 0)
		return;
	fprintf(stderr, "worker: %s %s: %s\n", call_name(c->kind), c->name, strerror(error));
	exit(EXIT_FAILURE);
}

/* Names and attributes are decided by what is found; what may have happened to data is one more version. */
static bool decides_itself(enum call_kind kind)
{
	switch (kind) {
	case CREATE:
	case MKDIR:
	case RMDIR:
	case UNLINK:
	case RENAME:
	case LINK:
	case SYMLINK:
	case SETXATTR:
	case REMOVEXATTR:
	case CHMOD:
		return true;
	default:
		return false;
	}
}

static bool try_call(struct worker *w, const struct call *c, struct call *doubt)
{
	call_print(w, c, w->log);
	if (call_make(w, c) == 0) {
		call_apply(w, c);
		w->calls++;
		return true;
	}
	expect_no_mount(w, c);
	call_apply_doubtful(w, c);
	fprintf(w->log, "the mount went away; that call may have happened\n");
	*doubt = *c;
	printf("down %s\n", call_name(c->kind));
	return false;
}

static void run(struct worker *w, struct call *doubt)
{
	struct call c;

	while (!pausing)
		if (call_choose(w, &c) && !try_call(w, &c, doubt))
			return;
	pausing = 0;
	for (int i = 0; i < SLOTS; i++) {
		c = (struct call){.kind = CLOSE, .slot = i, .node = w->slot[i].node};
		if (w->slot[i].fd >= 0 && !try_call(w, &c, doubt))
			return;
	}
	puts("paused");
}

static void drop_slots(struct worker *w)
{
	for (int i = 0; i < SLOTS; i++) {
		if (w->slot[i].fd >= 0)
			close(w->slot[i].fd);
		if (w->slot[i].node)
			slot_forget(&w->slot[i]);
	}
}

static void verify(struct worker *w, const struct call *doubt)
{
	char without[PATH_MAX + 512], with[PATH_MAX + 512] = "that changes no name and no attribute";

	if (model_compare(&w->model, w->top, without, sizeof(without)) < 0) {
		if (decides_itself(doubt->kind))
			call_apply(w, doubt);
		if (!decides_itself(doubt->kind) || model_compare(&w->model, w->top, with, sizeof(with)) < 0) {
			fprintf(stderr, "worker: %s\nworker: and if the last call (%s) happened: %s\n", without,
				call_name(doubt->kind), with);
			exit(EXIT_FAILURE);
		}
	}
	fprintf(w->log, "as expected after a new mount\n");
	drop_slots(w);
	model_adopt(&w->model, w->top);
	printf("ok %d %llu\n", model_total(&w->model), (unsigned long long)w->calls);
}

int main(int argc, char **argv)
{
	static const struct call none = {.kind = SYNCFS, .slot = -1};
	static struct worker worker;
	struct sigaction action = {.sa_handler = pause_soon, .sa_flags = SA_RESTART};
	struct call doubt = none; /* the call under way when the mount went away */
	char line[64];

	if (argc != 4 || !(worker.log = fopen(argv[3], "w"))) {
		fprintf(stderr, "usage: worker DIR SEED LOG\n");
		return 2;
	}
	worker.top = argv[1];
	worker.random = strtoull(argv[2], NULL, 10);
	worker.model.root.mode = S_IFDIR | 0755;
	worker.model.root.nlink = 1;
	for (int i = 0; i < SLOTS; i++)
		worker.slot[i].fd = -1;
	sigaction(SIGUSR1, &action, NULL);
	umask(022);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "run\n") == 0) {
			run(&worker, &doubt);
		} else if (strcmp(line, "verify\n") == 0) {
			verify(&worker, &doubt);
			doubt = none;
		} else {
			return strcmp(line, "end\n") == 0 ? EXIT_SUCCESS : 2;
		}
	}
	return 2;
}
