/*
 * cmd_ls.c - `reel ls`: names in a container.
 * Relies on paths.h, keys.h, text.h. Output of one name is a line; control characters in it are
 * escaped on a terminal only.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common.h"
#include "file_json.h"
#include "keys.h"
#include "paths.h"
#include "text.h"

struct ls {
	const struct container *c;
	bool detailed, recursive;
	time_t now;
	struct json *json; /* or NULL */
};

/* --- the long form ------------------------------------------------------------------------------- */

/* One line, as text, so that the columns of a directory can be aligned. */
struct row {
	char mode[MODE_TEXT];
	uint32_t nlink;
	char user[OWNER_TEXT], group[OWNER_TEXT], size[24], time[TIME_TEXT];
	uint64_t ino;
	bool is_link;
};

struct widths {
	int nlink, user, group, size;
};

static void widen(int *width, int to)
{
	if (to > *width)
		*width = to;
}

static void fill_row(const struct ls *ls, const struct fs_attr *attr, struct row *row, struct widths *widths)
{
	mode_text(attr->mode, row->mode);
	row->nlink = attr->nlink;
	user_text(attr->uid, row->user);
	group_text(attr->gid, row->group);
	if (S_ISCHR(attr->mode) || S_ISBLK(attr->mode))
		snprintf(row->size, sizeof(row->size), "%u, %u", major(attr->rdev), minor(attr->rdev));
	else
		snprintf(row->size, sizeof(row->size), "%" PRIu64, attr->size);
	short_time_text(&attr->mtime, ls->now, row->time);
	row->ino = attr->ino;
	row->is_link = S_ISLNK(attr->mode);
	widen(&widths->nlink, snprintf(NULL, 0, "%" PRIu32, attr->nlink));
	widen(&widths->user, (int)strlen(row->user));
	widen(&widths->group, (int)strlen(row->group));
	widen(&widths->size, (int)strlen(row->size));
}

static int print_row(const struct ls *ls, const struct row *row, const struct widths *widths, const char *name)
{
	char target[FS_SYMLINK_MAX + 1];
	int r;

	printf("%s %*" PRIu32 " %-*s %-*s %*s %s ", row->mode, widths->nlink, row->nlink, widths->user, row->user,
	       widths->group, row->group, widths->size, row->size, row->time);
	put_name(name);
	if (row->is_link) {
		r = fs_readlink(ls->c->fs, row->ino, target);
		if (r < 0) {
			putchar('\n');
			return r;
		}
		fputs(" -> ", stdout);
		put_name(target);
	}
	putchar('\n');
	return 0;
}

static int print_detailed(const struct ls *ls, const struct listing *names)
{
	struct row *rows = calloc(names->n > 0 ? names->n : 1, sizeof(*rows));
	struct widths widths = {0};
	struct fs_attr attr;
	int r = 0;

	if (rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < names->n && r == 0; i++) {
		r = fs_getattr(ls->c->fs, names->item[i].ino, &attr);
		if (r == 0)
			fill_row(ls, &attr, &rows[i], &widths);
	}
	for (size_t i = 0; i < names->n && r == 0; i++)
		r = print_row(ls, &rows[i], &widths, names->item[i].name);
	free(rows);
	return r;
}

/* --- as JSON ------------------------------------------------------------------------------------- */

static int print_json_name(const struct ls *ls, const char *path, uint64_t ino)
{
	char target[FS_SYMLINK_MAX + 1] = "";
	struct fs_attr attr;
	int r = fs_getattr(ls->c->fs, ino, &attr);

	if (r == 0 && S_ISLNK(attr.mode))
		r = fs_readlink(ls->c->fs, ino, target);
	if (r < 0)
		return r;
	json_file_begin(ls->json, path, &attr, target);
	json_end(ls->json, '}');
	return 0;
}

