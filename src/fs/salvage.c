/*
 * salvage.c - fs_repair(): what is whole of a damaged container in a new one (salvage.h has the parts). Never
 * changes the damaged container.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "apply.h"
#include "compact.h"
#include "import.h"
#include "salvage.h"

char salvage_mark;

void salvage_tell(struct salvage *s, const char *fmt, ...)
{
	char text[2 * PATH_ROOM + 512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->result.messages++;
	s->fn(s->arg, text);
}

/* Bad sectors are damage to be salvaged from; of what another try may read nothing is given up. -EIO (logged). */
static int ask_reads(struct salvage *s)
{
	struct fs *fs = s->fs;
	uint64_t end = reel_tail_offset(fs->store), at;
	int error;

	if (!reel_unread(fs->store, 0, 0, end) || !reel_unread_passes(fs->store))
		return 0;
	error = reel_unread_error(fs->store, 0, end, &at);
	fs_log(fs, LOG_ERR,
	       "%s: reading the container failed at offset %llu (%s), but may succeed when it is tried again; no file was "
	       "made. Of a "
	       "disk that fails now and then make a copy first, as ddrescue(1) does",
	       reel_path(fs->store), (unsigned long long)at, reel_explain(error));
	s->result.unread = true;
	return -EIO;
}

int salvage_progress(struct salvage *s, uint64_t bytes)
{
	const struct fs_options *options = &s->fs->options;
	uint64_t now = (uint64_t)time(NULL);

	/* Early, so that not all the rest is told as damaged first; with bad sectors not each time. */
	if (reel_unread(s->fs->store, 0, 0, s->view.size) && now != s->asked_reads) {
		s->asked_reads = now;
		int r = ask_reads(s);
		if (r < 0)
			return r;
	}

	s->done += bytes;
	if (!options->progress)
		return 0;
	return options->progress(options->progress_arg, s->done < s->total ? s->done : s->total, s->total);
}

int salvage_apply(struct salvage *s, struct body *b)
{
	size_t bad;
	int r = b->error;

	if (r == 0)
		r = apply_body(&s->fs->tree, b->bytes, b->len, INT64_MAX, &bad);
	body_free(b);
	return r;
}

/*
 * What no transaction speaks of. What follows the last one: entries of other programs, if its writer had ended, and else an
 * append that was not finished, or has lost its transaction.
 */
static int leftovers(struct salvage *s)
{
	uint64_t tail = s->end > s->unnamed_end ? s->end : s->unnamed_end;
	int r = 0;

	/* Only now: inode numbers that are made up must not be those of a transaction to come. */
	for (size_t i = 0; i < s->ranges && r == 0; i++)
		r = salvage_entries(s, s->range[i].start, s->range[i].end);
	if (r == 0 && s->fs->last_clean && s->end < s->view.size) {
		r = reel_sound_tail(&s->view, s->end, &tail);
		if (r == 0 && tail > s->end)
			r = fs_import_between(s->fs, s->end, tail);
	}
	if (r == 0)
		r = salvage_entries(s, tail, s->view.size);
	return r;
}

static void tell_unknown(struct salvage *s)
{
	if (s->result.unknown > 0)
		salvage_tell(s, "%llu bytes outside of all whole transactions are no whole entries: left out",
			     (unsigned long long)s->result.unknown);
}

static int salvage(struct salvage *s, const char *out)
{
	struct tree *t = &s->fs->tree;
	uint64_t bad;
	int r;

	s->view = reel_view_of(s->fs->store);
	s->total = 3 * s->view.size;
	s->result.before = s->view.size;
	r = salvage_find(s);
	if (r == -ENOENT)
		return -EMEDIUMTYPE;
	if (r == 0)
		r = salvage_replay(s);
	/* Before names are given out: directories may get their own. */
	if (r == 0)
		r = salvage_unnamed(s);
	if (r == 0)
		r = salvage_names(s);
	if (r == 0)
		r = leftovers(s);
	if (r == 0)
		r = salvage_files(s);
	/* Names were taken away, and lost+found may have come. */
	if (r == 0)
		r = salvage_names(s);
	if (r == 0)
		r = salvage_acls(s);
	if (r == 0)
		r = apply_finish(t, &bad);
	if (r < 0)
		return r;
	tell_unknown(s);
	r = salvage_count(s);
	if (r == 0)
		r = ask_reads(s);
	if (r < 0)
		return r;
	return compact_to(s->fs, out, false, NULL, &s->result.after);
}

static void salvage_end(struct salvage *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->seal[i].mended_header);
		free(s->seal[i].mended_body);
	}
	free(s->seal);
	free(s->range);
	table_clear(&s->known);
	table_clear(&s->mixed);
	table_clear(&s->named);
	table_clear(&s->paths);
	number_set_clear(&s->needed);
	number_set_clear(&s->newer);
	(void)reel_close(s->fs->store);
	fs_free(s->fs);
}

int fs_repair(const char *path, const char *out, const struct fs_options *options, fs_check_fn fn, void *arg,
	      struct fs_repair *ret)
{
	struct salvage s = {.fn = fn, .arg = arg};
	struct reel_engine_options engine;
	struct stat st;
	int r;

	if (lstat(out, &st) == 0)
		return -EEXIST;
	s.fs = fs_new(options);
	if (!s.fs)
		return -ENOMEM;
	s.fs->read_only = true;
	engine = fs_engine_options(s.fs, REEL_RDONLY, NULL);
	engine.find_tail = reel_tail_anyway;
	engine.base.keep_torn = NULL;
	r = reel_engine_open(path, &engine, &s.fs->store);
	if (r == 0)
		r = reel_keep_writers_out(s.fs->store);
	if (r == 0)
		r = salvage(&s, out);
	/* What was not found may be what could not be read. */
	if ((r == -EMEDIUMTYPE || r == -EBADMSG) && ask_reads(&s) < 0)
		r = -EIO;
	if (r == 0 && reel_unread(s.fs->store, 0, 0, reel_tail_offset(s.fs->store)))
		salvage_tell(&s,
			     "reading the container failed in places: what lies there was taken for damaged; another repair, "
			     "when the disk or server delivers it, may find it whole");
	if (ret)
		*ret = s.result;
	salvage_end(&s);
	return r;
}
