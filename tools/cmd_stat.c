/*
 * cmd_stat.c - `reel stat`: everything about one file or entry.
 * Relies on paths.h, keys.h, text.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common.h"
#include "file_json.h"
#include "keys.h"
#include "paths.h"
#include "progress.h"
#include "text.h"

#define READ_SIZE (1 << 20)

/* --- files --------------------------------------------------------------------------------------- */

static void print_extent(void *arg, const struct fs_extent_info *x)
{
	bool *any = arg;

	if (!*any)
		put_field("extents", "file offset, length, offset in the container, key hash, checksum of the entry");
	*any = true;
	if (x->container_offset == UINT64_MAX)
		put_field("", "%" PRIu64 " %" PRIu64 " hole", x->file_offset, x->len);
	else
		put_field("", "%" PRIu64 " %" PRIu64 " %" PRIu64 " %016" PRIx64 " %08" PRIx32, x->file_offset, x->len,
			  x->container_offset, x->key_hash, x->crc);
}

static void print_name_field(const char *label, const char *name)
{
	printf("%-16s ", label);
	put_name(name);
	putchar('\n');
}

static void print_file_text(const char *path, const struct fs_attr *a, const char *target)
{
	char buf[TIME_TEXT], mode[MODE_TEXT], owner[OWNER_TEXT];

	print_name_field("path", path);
	put_field("type", "%s", type_text(a->mode));
	if (S_ISLNK(a->mode))
		print_name_field("target", target);
	if (S_ISCHR(a->mode) || S_ISBLK(a->mode))
		put_field("device", "%u, %u", major(a->rdev), minor(a->rdev));
	put_field("size", "%s", size_text(a->size, buf));
	put_field("mode", "%04o %s", a->mode & 07777, mode_text(a->mode, mode));
	put_field("owner", "%" PRIu32 " %s", a->uid, user_text(a->uid, owner));
	put_field("group", "%" PRIu32 " %s", a->gid, group_text(a->gid, owner));
	put_field("links", "%" PRIu32, a->nlink);
	put_field("inode", "%" PRIu64, a->ino);
	put_field("accessed", "%s", long_time_text(&a->atime, buf));
	put_field("modified", "%s", long_time_text(&a->mtime, buf));
	put_field("changed", "%s", long_time_text(&a->ctime, buf));
	put_field("made", "%s", long_time_text(&a->btime, buf));
}

static void json_extent(void *arg, const struct fs_extent_info *x)
{
	struct json *j = arg;

	json_begin(j, NULL, '{');
	json_number(j, "file_offset", x->file_offset);
	json_number(j, "length", x->len);
	if (x->container_offset == UINT64_MAX) {
		json_null(j, "container_offset");
	} else {
		json_number(j, "container_offset", x->container_offset);
		json_hex(j, "key_hash", x->key_hash, 16);
		json_hex(j, "crc32", x->crc, 8);
	}
	json_end(j, '}');
}

/* Reads all of a file, which compares it with its checksums. 1: they agree, 0: they do not. */
static int contents_valid(const struct container *c, uint64_t ino, uint64_t size)
{
	struct fs_extract part;
	struct fs_file *file;
	uint64_t offset = 0;
	size_t len = 0;
	int r = fs_file_open(c->fs, ino, O_RDONLY, &file);

	if (r < 0)
		return r;
	progress_begin("stat", size);
	do {
		r = fs_file_read(file, offset, READ_SIZE, &part);
		if (r < 0)
			break;
		len = part.len;
		offset += len;
		fs_extract_done(&part);
		progress_add(len);
	} while (len > 0);
	progress_end();
	fs_file_release(file);
	if (r == -EIO)
		forget_library_message();
	return r == -EIO ? 0 : r < 0 ? r : 1;
}

