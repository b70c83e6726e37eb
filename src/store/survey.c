/*
 * survey.c - the entries of a damaged range, from both of its ends: backward by the links as long as they lead to
 * entries, forward by the search of the tail. Each byte is summed at most twice. Changes nothing.
 */
#include "config.h"

#include "search.h"
#include "store.h"

enum {
	DOUBTS = 16,               /* damaged entries in a row that are believed when a good one follows */
	RESIDENT_MAX = 128u << 20, /* bytes of the mapping that are resident for the survey at once */
};

struct survey {
	const struct reel_view *view;
	struct chain c;
	reel_survey_fn fn;
	void *arg;
	uint64_t touched;
	/* Entries without their checksum whose links are not known to be right: those before them decide. */
	struct reel_entry doubtful[DOUBTS];
	unsigned n;
	bool reached; /* the last of them, or of all entries, begins where the survey does */
};

static void let_go(struct survey *s, uint64_t len)
{
	s->touched += len;
	if (s->touched < RESIDENT_MAX)
		return;
	reel_drop_pages(s->view);
	s->touched = 0;
}

static bool is_sound(struct survey *s, const struct reel_entry *e)
{
	let_go(s, e->end - e->prev_tail);
	return !trailer_is_zero(s->c.gen, s->c.base + e->end - s->c.gen->trailer) &&
	       reel_payload_crc(s->view, e->offset, e->len) == e->crc;
}

static int settle_doubts(struct survey *s)
{
	int err = 0;

	for (unsigned i = 0; err == 0 && i < s->n; i++)
		err = s->fn(s->arg, &s->doubtful[i], false);
	s->n = 0;
	return err;
}

/* Does one of the doubtful entries pass over good ones? Its link is damaged, then. */
static int doubts_pass_over(struct survey *s, bool *ret)
{
	int err = 0;

	*ret = false;
	for (unsigned i = 0; err == 0 && !*ret && i < s->n; i++)
		err = search_passed(&s->c, &s->doubtful[i], ret);
	return err;
}

/* *end becomes the lowest offset to which entries lead without doubt. */
static int walk_back(struct survey *s, uint64_t start, uint64_t *end)
{
	uint64_t at = *end;
	struct reel_entry e;
	int err = 0;

	while (err == 0 && at > start && entry_parse(&s->c, at, &e) == 0 && e.prev_tail >= start) {
		if (is_sound(s, &e)) {
			bool wrong;
			err = doubts_pass_over(s, &wrong);
			if (wrong)
				return 0;
			if (err == 0)
				err = settle_doubts(s);
			if (err == 0)
				err = s->fn(s->arg, &e, true);
			*end = e.prev_tail;
		} else if (s->n < DOUBTS) {
			s->doubtful[s->n++] = e;
		} else {
			break;
		}
		at = e.prev_tail;
	}
	s->reached = at == start;
	return err;
}

int reel_sound_tail(const struct reel_view *view, uint64_t start, uint64_t *ret)
{
	const struct generation *gen = view->gen != NULL ? view->gen : GENERATION_NEWEST;
	struct chain c = {.gen = gen, .base = view->base, .size = view->size};
	struct search_result found = {.tail = start};
	int err = search_tail(&c, start, start > 0, &found);

	*ret = found.tail;
	return err;
}

int reel_survey(const struct reel_view *view, uint64_t start, uint64_t end, reel_survey_fn fn, void *arg, struct reel_gap *gap)
{
	struct reel_view low = *view;
	struct survey s = {.view = view, .fn = fn, .arg = arg};
	uint64_t tail;

	s.c = (struct chain){.gen = view->gen != NULL ? view->gen : GENERATION_NEWEST, .base = view->base, .size = end};
	*gap = (struct reel_gap){start, end};
	int err = walk_back(&s, start, &gap->end);
	if (err != 0 || gap->end == start)
		return err;
	low.size = gap->end;
	err = reel_sound_tail(&low, start, &tail);
	gap->start = tail;
	/* A broken link often says 0. It is believed where nothing else begins at the start. */
	if (err == 0 && tail == start && s.n > 0 && s.reached) {
		gap->end = start;
		return settle_doubts(&s);
	}
	while (err == 0 && tail > start) {
		struct reel_entry e;
		err = entry_parse(&s.c, tail, &e);
		if (err == 0)
			err = fn(arg, &e, true);
		tail = e.prev_tail;
	}
	return err;
}

int reel_tail_anyway(void *arg, const struct reel_view *view, struct reel_tail *ret)
{
	(void)arg;
	*ret = (struct reel_tail){.verdict = REEL_TAIL_ANYWAY, .tail = view->size};
	return 0;
}
