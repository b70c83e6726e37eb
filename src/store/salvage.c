/*
 * salvage.c - what is whole of a damaged container of keys and values, in a new one. Relies on survey.c to find the
 * entries. Never changes the damaged container, and never gives out an older value for one that is damaged.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "copy.h"

/* Values of the table of keys. */
#define KEY_GONE ((uint64_t)1) /* the newest is a tombstone, or damaged: no entry ends there */

struct salvage {
	reel_salvage_fn fn;
	void *arg;
	struct u64table newest; /* by key hash: where the newest entry ends, or KEY_GONE */
	uint64_t *ends;         /* of what is copied, the newest first */
	size_t n, room;
	uint64_t covered; /* bytes of all entries met */
	struct reel_salvaged result;
};

static void tell(struct salvage *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct salvage *s, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	s->fn(s->arg, text);
}

static int weigh(void *arg, const struct reel_entry *e, bool sound)
{
	struct salvage *s = arg;

	if (sound)
		s->covered += e->end - e->prev_tail;
	return 0;
}

static int add_end(struct salvage *s, uint64_t end)
{
	if (s->n == s->room) {
		size_t room = s->room == 0 ? 1024 : s->room * 2;
		uint64_t *ends = realloc(s->ends, room * sizeof(*ends));
		if (ends == NULL)
			return -ENOMEM;
		s->ends = ends;
		s->room = room;
	}
	s->ends[s->n++] = end;
	return 0;
}

static int take(void *arg, const struct reel_entry *e, bool sound)
{
	struct salvage *s = arg;
	bool good = sound && !e->tombstone;
	int added = u64table_add(&s->newest, e->key_hash, good ? e->end : KEY_GONE);

	s->result.all += !e->tombstone;
	s->result.dead += !e->tombstone && added == 0;
	if (added <= 0)
		return added;
	if (good)
		return add_end(s, e->end);
	if (!sound) {
		s->result.damaged++;
		tell(s, "the value at offset %" PRIu64 " (%" PRIu64 " bytes, key hash %016" PRIx64 ") is damaged: left out",
		     e->offset, e->len, e->key_hash);
	}
	return 0;
}

/* The generation of which most is whole. */
static int choose_generation(struct reel *r, struct salvage *s)
{
	uint64_t size = reel_tail_offset(r), best = 0;
	struct reel_view view = reel_view_of(r);

	for (int i = 0; i < GENERATION_COUNT; i++) {
		view.gen = &GENERATIONS[i];
		s->covered = 0;
		int err = reel_survey(&view, 0, size, weigh, NULL, s);
		if (err < 0)
			return err;
		if (s->covered > best) {
			best = s->covered;
			r->map->gen = &GENERATIONS[i];
		}
		if (s->covered == size)
			break;
	}
	return best > 0 || size == 0 ? 0 : -EBADMSG;
}

static int tell_gap(void *arg, const struct reel_gap *gap)
{
	struct salvage *s = arg;
	const uint64_t len = gap->end - gap->start;

	s->result.unknown += len;
	if (gap->end == s->result.before)
		tell(s, "the last %" PRIu64 " bytes, after offset %" PRIu64 ", are no whole entry: left out", len, gap->start);
	else
		tell(s,
		     "%" PRIu64 " bytes from offset %" PRIu64
		     " on cannot be made out: values there are lost, and what was replaced or removed there has come back",
		     len, gap->start);
	return 0;
}

static int salvage(struct reel *r, struct salvage *s, const char *to)
{
	struct snapshot snapshot = {.map = r->map, .tail = reel_tail_offset(r)};
	struct reel_view view;
	struct copied copied;
	int err = choose_generation(r, s);

	if (err < 0)
		return err;
	view = reel_view_of(r);
	s->result.before = view.size;
	err = reel_survey(&view, 0, view.size, take, tell_gap, s);
	if (err < 0)
		return err;
	/* In the order in which they were written. */
	for (size_t i = 0; i < s->n / 2; i++) {
		uint64_t end = s->ends[i];
		s->ends[i] = s->ends[s->n - 1 - i];
		s->ends[s->n - 1 - i] = end;
	}
	snapshot.ends = s->ends;
	snapshot.n = s->n;
	err = copy_to_new(r, &snapshot, to, &copied, &s->result.after);
	if (err == 0 && copied.empty > 0)
		tell(s, "%" PRIu64 " entries without a value are left out: the newest format cannot hold them", copied.empty);
	s->result.entries = s->n - copied.empty;
	return err;
}

int reel_salvage(const char *path, const char *to, const struct reel_options *options, reel_salvage_fn fn, void *arg,
		 struct reel_salvaged *ret)
{
	struct reel_engine_options engine = {.find_tail = reel_tail_anyway};
	struct salvage s = {.fn = fn, .arg = arg};
	struct reel *r;

	if (options != NULL)
		engine.base = *options;
	engine.base.flags = REEL_RDONLY;
	engine.base.keep_torn = NULL;
	int err = reel_engine_open(path, &engine, &r);
	if (err < 0)
		return err;
	err = reel_keep_writers_out(r);
	if (err == 0)
		err = salvage(r, &s, to);
	*ret = s.result;
	u64table_free(&s.newest);
	free(s.ends);
	(void)reel_close(r);
	return err;
}
