/*
 * cmd_check.c - `reel check`: looks for damage in a container, and copies what is whole of it into another.
 * Relies on fs_check() and fs_repair(), and on the store where there is no tree. Never changes the container.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "common.h"
#include "engine.h"
#include "filetype.h"
#include "progress.h"
#include "put.h"
#include "reel.h"
#include "text.h"

struct report {
	const char *path;
	bool json;
	struct json j;
	uint64_t faults;
	bool cut_short; /* a part of the container could not be reached */
	bool in_use;    /* a writer has it open: what follows the last whole entry may be under way */
	uint64_t torn;  /* bytes that followed it when the container was opened; a writer may have added more since */
	uint64_t sequence;
	int64_t time_ns; /* of the newest transaction; 0: there is none */
};

static void report_begin(struct report *rep)
{
	if (!rep->json)
		return;
	json_begin(&rep->j, NULL, '{');
	json_string(&rep->j, "container", rep->path);
	json_begin(&rep->j, "faults", '[');
}

/* One fault is one line, whatever names it holds. */
static void report_fault(void *arg, const char *text)
{
	struct report *rep = arg;

	rep->faults++;
	if (rep->json) {
		json_string(&rep->j, NULL, text);
		return;
	}
	progress_pause();
	put_escaped(stdout, text, strlen(text), false);
	putchar('\n');
	progress_resume();
}

/* What the library warned of when it opened the container is damage too. */
static void report_warnings(struct report *rep)
{
	char text[MESSAGE_MAX];

	while (take_library_warning(text)) {
		report_fault(rep, text);
		rep->cut_short = true;
	}
}

/* Bytes that no writer is just adding are not clean: it may be a copy that has lost much more. */
static void report_torn(struct report *rep, const struct reel_info *info)
{
	char text[512];

	if (rep->torn == 0 || rep->cut_short)
		return;
	if (rep->in_use) {
		if (!rep->json)
			printf("note: the container is in use, and the last %" PRIu64
			       " bytes are an append that is under way\n",
			       rep->torn);
		return;
	}
	snprintf(text, sizeof(text),
		 "the last %" PRIu64 " bytes, after offset %" PRIu64
		 ", are an append that was not finished: a crash cut it off, or this is a copy that is not complete. A mount "
		 "or 'fsck.reelfs -p' takes them away",
		 rep->torn, info->file_size);
	report_fault(rep, text);
}

static struct timespec time_of(const struct report *rep)
{
	return (struct timespec){.tv_sec = (time_t)(rep->time_ns / 1000000000), .tv_nsec = (long)(rep->time_ns % 1000000000)};
}

static void report_json_end(struct report *rep, const struct reel_info *info)
{
	const struct timespec t = time_of(rep);
	char text[TIME_TEXT];

	json_end(&rep->j, ']');
	json_bool(&rep->j, "clean", rep->faults == 0);
	if (rep->time_ns > 0) {
		json_number(&rep->j, "sequence", rep->sequence);
		json_string(&rep->j, "time", iso_time_text(&t, text));
	} else {
		json_null(&rep->j, "sequence");
		json_null(&rep->j, "time");
	}
	json_bool(&rep->j, "in_use", rep->in_use);
	json_number(&rep->j, "entries", info->entries);
	json_number(&rep->j, "bytes", info->file_size);
	json_number(&rep->j, "torn_bytes", rep->torn);
	json_end(&rep->j, '}');
}

static void report_end(struct report *rep, const struct reel_info *info)
{
	char state[128] = "", text[TIME_TEXT];
	const struct timespec t = time_of(rep);

	report_torn(rep, info);
	if (rep->json) {
		report_json_end(rep, info);
		return;
	}
	if (rep->time_ns > 0)
		snprintf(state, sizeof(state), "transaction %" PRIu64 " of %s, ", rep->sequence, long_time_text(&t, text));
	put_escaped(stdout, rep->path, strlen(rep->path), false);
	if (rep->faults == 0)
		printf(": clean: %s%" PRIu64 " entries, %" PRIu64 " bytes checked\n", state, info->entries, info->file_size);
	else
		printf(": %" PRIu64 " fault%s found in %s%" PRIu64 " entries, %" PRIu64 " bytes\n", rep->faults,
		       rep->faults == 1 ? "" : "s", state, info->entries, info->file_size);
}

static int check_open(struct container *c, struct report *rep)
{
	struct reel_info info;
	struct fs_info state;
	int64_t n;
	int r = fs_info(c->fs, &state);

	if (r < 0) {
		complain_errno(c->path, r, NULL);
		return STATUS_USAGE;
	}
	rep->sequence = state.sequence;
	rep->time_ns = state.time_ns;
	report_begin(rep);
	report_warnings(rep);
	progress_begin("check", 0);
	n = fs_check(c->fs, report_fault, rep);
	progress_end();
	if (n < 0) {
		complain_errno(c->path, (int)n, NULL);
		return STATUS_USAGE;
	}
	r = reel_info(fs_store(c->fs), &info);
	if (r < 0) {
		complain_errno(c->path, r, NULL);
		return STATUS_USAGE;
	}
	report_end(rep, &info);
	return rep->faults == 0 && n == 0 ? STATUS_OK : STATUS_FAILED;
}

