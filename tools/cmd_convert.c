/*
 * cmd_convert.c - `reel convert`: a container of an older generation of the format as one of the newest.
 * Relies on reel_convert(). Never changes the old container.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "common.h"
#include "progress.h"
#include "put.h"
#include "reel.h"
#include "text.h"

static int run_convert(const struct args *args)
{
	const char *from = args->operand[0], *to = args->operand[1];
	struct fs_options as = container_options(FOR_READING);
	struct reel_options options = {.log = as.log, .log_arg = as.log_arg, .progress = as.progress};
	char before[SIZE_TEXT], after[SIZE_TEXT];
	struct reel_compaction sizes;
	int r;

	put_catch_signals();
	progress_begin("convert", 0);
	r = reel_convert(from, to, &options, &sizes);
	progress_end();
	if (r == -ECANCELED)
		put_end_if_stopped();
	if (r == -EEXIST) {
		forget_library_message();
		complain(to, "exists already (give another name; it is not replaced)");
	} else if (r == -EOPNOTSUPP) {
		forget_library_message();
		complain(from, "it holds a file system and has the newest format already: cp copies it as it is");
	} else if (r == -ENOENT && !same_file(from, from)) {
		forget_library_message();
		complain(from, "no such file");
	} else if (r < 0) {
		complain_container(r == -EBADMSG || r == -EISDIR ? from : to, r);
	}
	if (r < 0)
		return STATUS_FAILED;
	show_library_warnings();
	put_field("entries", "%" PRIu64, sizes.entries);
	put_field("size before", "%s", size_text(sizes.before, before));
	put_field("size after", "%s", size_text(sizes.after, after));
	return STATUS_OK;
}

const struct command cmd_convert = {
    .name = "convert",
    .synopsis = "CONTAINER NEW",
    .summary = "copy a container of an older format into a new one",
    .details = "Writes the live entries of CONTAINER, which may be of any generation of the format, into the\n"
	       "new container NEW, in the newest one. NEW must not exist, and appears whole or not at all.\n"
	       "CONTAINER is not changed.\n",
    .min_operands = 2,
    .max_operands = 2,
    .run = run_convert,
};
