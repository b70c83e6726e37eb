/*
 * cmd_convert.c - `reel convert`: a container of an older generation of the format as one of the newest.
 * Relies on reel_convert(). Never changes the old container.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "disk.h"
#include "nul_values.h"
#include "progress.h"
#include "put.h"
#include "reel.h"
#include "text.h"

/* How many keys have one NUL byte as their newest entry, and how many entries are one, in a container of the oldest format. */
static int count_nul(const char *from, struct reel_info *ret)
{
	struct reel_options options = {.flags = REEL_RDONLY};
	struct reel *r;
	int err = reel_open(from, &options, &r);

	if (err < 0)
		return err;
	err = reel_info(r, ret);
	(void)reel_close(r);
	return err;
}

/* The values of one NUL byte come after the others, so the container gets its name when they are there. */
static int convert_values(const char *from, const char *to, const struct reel_options *options, struct reel_compaction *sizes)
{
	char *name;
	int err;

	if (access(to, F_OK) == 0 || errno != ENOENT)
		return -EEXIST;
	if (asprintf(&name, "%s.new-%ld.0", to, (long)getpid()) < 0)
		return -ENOMEM;
	err = reel_convert(from, name, options, sizes);
	if (err < 0) {
		free(name);
		return err;
	}
	forget_library_message(); /* of the values that it left out */
	err = nul_values_add(from, name);
	if (err == 0 && put_stopped())
		err = -ECANCELED;
	if (err == 0)
		err = disk_name_new(&disk_real, name, to);
	if (err == 0)
		err = disk_sync_parent(&disk_real, to);
	else
		unlink(name);
	free(name);
	return err;
}

static void complain_convert(const char *from, const char *to, int r)
{
	if (r == -EEXIST) {
		forget_library_message();
		complain(to, "exists already (give another name; it is not replaced)");
	} else if (r == -EOPNOTSUPP) {
		forget_library_message();
		complain(from, "it holds a file system and has the newest format already: cp copies it as it is");
	} else if (r == -ENOENT && !same_file(from, from)) {
		forget_library_message();
		complain(from, "no such file");
	} else {
		complain_container(r == -EBADMSG || r == -EISDIR ? from : to, r);
	}
}

/* Nothing in the file says what they are; so who converts is told what was done with them. */
static void tell_nul(const char *from, const char *to, const struct reel_info *info, bool values)
{
	const char *plural = info->nul_keys == 1 ? "" : "s";

	if (info->nul_keys == 0)
		return;
	if (values)
		complain(from,
			 "the value of %" PRIu64 " key%s is one NUL byte, which the newest format cannot hold: %s has a file "
			 "system, and in its root directory a file for each, named by the hash of the key",
			 info->nul_keys, plural, to);
	else
		complain(from,
			 "the newest entry of %" PRIu64 " key%s is one NUL byte: taken for a deletion, as 0.1.0-alpha2 means "
			 "it. 0.1.0-alpha, which knew none, means a value: if it wrote the container, --nul=value keeps it",
			 info->nul_keys, plural);
}

static int run_convert(const struct args *args)
{
	const char *from = args->operand[0], *to = args->operand[1];
	struct fs_options as = container_options(FOR_READING);
	struct reel_options options = {.log = as.log, .log_arg = as.log_arg, .progress = as.progress};
	char before[SIZE_TEXT], after[SIZE_TEXT];
	struct reel_compaction sizes;
	struct reel_info info = {0};
	struct stat st;
	int r;

	put_catch_signals();
	progress_begin("convert", 0);
	/* What keeps it from being read is told by the conversion. */
	(void)count_nul(from, &info);
	if (as.nul_values)
		options.flags = REEL_NUL_VALUES;
	if (as.nul_values && info.nul_keys > 0)
		r = convert_values(from, to, &options, &sizes);
	else
		r = reel_convert(from, to, &options, &sizes);
	progress_end();
	if (r == -ECANCELED)
		put_end_if_stopped();
	if (r < 0) {
		complain_convert(from, to, r);
		return STATUS_FAILED;
	}
	show_library_warnings();
	tell_nul(from, to, &info, as.nul_values);
	if (as.nul_values && stat(to, &st) == 0)
		sizes.after = (uint64_t)st.st_size;
	put_field("entries", "%" PRIu64, sizes.entries + (as.nul_values ? info.nul_keys : 0));
	put_field("size before", "%s", size_text(sizes.before, before));
	put_field("size after", "%s", size_text(sizes.after, after));
	return STATUS_OK;
}

static const struct flag convert_flags[] = {
    FLAG_NUL,
    {0},
};

const struct command cmd_convert = {
    .name = "convert",
    .synopsis = "[--nul=MEANING] CONTAINER NEW",
    .summary = "copy a container of an older format into a new one",
    .details = "Writes the live entries of CONTAINER, which may be of any generation of the format, into the\n"
	       "new container NEW, in the newest one. NEW must not exist, and appears whole or not at all.\n"
	       "CONTAINER is not changed.\n"
	       "In the oldest format one NUL byte is a deletion for 0.1.0-alpha2 and a value for 0.1.0-alpha, and\n"
	       "nothing tells whose a container is: --nul=value keeps them, as files, since the newest format\n"
	       "cannot hold them.\n",
    .flags = convert_flags,
    .min_operands = 2,
    .max_operands = 2,
    .run = run_convert,
};
