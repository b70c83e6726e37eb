/*
 * cmd_compact.c - `reel compact`: drops what the present state of a container does not need.
 * Relies on fs_compact(), and on reel_compact() for a container without a file system.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "common.h"
#include "progress.h"
#include "put.h"
#include "reel.h"
#include "text.h"

static int compact_entries(const char *path, struct fs_compaction *ret)
{
	struct fs_options as = container_options(FOR_WRITING);
	struct reel_options options = {
	    .lock_wait_ms = as.lock_wait_ms, .log = as.log, .log_arg = as.log_arg, .progress = as.progress};
	struct reel_compaction sizes = {0};
	struct reel *store;
	int r = reel_open(path, &options, &store), one;

	if (r < 0)
		return r;
	r = reel_compact(store, &sizes);
	one = reel_close(store);
	*ret = (struct fs_compaction){.before = sizes.before, .after = sizes.after};
	return r < 0 ? r : one;
}

static void print_result(const char *path, const struct fs_compaction *sizes, bool as_json)
{
	char before[SIZE_TEXT], after[SIZE_TEXT];
	struct json j = {0};

	if (!as_json) {
		put_field("size before", "%s", size_text(sizes->before, before));
		put_field("size after", "%s", size_text(sizes->after, after));
		return;
	}
	json_begin(&j, NULL, '{');
	json_string(&j, "container", path);
	json_number(&j, "before", sizes->before);
	json_number(&j, "after", sizes->after);
	json_end(&j, '}');
}

static int run_compact(const struct args *args)
{
	struct fs_options options = container_options(FOR_WRITING);
	const char *path = args->operand[0];
	struct fs_compaction sizes;
	int r;

	put_catch_signals();
	progress_begin("compact", 0);
	r = fs_compact(path, &options, &sizes);
	if (r == -EMEDIUMTYPE) {
		forget_library_message();
		r = compact_entries(path, &sizes);
	}
	progress_end();
	if (r == -ECANCELED)
		put_end_if_stopped();
	if (r < 0) {
		complain_container(path, r);
		return STATUS_FAILED;
	}
	show_library_warnings();
	print_result(path, &sizes, args_have(args, 'j'));
	return STATUS_OK;
}

static const struct flag compact_flags[] = {
    {'j', "json", "print a JSON object", NULL},
    {0},
};

const struct command cmd_compact = {
    .name = "compact",
    .synopsis = "[--json] CONTAINER",
    .summary = "make a container smaller: drop old versions and what was removed",
    .details = "Replaces CONTAINER by one that holds just its present state, and prints both sizes.\n"
	       "Superseded contents, what was removed, and the history are gone for good. The old file\n"
	       "stays until the new one is whole and on stable storage, so there must be room for both.\n"
	       "'reel info' tells beforehand how much it would save.\n",
    .flags = compact_flags,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_compact,
};
