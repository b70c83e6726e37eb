/*
 * explore_keys.c - what a power cut may leave under keys (explore.h). Entries of other programs do not say how much of them
 * was synced. So what follows may have gaps: an entry written after the last sync can be missing, or be there with a
 * checksum that fails, while a later one is good. What was synced is there, and nothing is there as good that was never
 * written. Of a file system just what its files need is there.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "state.h"

/* Whether `text` has this line, or one that begins so. */
static bool has_line(const char *text, const char *line, size_t len)
{
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
		if (strncmp(at, line, len) == 0 && (at[len] == '\n' || at[len] == ' '))
			return true;
	return false;
}

static bool in_any(const struct life *l, const char *line, size_t len, int least, int most)
{
	for (int i = least < 0 ? 0 : least; i <= most && i < l->n; i++)
		if (has_line(l->state[i].picture, line, len))
			return true;
	return false;
}

static bool in_all(const struct life *l, const char *line, size_t len, int least, int most)
{
	for (int i = least; i <= most && i < l->n; i++)
		if (!has_line(l->state[i].picture, line, len))
			return false;
	return true;
}

/* Pictures say it at the end of a line. */
static bool is_bad(const char *line, size_t len)
{
	return memmem(line, len, " damaged", strlen(" damaged")) || memmem(line, len, " error -", strlen(" error -"));
}

bool gaps_allowed(const struct life *l, const char *is, int least, int most)
{
	for (const char *at = is; *at; at += strcspn(at, "\n") + 1) {
		size_t len = strcspn(at, "\n");
		if (!is_bad(at, len) && !in_any(l, at, len, least, most))
			return false;
	}
	if (least < 0)
		return true;
	for (const char *at = l->state[least].picture; *at; at += strcspn(at, "\n") + 1) {
		size_t len = strcspn(at, "\n");
		if (in_all(l, at, len, least, most) && !has_line(is, at, len))
			return false;
	}
	return true;
}

static bool is_of_the_tree(const struct fs *fs, const struct reel_entry *e)
{
	const struct data *d = table_get(&fs->tree.data.by_key, e->key_hash);
	struct fs_seal seal;

	for (size_t i = 0; !d && i < fs->tree.dead_n; i++)
		if (fs->tree.dead[i].key_hash == e->key_hash)
			return true;
	return (d && d->position == e->offset) || e->key_hash == reel_hash(FS_KEY_SUPER, sizeof(FS_KEY_SUPER) - 1) ||
	       e->key_hash == reel_hash(FS_KEY_WHOLE, sizeof(FS_KEY_WHOLE) - 1) ||
	       (seal_parse(e->payload, e->len, &fs->super, &seal) == 0 && e->key_hash == seal_key_hash(&seal));
}

void find_unburied(struct fs *fs, fs_check_fn fn, void *arg)
{
	struct reel_iter *it;
	struct reel_entry e;
	char text[100];

	if (reel_iter_new(fs->store, true, &it) < 0) {
		fn(arg, "its keys cannot be read");
		return;
	}
	while (reel_iter_next(it, &e) > 0) {
		snprintf(text, sizeof(text), "other programs see %llu bytes at %llu that are no file's",
			 (unsigned long long)e.len, (unsigned long long)e.offset);
		if (!is_of_the_tree(fs, &e))
			fn(arg, text);
		reel_entry_release(&e);
	}
	reel_iter_free(it);
}
