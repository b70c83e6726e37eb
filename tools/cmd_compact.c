/*
 * cmd_compact.c - `reel compact`: drops what the present state of a container does not need.
 * Relies on fs_compact(), and on reel_compact() for a container without a file system.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "disk.h"
#include "progress.h"
#include "put.h"
#include "reel.h"
#include "text.h"

/* To where another file cannot take its name. */
static int compact_entries_to(const char *path, const char *to, struct fs_compaction *ret)
{
	struct fs_options as = container_options(FOR_READING);
	struct reel_options options = {.log = as.log, .log_arg = as.log_arg, .progress = as.progress};
	struct reel_compaction sizes = {0};
	int r = reel_convert(path, to, &options, &sizes);

	*ret = (struct fs_compaction){.before = sizes.before, .after = sizes.after};
	return r;
}

static int compact_entries(const char *path, struct fs_compaction *ret)
{
	struct fs_options as = container_options(FOR_WRITING);
	struct reel_options options = {.flags = REEL_AWAIT_STORING,
				       .lock_wait_ms = as.lock_wait_ms,
				       .log = as.log,
				       .log_arg = as.log_arg,
				       .progress = as.progress};
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

/* The new file is made in the container's folder, which may be what refuses it. */
static void complain_compact(const char *path, const char *to, int r)
{
	bool refused = r == -EACCES || r == -EPERM || r == -EROFS || r == -ENOSPC || r == -EDQUOT;

	if (to == NULL && refused && access(path, W_OK) == 0 && disk_protection(path) == 0) {
		forget_library_message();
		complain(path,
			 "no new file that could take its place can be made in its folder (%s); compact it into another one: "
			 "reel compact --output=NEW",
			 strerror(-r));
	} else if (r == -EBUSY) {
		complain_errno(path, r, NULL);
	} else if (to != NULL && r == -EEXIST) {
		forget_library_message();
		complain(to, "exists already (give another name; it is not replaced)");
	} else {
		complain_container(path, r);
	}
}

static int run_compact(const struct args *args)
{
	const char *path = args->operand[0], *to = args_have(args, 'o') ? args->value['o'] : NULL;
	struct fs_options options = container_options(to == NULL ? FOR_WRITING : FOR_READING);
	struct fs_compaction sizes;
	int r;

	put_catch_signals();
	progress_begin("compact", 0);
	r = to == NULL ? fs_compact(path, &options, &sizes) : fs_compact_to(path, to, &options, &sizes);
	if (r == -EMEDIUMTYPE) {
		forget_library_message();
		r = to == NULL ? compact_entries(path, &sizes) : compact_entries_to(path, to, &sizes);
	}
	progress_end();
	if (r == -ECANCELED)
		put_end_if_stopped();
	if (r < 0) {
		complain_compact(path, to, r);
		return STATUS_FAILED;
	}
	show_library_warnings();
	print_result(path, &sizes, args_have(args, 'j'));
	return STATUS_OK;
}

static const struct flag compact_flags[] = {
    {'j', "json", "print a JSON object", NULL},
    {'o', "output", "leave CONTAINER as it is, and write the new container NEW", "NEW"},
    {0},
};

const struct command cmd_compact = {
    .name = "compact",
    .synopsis = "[--json] [--output=NEW] CONTAINER",
    .summary = "make a container smaller: drop old versions and what was removed",
    .details = "Replaces CONTAINER by one that holds just its present state, and prints both sizes.\n"
	       "Superseded contents, what was removed, and the history are gone for good. The old file\n"
	       "stays until the new one is whole and on stable storage, so there must be room for both.\n"
	       "With --output=NEW it stays, and may be mounted meanwhile: for a container whose name no other\n"
	       "file can take, and for a full disk.\n"
	       "'reel info' tells beforehand how much it would save.\n",
    .flags = compact_flags,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_compact,
};