/*
 * Opens the container so that a torn end is one: where it has some and a writer is there now, they may be that one's; and
 * where one was there they may be whole by now.
 */
static int open_to_check(struct report *rep, struct container *ret)
{
	struct fs_info info;
	int r;

	for (bool again = false;; again = true) {
		r = container_try(rep->path, FOR_READING, ret);
		if (r < 0)
			return r;
		r = fs_info(ret->fs, &info);
		rep->torn = r < 0 ? 0 : info.torn;
		rep->in_use = rep->torn > 0 && reel_has_writer(fs_store(ret->fs)) > 0;
		if (rep->torn == 0 || rep->in_use || again)
			return 0;
		r = fs_close(ret->fs);
		forget_library_message();
		if (r < 0)
			return r;
	}
}

static bool unread(struct reel *store)
{
	return reel_unread(store, 0, 0, reel_file_size(store));
}

/* -EIO: what is zeros for the moment is not told as damage. */
static int tell_unread(struct reel *store)
{
	uint64_t at;
	int err = reel_unread_error(store, 0, reel_file_size(store), &at);

	reel_log(store, LOG_ERR,
		 "%s: reading the container failed at offset %" PRIu64 " (%s), and it was not checked any further. Try again "
		 "when the disk or server delivers it",
		 reel_path(store), at, reel_explain(err));
	return -EIO;
}

static int check_entries(struct reel *store, struct report *rep)
{
	char text[256];
	struct reel_iter *it;
	struct reel_entry e;
	int r = reel_iter_new(store, false, &it);

	if (r < 0)
		return r;
	while ((r = reel_iter_next(it, &e)) > 0) {
		if (!reel_entry_valid(&e) && !unread(store)) {
			snprintf(text, sizeof(text), "entry at offset %" PRIu64 ": its bytes do not have the stored checksum",
				 e.offset);
			report_fault(rep, text);
		}
		reel_entry_release(&e);
	}
	reel_iter_free(it);
	if (unread(store))
		return tell_unread(store);
	if (r == -EBADMSG) {
		report_fault(rep, "the chain of entries is broken: what lies before is not reachable");
		r = 0;
	}
	return r;
}

/*
 * Of a container whose file system cannot be opened at least the entries are checked. -EBADMSG: it is
 * not even a container.
 */
static int check_without_tree(struct report *rep)
{
	struct reel_options options = {.flags = REEL_RDONLY, .log = library_log};
	struct reel_info info;
	struct reel *store;
	char why[MESSAGE_MAX];
	int r = reel_open(rep->path, &options, &store);

	if (r < 0)
		return r;
	/* Of what is behind the damage nothing more can be said. */
	rep->cut_short = true;
	report_begin(rep);
	report_fault(rep, take_library_message(why) ? why : "the file system in it is damaged and cannot be opened");
	r = check_entries(store, rep);
	if (r == 0)
		r = reel_info(store, &info);
	if (r == 0)
		report_end(rep, &info);
	reel_close(store);
	return r;
}

/* --- repair ------------------------------------------------------------------------------------------------ */

static void put_count(struct report *rep, const char *label, const char *key, uint64_t n)
{
	if (rep->json)
		json_number(&rep->j, key, n);
	else if (n > 0)
		put_field(label, "%" PRIu64, n);
}

/* Each entry is in one of the four. */
static void report_entries(struct report *rep, const struct fs_repair_entries *n)
{
	if (!rep->json) {
		put_field("entries", "%" PRIu64 ": %" PRIu64 " whole, %" PRIu64 " damaged, %" PRIu64 " lost, %" PRIu64 " dead",
			  n->all, n->whole, n->damaged, n->lost, n->dead);
		return;
	}
	json_begin(&rep->j, "entries", '{');
	json_number(&rep->j, "all", n->all);
	json_number(&rep->j, "whole", n->whole);
	json_number(&rep->j, "damaged", n->damaged);
	json_number(&rep->j, "lost", n->lost);
	json_number(&rep->j, "dead", n->dead);
	json_end(&rep->j, '}');
}

