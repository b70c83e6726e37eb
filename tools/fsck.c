/*
 * fsck.c - the program fsck.reelfs: what fsck(8) runs on a container, with the options and exit statuses of e2fsck(8).
 * Relies on fs_check() for the search and on opening a container for the one repair that it makes in place: a torn
 * append is cut off. It never changes a container in which it found anything else.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "engine.h"
#include "inherited.h"
#include "progress.h"
#include "reel.h"
#include "text.h"

/* As fsck(8) has them; they are or'ed by it. */
enum fsck_status {
	FSCK_CLEAN = 0,
	FSCK_CORRECTED = 1,
	FSCK_UNCORRECTED = 4,
	FSCK_ERROR = 8, /* it could not be checked */
	FSCK_USAGE = 16,
	FSCK_CANCELLED = 32,
};

enum repair {
	REPAIR_ASK, /* on a terminal; elsewhere as REPAIR_NEVER */
	REPAIR_NEVER,
	REPAIR_ALWAYS,
};

struct fsck {
	const char *path;
	const char *keep_torn; /* where the bytes of a torn append go, or NULL */
	enum repair repair;
	bool force, verbose, timing;
	int progress_fd; /* -1: none */
	uint64_t shown;  /* of the progress, in percent */
	int64_t faults;
	struct fs_info info;
};

static void put_line(const struct fsck *f, const char *text)
{
	progress_pause();
	put_escaped(stdout, f->path, strlen(f->path), false);
	fputs(": ", stdout);
	put_escaped(stdout, text, strlen(text), false);
	putchar('\n');
	progress_resume();
}

static void tell(const struct fsck *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct fsck *f, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_line(f, text);
}

/* What the library said; it begins with the path as a rule. */
static void put_library_message(const struct fsck *f, const char *text)
{
	size_t len = strlen(f->path);

	put_line(f, strncmp(text, f->path, len) == 0 && text[len] == ':' ? text + len + 1 + strspn(text + len + 1, " ") : text);
}

static void report_fault(void *arg, const char *text)
{
	struct fsck *f = arg;

	f->faults++;
	put_line(f, text);
}

/* Nothing is changed while it checks: it can end at any moment. */
static void cancel(int sig)
{
	(void)sig;
	_exit(FSCK_CANCELLED);
}