static char *join(const char *parent, const char *name)
{
	size_t parent_len = strlen(parent), size = parent_len + strlen(name) + 2;
	const char *slash = parent_len > 0 && name[0] != '\0' && parent[parent_len - 1] != '/' ? "/" : "";
	char *path = malloc(size);

	if (path != NULL)
		snprintf(path, size, "%s%s%s", parent, slash, name);
	return path;
}

static int print_json_names(const struct ls *ls, const char *dir, const struct listing *names)
{
	char *path;
	int r = 0;

	for (size_t i = 0; i < names->n && r == 0; i++) {
		path = join(dir, names->item[i].name);
		r = path == NULL ? -ENOMEM : print_json_name(ls, path, names->item[i].ino);
		free(path);
	}
	return r;
}

/* --- directories --------------------------------------------------------------------------------- */

/* Directories still to be listed, the next one last. */
struct pending {
	struct pending_dir {
		char *path;
		uint64_t ino;
	} * dir;
	size_t n, room;
};

static int pend(struct pending *p, const char *parent, const char *name, uint64_t ino)
{
	struct pending_dir *grown;
	size_t room;
	char *path;

	if (p->n == p->room) {
		room = p->room > 0 ? p->room * 2 : 16;
		grown = reallocarray(p->dir, room, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		p->dir = grown;
		p->room = room;
	}
	path = join(parent, name);
	if (path == NULL)
		return -ENOMEM;
	p->dir[p->n].path = path;
	p->dir[p->n++].ino = ino;
	return 0;
}

static int ls_directory(const struct ls *ls, const char *path, uint64_t ino, struct pending *pending)
{
	struct listing names;
	int r = path_list(ls->c, ino, &names);

	if (r < 0)
		goto out;
	if (ls->json != NULL) {
		r = print_json_names(ls, path, &names);
	} else if (ls->detailed) {
		r = print_detailed(ls, &names);
	} else {
		for (size_t i = 0; i < names.n; i++) {
			put_name(names.item[i].name);
			putchar('\n');
		}
	}
	for (size_t i = names.n; ls->recursive && r == 0 && i-- > 0;) {
		if (S_ISDIR(names.item[i].type))
			r = pend(pending, path, names.item[i].name, names.item[i].ino);
	}
out:
	if (r < 0)
		complain_path(ls->c, path[0] != '\0' ? path : "/", r);
	listing_free(&names);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

/* The depth of a tree is not bounded, so what is still to be listed is on the heap. */
static int ls_tree(const struct ls *ls, const char *path, uint64_t ino)
{
	struct pending pending = {0};
	struct pending_dir dir;
	bool first = true;
	int status = STATUS_OK;

	if (pend(&pending, path, "", ino) < 0) {
		complain_path(ls->c, path, -ENOMEM);
		status = STATUS_FAILED;
	}
	while (pending.n > 0) {
		dir = pending.dir[--pending.n];
		if (ls->recursive && ls->json == NULL) {
			if (!first)
				putchar('\n');
			put_name(dir.path[0] != '\0' ? dir.path : "/");
			fputs(":\n", stdout);
		}
		first = false;
		if (ls_directory(ls, dir.path, dir.ino, &pending) != STATUS_OK)
			status = STATUS_FAILED;
		free(dir.path);
	}
	free(pending.dir);
	return status;
}

static int ls_path(const struct ls *ls, const char *path)
{
	struct listed item;
	struct listing one = {.item = &item, .n = 1};
	struct place at;
	bool itself = ls->detailed || ls->json != NULL;
	int r = path_find_entry(ls->c, path, itself ? KEEP_LAST_LINK : FOLLOW_LINKS, &at);

	/* A link that leads nowhere is still a name. */
	if (r < 0 && !itself)
		r = path_find(ls->c, path, KEEP_LAST_LINK, &at);
	if (r == 0 && S_ISDIR(at.attr.mode))
		return ls_tree(ls, path, at.attr.ino);
	if (r == 0 && ls->json != NULL) {
		r = print_json_name(ls, path, at.attr.ino);
	} else if (r == 0 && ls->detailed) {
		item = (struct listed){.name = (char *)path, .ino = at.attr.ino};
		r = print_detailed(ls, &one);
	} else if (r == 0) {
		put_name(path);
		putchar('\n');
	}
	if (r < 0)
		complain_path(ls->c, path, r);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

/* --- entries ------------------------------------------------------------------------------------- */

static void print_entry(const struct ls *ls, const struct reel_entry *e)
{
	char hash[HASH_TEXT];

	if (ls->json != NULL) {
		json_begin(ls->json, NULL, '{');
		json_hex(ls->json, "key_hash", e->key_hash, 16);
		json_number(ls->json, "size", e->len);
		json_number(ls->json, "payload_offset", e->offset);
		json_end(ls->json, '}');
		return;
	}
	if (ls->detailed)
		printf("%s %12" PRIu64 " %12" PRIu64 "\n", hash_text(e->key_hash, hash), e->len, e->offset);
	else
		printf("%s\n", hash_text(e->key_hash, hash));
}

static int ls_entries(const struct ls *ls)
{
	struct reel_iter *it;
	struct reel_entry e;
	int r = reel_iter_new(fs_store(ls->c->fs), true, &it);

	if (r == 0) {
		while ((r = reel_iter_next(it, &e)) > 0) {
			print_entry(ls, &e);
			reel_entry_release(&e);
		}
		reel_iter_free(it);
	}
	if (r < 0)
		complain_errno(ls->c->path, r, NULL);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

static int ls_entry(const struct ls *ls, const char *key)
{
	struct reel_entry e;
	int r = keys_find(ls->c, key, &e);

	if (r < 0) {
		complain_path(ls->c, key, r);
		return STATUS_FAILED;
	}
	print_entry(ls, &e);
	reel_entry_release(&e);
	return STATUS_OK;
}

static int run_ls(const struct args *args)
{
	struct container c;
	struct ls ls = {
	    .c = &c,
	    .detailed = args_have(args, 'l'),
	    .recursive = args_have(args, 'R'),
	    .now = time(NULL),
	};
	const char *path = args->n > 1 ? args->operand[1] : NULL;
	struct json j = {0};
	int status;

	if (container_open(args->operand[0], FOR_READING, &c) < 0)
		return STATUS_FAILED;
	if (args_have(args, 'j')) {
		ls.json = &j;
		json_begin(&j, NULL, '{');
		json_string(&j, "container", c.path);
		json_begin(&j, c.tree ? "names" : "entries", '[');
	}
	if (c.tree)
		status = ls_path(&ls, path != NULL ? path : "");
	else
		status = path != NULL ? ls_entry(&ls, path) : ls_entries(&ls);
	if (ls.json != NULL) {
		json_end(&j, ']');
		json_end(&j, '}');
	}
	return container_close(&c) < 0 ? STATUS_FAILED : status;
}

static const struct flag ls_flags[] = {
    {'l', "long", "mode, links, owner, group, size, time of last change, name", NULL},
    {'R', "recursive", "also what is in the directories below", NULL},
    {'j', "json", "print a JSON object, with the attributes of each name", NULL},
    FLAG_NUL,
    {0},
};

const struct command cmd_ls = {
    .name = "ls",
    .synopsis = "[-l] [-R] [--json] [--nul=MEANING] CONTAINER [PATH]",
    .summary = "list names",
    .details = "Lists the names in the directory PATH (the root without PATH), or PATH itself when it\n"
	       "is no directory: one on a line, sorted by their bytes, those with a leading dot too.\n"
	       "On a terminal control characters and backslashes in names are shown as \\n, \\033, \\\\.\n"
	       "In a container without a file system the hashes of the keys are listed, the newest\n"
	       "first; with -l also the size of the payload and its offset in the container.\n",
    .flags = ls_flags,
    .min_operands = 1,
    .max_operands = 2,
    .run = run_ls,
};