static void report_repair(struct report *rep, const char *out, const struct fs_repair *done)
{
	char size[SIZE_TEXT];

	if (rep->json) {
		json_end(&rep->j, ']');
		json_string(&rep->j, "repaired", out);
		json_number(&rep->j, "bytes", done->after);
	} else {
		put_escaped(stdout, out, strlen(out), false);
		printf(": has what is whole of ");
		put_escaped(stdout, rep->path, strlen(rep->path), false);
		printf(" (%s)\n", size_text(done->after, size));
	}
	put_count(rep, "whole", "whole", done->whole);
	put_count(rep, "kept in part", "damaged", done->damaged);
	put_count(rep, "left out", "lost", done->lost);
	put_count(rep, "in lost+found", "found", done->found);
	report_entries(rep, &done->entries);
	if (rep->json)
		json_end(&rep->j, '}');
}

/* A container without a file system: its values take the place of files in the report. */
static int repair_entries(struct report *rep, const char *out, struct fs_repair *ret)
{
	struct fs_options as = container_options(FOR_READING);
	struct reel_options options = {.log = as.log, .log_arg = as.log_arg, .progress = as.progress};
	struct reel_salvaged done;
	int r = reel_salvage(rep->path, out, &options, report_fault, rep, &done);

	*ret = (struct fs_repair){
	    .whole = done.entries, .lost = done.damaged, .unknown = done.unknown, .before = done.before, .after = done.after};
	ret->entries = (struct fs_repair_entries){
	    .all = done.all, .whole = done.entries, .lost = done.all - done.entries - done.dead, .dead = done.dead};
	return r;
}

static int repair(struct report *rep, const char *out)
{
	struct fs_options options = container_options(FOR_READING);
	struct fs_repair done = {0};
	int r;

	if (out[0] == '\0') {
		complain(NULL, "option '--repair' needs the name of a new file (see 'reel check --help')");
		return STATUS_USAGE;
	}
	if (same_file(rep->path, out)) {
		complain(out, "is the damaged container itself (name a new file: what is whole is copied into it)");
		return STATUS_USAGE;
	}
	options.type = filetype_text;
	report_begin(rep);
	put_catch_signals();
	progress_begin("repair", 0);
	r = fs_repair(rep->path, out, &options, report_fault, rep, &done);
	filetype_end();
	if (r == -EMEDIUMTYPE)
		r = repair_entries(rep, out, &done);
	progress_end();
	if (r == -ECANCELED)
		put_end_if_stopped();
	if (r == -EEXIST) {
		forget_library_message();
		complain(out, "exists already (name a new file: what is whole is copied into it)");
	} else if (r == -EBADMSG) {
		forget_library_message();
		complain(rep->path, "nothing in it could be recognised as part of a container; no file was made");
	} else if (r == -ENOENT && same_file(rep->path, rep->path)) {
		forget_library_message();
		complain(out, "no such directory (make it first)");
	} else if (r < 0) {
		complain_container(r == -EBUSY || done.unread || !same_file(rep->path, rep->path) ? rep->path : out, r);
	}
	if (r < 0)
		return STATUS_USAGE;
	report_repair(rep, out, &done);
	forget_library_message();
	return rep->faults == 0 ? STATUS_OK : STATUS_FAILED;
}

static int run_check(const struct args *args)
{
	struct report rep = {.path = args->operand[0], .json = args_have(args, 'j')};
	struct container c;
	int status, r;

	if (args_have(args, 'r'))
		return repair(&rep, args->value['r']);
	r = open_to_check(&rep, &c);
	if (r == -EBADMSG) {
		int without = check_without_tree(&rep);
		if (without == 0)
			return STATUS_FAILED;
		r = without == -EIO ? without : r;
	}
	if (r < 0) {
		complain_container(rep.path, r);
		return STATUS_USAGE;
	}
	warn_storing(&c);
	status = check_open(&c, &rep);
	forget_library_message();
	return container_close(&c) < 0 ? STATUS_USAGE : status;
}

static const struct flag check_flags[] = {
    {'j', "json", "print a JSON object", NULL},
    {'r', "repair", "copy what is whole into the new container OUT", "OUT"},
    {0},
};

const struct command cmd_check = {
    .name = "check",
    .synopsis = "[--json] [--repair=OUT] CONTAINER",
    .summary = "look for damage; copy what is whole",
    .details = "Reads the whole container and checks every checksum, link, transaction, name and file.\n"
	       "Prints a line for each fault and a last line that sums up, with the number and time of the\n"
	       "newest transaction: of then is what was checked. Changes nothing in CONTAINER.\n"
	       "Exit status: 0 no faults, 1 faults, 2 the container could not be checked.\n"
	       "\n"
	       "With --repair=OUT what is whole is copied into the new container OUT, and each thing that is\n"
	       "not is a line. A file that is damaged in part is kept as NAME.damaged, with zero bytes for what\n"
	       "is damaged; what has lost its name is in lost+found. Nobody may have CONTAINER mounted.\n"
	       "Exit status: 0 all was whole, 1 not all was and OUT has the rest, 2 OUT could not be made.\n",
    .flags = check_flags,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_check,
};
