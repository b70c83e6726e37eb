/*
 * cmd_info.c - `reel info`: what a container is and holds, in numbers.
 * Relies on fs_info() and reel_info().
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "common.h"
#include "reel.h"
#include "text.h"

#define ID_TEXT 33

struct numbers {
	struct reel_info store;
	struct fs_info tree; /* of a container with a file system */
	uint64_t saving;     /* what compaction would free */
	uint64_t torn;
	bool nul_values; /* one NUL byte was taken for a value */
};

static int estimate(const struct container *c, struct numbers *n)
{
	struct reel_compaction sizes;
	int r;

	if (c->tree)
		return fs_compact_estimate(c->fs, &n->saving);
	r = reel_compact_estimate(fs_store(c->fs), &sizes);
	n->saving = r == 0 && sizes.before > sizes.after ? sizes.before - sizes.after : 0;
	return r;
}

static int gather(const struct container *c, struct numbers *n)
{
	int r = reel_info(fs_store(c->fs), &n->store);

	if (r == 0 && c->tree)
		r = fs_info(c->fs, &n->tree);
	if (r == 0)
		r = estimate(c, n);
	if (r < 0) {
		complain_errno(c->path, r, NULL);
		return r;
	}
	n->torn = n->store.disk_size > n->store.file_size ? n->store.disk_size - n->store.file_size : 0;
	return 0;
}

static const char *id_text(const uint8_t id[16], char buf[ID_TEXT])
{
	for (int i = 0; i < 16; i++)
		snprintf(buf + 2 * i, 3, "%02x", id[i]);
	return buf;
}

static struct timespec made_at(const struct fs_info *info)
{
	return (struct timespec){.tv_sec = (time_t)(info->created_ns / 1000000000),
				 .tv_nsec = (long)(info->created_ns % 1000000000)};
}

/* The versions of simd-r-drive that write the format. */
static const char *format_text(unsigned generation)
{
	switch (generation) {
	case 64:
		return "0.15 and later";
	case 16:
		return "0.14 (an older format, read-only)";
	case 1:
		return "0.1.0-alpha3 to 0.13 (an older format, read-only)";
	default:
		return "0.1.0-alpha (an older format, read-only)";
	}
}

static void print_text(const struct container *c, const struct numbers *n)
{
	char size[SIZE_TEXT], when[TIME_TEXT], id[ID_TEXT];
	struct timespec made = made_at(&n->tree);

	fputs("container        ", stdout);
	put_name(c->path);
	putchar('\n');
	put_field("kind", "%s", c->tree ? "file system" : "entries only, no file system");
	put_field("format", "simd-r-drive %s", format_text(n->store.generation));
	put_field("size", "%s", size_text(n->store.file_size, size));
	put_field("torn bytes", "%s", size_text(n->torn, size));
	put_field("live bytes", "%s", size_text(n->store.live_bytes, size));
	put_field("estimated saving", "%s", size_text(n->saving, size));
	put_field("entries", "%" PRIu64, n->store.entries);
	put_field("live entries", "%" PRIu64, n->store.live);
	put_field("tombstones", "%" PRIu64, n->store.tombstones);
	if (n->store.nul_entries > 0)
		put_field("one NUL byte",
			  "%" PRIu64 " entries, the newest of %" PRIu64
			  " keys: taken for %s; 0.1.0-alpha2 wrote them as deletions, "
			  "0.1.0-alpha as values, and nothing tells which (--nul=%s)",
			  n->store.nul_entries, n->store.nul_keys, n->nul_values ? "values" : "deletions",
			  n->nul_values ? "deletion" : "value");
	if (!c->tree)
		return;
	put_field("id", "%s", id_text(n->tree.container_id, id));
	put_field("made", "%s", long_time_text(&made, when));
	put_field("sequence", "%" PRIu64, n->tree.sequence);
	put_field("inodes", "%" PRIu64, n->tree.inodes);
	put_field("directories", "%" PRIu64, n->tree.directories);
	put_field("regular files", "%" PRIu64, n->tree.regular_files);
	put_field("bytes in files", "%s", size_text(n->tree.bytes, size));
	put_field("foreign entries", "%" PRIu64, n->tree.foreign);
	put_field("replayed", "%" PRIu64 " transactions since the last checkpoint", n->tree.since_checkpoint);
	put_field("clean", "%s", n->tree.clean ? "yes" : "no (in use, or not unmounted; nothing committed is lost)");
}

static void print_json(const struct container *c, const struct numbers *n)
{
	char when[TIME_TEXT], id[ID_TEXT];
	struct timespec made = made_at(&n->tree);
	struct json j = {0};

	json_begin(&j, NULL, '{');
	json_string(&j, "container", c->path);
	json_bool(&j, "file_system", c->tree);
	json_number(&j, "generation", n->store.generation);
	json_number(&j, "size", n->store.file_size);
	json_number(&j, "torn_bytes", n->torn);
	json_number(&j, "live_bytes", n->store.live_bytes);
	json_number(&j, "estimated_saving", n->saving);
	json_number(&j, "entries", n->store.entries);
	json_number(&j, "live_entries", n->store.live);
	json_number(&j, "tombstones", n->store.tombstones);
	json_number(&j, "nul_entries", n->store.nul_entries);
	json_number(&j, "nul_keys", n->store.nul_keys);
	if (c->tree) {
		json_string(&j, "id", id_text(n->tree.container_id, id));
		json_string(&j, "made", iso_time_text(&made, when));
		json_number(&j, "sequence", n->tree.sequence);
		json_number(&j, "inodes", n->tree.inodes);
		json_number(&j, "directories", n->tree.directories);
		json_number(&j, "regular_files", n->tree.regular_files);
		json_number(&j, "bytes_in_files", n->tree.bytes);
		json_number(&j, "foreign_entries", n->tree.foreign);
		json_number(&j, "transactions_since_checkpoint", n->tree.since_checkpoint);
		json_bool(&j, "clean", n->tree.clean);
	}
	json_end(&j, '}');
}

static int run_info(const struct args *args)
{
	struct numbers n = {.nul_values = container_options(FOR_READING).nul_values};
	struct container c;
	int r;

	if (container_open(args->operand[0], FOR_READING, &c) < 0)
		return STATUS_FAILED;
	warn_storing(&c);
	r = gather(&c, &n);
	if (r == 0 && args_have(args, 'j'))
		print_json(&c, &n);
	else if (r == 0)
		print_text(&c, &n);
	return container_close(&c) < 0 || r < 0 ? STATUS_FAILED : STATUS_OK;
}

static const struct flag info_flags[] = {
    {'j', "json", "print a JSON object", NULL},
    FLAG_NUL,
    {0},
};

const struct command cmd_info = {
    .name = "info",
    .synopsis = "[--json] [--nul=MEANING] CONTAINER",
    .summary = "show what a container holds, in numbers",
    .details = "Shows sizes, numbers of entries and files, and whether the container was unmounted cleanly.\n"
	       "The estimated saving is what 'reel compact' would free.\n"
	       "Torn bytes follow the last whole entry: an append that a crash cut off, or one that a\n"
	       "mount is making right now.\n",
    .flags = info_flags,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_info,
};