static void catch_signals(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* (I2) Whoever started it may have kept them for itself. */
static void unblock_signals(void)
{
	sigset_t cancelling;

	sigemptyset(&cancelling);
	sigaddset(&cancelling, SIGINT);
	sigaddset(&cancelling, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &cancelling, NULL);
}

/* One line for each percent: the pass, how far it is, how far it goes, the container. */
static int show_progress(void *arg, uint64_t done, uint64_t total)
{
	struct fsck *f = arg;
	uint64_t percent = total > 0 ? done * 100 / total : 100;

	progress_set(done, total);
	if (f->progress_fd > 0 && percent > f->shown) {
		f->shown = percent;
		dprintf(f->progress_fd, "1 %" PRIu64 " 100 %s\n", percent, f->path);
	}
	return 0;
}

/* --- the steps --------------------------------------------------------------------------------------------- */

static const char *advice(int err)
{
	switch (-err) {
	case EISDIR:
		return "it is a directory; give the container file";
	case ENOENT:
		return "there is no such file";
	case EBUSY:
		return "another program has it open for writing";
	default:
		return strerror(-err);
	}
}

static int complain_operational(const struct fsck *f, int err)
{
	char text[MESSAGE_MAX];

	if (take_library_message(text))
		put_library_message(f, text);
	else
		put_line(f, advice(err));
	return FSCK_ERROR;
}

static void advise_repair(const struct fsck *f)
{
	tell(f, "damaged; nothing was changed. What is whole can be copied: reel check --repair=NEW %s", f->path);
}

/* The tree cannot be read. Is it a container at all? */
static int judge_unreadable(const struct fsck *f)
{
	struct reel_options options = {.flags = REEL_RDONLY};
	struct reel *store;
	char text[MESSAGE_MAX];

	if (take_library_message(text))
		put_library_message(f, text);
	if (reel_open(f->path, &options, &store) < 0) {
		put_line(f,
			 "not a container, or damaged from its first entry on; 'reel check --repair=NEW' copies what is whole");
		return FSCK_ERROR;
	}
	reel_close(store);
	advise_repair(f);
	return FSCK_UNCORRECTED;
}

static bool may_repair(const struct fsck *f)
{
	char answer[16];

	if (f->repair != REPAIR_ASK)
		return f->repair == REPAIR_ALWAYS;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return false;
	printf("Cut it off (y/n)? ");
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* The open that is for writing cuts the torn append, and says so in a warning. */
static int cut_torn(const struct fsck *f)
{
	struct fs_options options = {.keep_torn = f->keep_torn, .log = library_log};
	char text[MESSAGE_MAX];
	struct fs *fs;
	int r;

	catch_signals(SIG_IGN);
	r = fs_open(f->path, &options, &fs);
	if (r == 0)
		r = fs_close(fs);
	if (r < 0)
		return complain_operational(f, r);
	while (take_library_warning(text))
		put_library_message(f, text);
	return FSCK_CORRECTED;
}

static int handle_torn(const struct fsck *f)
{
	const struct timespec t = {.tv_sec = (time_t)(f->info.time_ns / 1000000000),
				   .tv_nsec = (long)(f->info.time_ns % 1000000000)};
	char text[TIME_TEXT];

	tell(f, "the last %" PRIu64 " bytes are an append that was not finished", f->info.torn);
	if (f->info.time_ns > 0)
		tell(f, "without them it is of %s (transaction %" PRIu64 ")", long_time_text(&t, text), f->info.sequence);
	if (may_repair(f))
		return cut_torn(f);
	put_line(f, "not repaired; fsck.reelfs -p cuts it off, and so does the next mount");
	return FSCK_UNCORRECTED;
}

static void summarize(const struct fsck *f, const char *state)
{
	char size[SIZE_TEXT];

	tell(f, "%s, %" PRIu64 " inodes, %s", state, f->info.inodes, size_text(f->info.file_size, size));
	if (!f->verbose)
		return;
	put_field("directories", "%" PRIu64, f->info.directories);
	put_field("regular files", "%" PRIu64, f->info.regular_files);
	put_field("bytes in them", "%s", size_text(f->info.bytes, size));
	put_field("transactions", "%" PRIu64, f->info.sequence);
}

/* The whole container is read. 1: there are faults; an error, of reading. */
static int check_all(struct fsck *f, struct fs *fs)
{
	int64_t n;

	progress_begin("check", 0);
	n = fs_check(fs, report_fault, f);
	progress_end();
	if (n < 0)
		return (int)n;
	return n > 0 || f->faults > 0;
}

/* The status, or -1: sound but for a torn append, which is to be seen to with the container closed. */
static int check_open(struct fsck *f, struct fs *fs)
{
	char text[MESSAGE_MAX];
	bool in_use;
	int r = reel_keep_writers_out(fs_store(fs));

	in_use = r == -EBUSY;
	if (r < 0 && (!in_use || f->repair != REPAIR_NEVER))
		return complain_operational(f, r);
	if (in_use) {
		forget_library_message();
		put_line(f, "warning: it is in use: checked as it was when this began");
	}
	/* Of a container that has lost its tail, what is left opens for reading. */
	while (take_library_warning(text)) {
		f->faults++;
		put_library_message(f, text);
	}
	r = fs_info(fs, &f->info);
	if (r < 0)
		return complain_operational(f, r);
	if (f->info.clean && f->info.torn == 0 && f->faults == 0 && !f->force) {
		summarize(f, "clean");
		return FSCK_CLEAN;
	}
	r = check_all(f, fs);
	if (r < 0)
		return complain_operational(f, r);
	if (r > 0) {
		advise_repair(f);
		return FSCK_UNCORRECTED;
	}
	if (f->info.torn > 0 && !in_use)
		return -1;
	summarize(f, f->info.clean || !fs_has_tree(fs) ? "checked" : "was not unmounted; checked");
	return FSCK_CLEAN;
}

static int run(struct fsck *f)
{
	struct fs_options options = {.read_only = true, .log = library_log, .progress = show_progress, .progress_arg = f};
	struct fs *fs;
	int r = fs_open(f->path, &options, &fs), status;

	if (r == -EBADMSG)
		return judge_unreadable(f);
	if (r < 0)
		return complain_operational(f, r);
	status = check_open(f, fs);
	r = fs_close(fs);
	if (r < 0 && status <= 0)
		return complain_operational(f, r);
	return status < 0 ? handle_torn(f) : status;
}

/* --- the command line -------------------------------------------------------------------------------------- */

static const char usage[] = "Usage: fsck.reelfs [-apnyfvt] [-C FD] [--keep-torn=FILE] CONTAINER\n"
			    "\n"
			    "Checks a container, and cuts off an append that was not finished.\n"
			    "\n"
			    "  -a, -p              repair what is safe to repair without asking\n"
			    "  -y                  the same\n"
			    "  -n                  change nothing; works also while the container is mounted\n"
			    "  -f                  read all of it, also when it was unmounted cleanly\n"
			    "  -v                  say more\n"
			    "  -t                  say how long it took\n"
			    "  -C FD               write the progress to this descriptor\n"
			    "      --keep-torn=FILE  save what is cut off in FILE\n"
			    "  -V, --version       show the version\n"
			    "      --help          show this text\n"
			    "\n"
			    "Exit status: 0 no faults, 1 repaired, 4 faults are left, 8 it could not be checked, 16 wrong\n"
			    "usage, 32 ended by a signal. See fsck.reelfs(8).\n";

enum { OPTION_HELP = 256, OPTION_KEEP_TORN };

static int wrong_usage(const char *why)
{
	fprintf(stderr, "fsck.reelfs: %s (see fsck.reelfs --help)\n", why);
	return FSCK_USAGE;
}

static bool read_descriptor(const char *text, int *ret)
{
	char *end;
	long n = strtol(text, &end, 10);

	*ret = (int)n;
	return end != text && *end == 0 && n >= -1 && n <= 1 << 20;
}

/* -1: go on; otherwise the exit status. */
static int read_command_line(struct fsck *f, int argc, char **argv)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, OPTION_HELP},
	    {"version", no_argument, NULL, 'V'},
	    {"keep-torn", required_argument, NULL, OPTION_KEEP_TORN},
	    {0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "apynfvtVC:", options, NULL)) != -1) {
		switch (c) {
		case 'a':
		case 'p':
		case 'y':
			if (f->repair == REPAIR_NEVER)
				return wrong_usage("-n does not go with -a, -p and -y");
			f->repair = REPAIR_ALWAYS;
			break;
		case 'n':
			if (f->repair == REPAIR_ALWAYS)
				return wrong_usage("-n does not go with -a, -p and -y");
			f->repair = REPAIR_NEVER;
			break;
		case 'f':
			f->force = true;
			break;
		case 'v':
			f->verbose = true;
			break;
		case 't':
			f->timing = true;
			break;
		case 'C':
			if (!read_descriptor(optarg, &f->progress_fd))
				return wrong_usage("-C needs the number of a descriptor");
			/* Else the container would get that number. */
			if (f->progress_fd > 0 && fcntl(f->progress_fd, F_GETFD) < 0)
				return wrong_usage("-C: there is no such descriptor open");
			break;
		case OPTION_KEEP_TORN:
			f->keep_torn = optarg;
			break;
		case 'V':
			printf("fsck.reelfs %s\n", PACKAGE_VERSION);
			return FSCK_CLEAN;
		case OPTION_HELP:
			fputs(usage, stdout);
			return FSCK_CLEAN;
		default:
			return FSCK_USAGE;
		}
	}
	if (argc - optind != 1)
		return wrong_usage("give one container");
	f->path = argv[optind];
	return -1;
}

int main(int argc, char **argv)
{
	struct fsck f = {.progress_fd = -1};
	const bool nobody_to_tell = fcntl(STDOUT_FILENO, F_GETFD) < 0;
	struct timespec start, end;
	bool checks;
	int status;

	inherited_fill_standard(); /* I1 */
	status = read_command_line(&f, argc, argv);
	checks = status < 0;
	if (checks) {
		inherited_close(argv, f.progress_fd);
		(void)fs_guard_faults(); /* without it a failing disk ends the process, which is an error too */
		catch_signals(cancel);
		unblock_signals();
		signal(SIGPIPE, SIG_IGN); /* who reads what it says does not decide what becomes of the container */
		signal(SIGXFSZ, SIG_IGN); /* --keep-torn past the limit on the size of files is an error like any other */
		clock_gettime(CLOCK_MONOTONIC, &start);
		status = run(&f);
		clock_gettime(CLOCK_MONOTONIC, &end);
		if (f.timing)
			tell(&f, "took %.2f s",
			     (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
	}
	/* Who has closed standard output wants the status alone. */
	if (finish_output() < 0 && !(checks && nobody_to_tell))
		status |= FSCK_ERROR;
	return status;
}