static int stat_path(const struct container *c, const char *path, bool json)
{
	char target[FS_SYMLINK_MAX + 1] = "";
	struct json j = {0};
	struct place at;
	bool any = false, regular;
	int r = path_find_entry(c, path, KEEP_LAST_LINK, &at), valid = 1;

	if (r == 0 && S_ISLNK(at.attr.mode))
		r = fs_readlink(c->fs, at.attr.ino, target);
	regular = r == 0 && S_ISREG(at.attr.mode);
	if (regular)
		r = valid = contents_valid(c, at.attr.ino, at.attr.size);
	if (r >= 0 && json) {
		json_file_begin(&j, path, &at.attr, target);
		if (regular)
			json_bool(&j, "valid", valid == 1);
		json_begin(&j, "extents", '[');
		if (regular)
			r = fs_extents(c->fs, at.attr.ino, json_extent, &j);
		json_end(&j, ']');
		json_end(&j, '}');
	} else if (r >= 0) {
		print_file_text(path, &at.attr, target);
		if (regular)
			put_field("contents", "%s", valid == 1 ? "valid" : "WRONG: damaged");
		if (regular)
			r = fs_extents(c->fs, at.attr.ino, print_extent, &any);
	}
	if (r < 0)
		complain_path(c, path, r);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

/* --- entries ------------------------------------------------------------------------------------- */

static void print_entry_text(const char *key, const struct reel_entry *e, bool valid)
{
	char size[SIZE_TEXT];

	print_name_field("key", key);
	put_field("key hash", "%016" PRIx64, e->key_hash);
	put_field("size", "%s", size_text(e->len, size));
	put_field("total size", "%s", size_text(e->end - e->prev_tail, size));
	put_field("payload", "from %" PRIu64 " to %" PRIu64, e->offset, e->offset + e->len);
	put_field("entry", "from %" PRIu64 " to %" PRIu64, e->prev_tail, e->end);
	put_field("checksum", "%08" PRIx32 " (%s)", e->crc, valid ? "valid" : "WRONG: the payload is damaged");
}

static void print_entry_json(const char *key, const struct reel_entry *e, bool valid)
{
	struct json j = {0};

	json_begin(&j, NULL, '{');
	json_string(&j, "key", key);
	json_hex(&j, "key_hash", e->key_hash, 16);
	json_number(&j, "size", e->len);
	json_number(&j, "total_size", e->end - e->prev_tail);
	json_number(&j, "payload_offset", e->offset);
	json_number(&j, "payload_end", e->offset + e->len);
	json_number(&j, "entry_offset", e->prev_tail);
	json_number(&j, "entry_end", e->end);
	json_hex(&j, "crc32", e->crc, 8);
	json_bool(&j, "valid", valid);
	json_end(&j, '}');
}

static int stat_entry(const struct container *c, const char *key, bool json)
{
	struct reel_entry e;
	bool valid;
	int r = keys_find(c, key, &e);

	if (r < 0) {
		complain_path(c, key, r);
		return STATUS_FAILED;
	}
	valid = reel_entry_valid(&e);
	if (json)
		print_entry_json(key, &e, valid);
	else
		print_entry_text(key, &e, valid);
	reel_entry_release(&e);
	return STATUS_OK;
}

static int run_stat(const struct args *args)
{
	bool json = args_have(args, 'j');
	struct container c;
	int status;

	if (container_open(args->operand[0], FOR_READING, &c) < 0)
		return STATUS_FAILED;
	status = c.tree ? stat_path(&c, args->operand[1], json) : stat_entry(&c, args->operand[1], json);
	return container_close(&c) < 0 ? STATUS_FAILED : status;
}

static const struct flag stat_flags[] = {
    {'j', "json", "print a JSON object", NULL},
    FLAG_NUL,
    {0},
};

const struct command cmd_stat = {
    .name = "stat",
    .alias = "metadata",
    .synopsis = "[--json] [--nul=MEANING] CONTAINER PATH",
    .summary = "show everything about one file",
    .details = "Shows the attributes of PATH, whether its contents agree with their checksums, and where\n"
	       "they lie in the container. A symbolic link is not followed.\n"
	       "In a container without a file system PATH is a key, or the 16 hex digits of its hash:\n"
	       "shows the entry's size, its size with pad and trailer, its place and checksum, and\n"
	       "whether the payload agrees with it.\n",
    .flags = stat_flags,
    .min_operands = 2,
    .max_operands = 2,
    .run = run_stat,
};
