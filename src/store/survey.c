/*
 * survey.c - the entries of a damaged range, from both of its ends: backward by the links as long as they lead to
 * entries, forward by the search of the tail; and what is whole between two damages. Each byte is summed at most three
 * times. Changes nothing.
 */
#include "config.h"

#include <stdlib.h>

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
};

/* The good entries of what neither end leads through: some may be imitations inside the contents of others. */
struct between {
	const struct chain *c;
	uint64_t start; /* what lies before is known */
	uint64_t *ends; /* of the good ones, ascending */
	size_t *linked; /* up to each of them, the number of the last one from which links lead to the start; 0: of none */
	size_t n;
	struct u64table begins; /* where good ones begin: the end of the first that does */
	uint64_t next;          /* what next_below() said */
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

/* How many of the good ones end at or before `at`. */
static size_t count_to(const struct between *b, uint64_t at)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (b->ends[mid] <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The number of the good one that ends there, counted from 1; 0: none does. */
static size_t good_at(const struct between *b, uint64_t at)
{
	const size_t i = count_to(b, at);

	return i > 0 && b->ends[i - 1] == at ? i : 0;
}

/*
 * An entry that lacks its checksum, and of whose link nothing says that it is wrong: no good entry begins where it says that
 * it does itself. A broken link often says 0: where anything good is passed over, that is not believed.
 */
static bool damaged_at(const struct between *b, uint64_t at, struct reel_entry *ret)
{
	if (at <= b->start || entry_parse(b->c, at, ret) != 0 || ret->prev_tail < b->start)
		return false;
	if (ret->prev_tail == 0 && count_to(b, at) > 0)
		return false;
	uint64_t end = u64table_peek(&b->begins, ret->prev_tail, NULL);
	return end == 0 || end > at;
}

/* Do damaged entries, or none, lead from `at` to a good one or to the start? *ret: where that is. */
static bool leads(const struct between *b, uint64_t at, uint64_t *ret)
{
	struct reel_entry e;

	for (int i = 0; i <= DOUBTS; i++) {
		*ret = at;
		if (at == b->start || good_at(b, at))
			return true;
		if (!damaged_at(b, at, &e))
			return false;
		at = e.prev_tail;
	}
	return false;
}

static int find_between(struct between *b)
{
	struct reel_entry e;
	uint64_t to;
	int err = search_good(b->c, b->start, &b->ends, &b->n);

	if (err == 0 && b->n > 0) {
		b->linked = calloc(b->n, sizeof(*b->linked));
		err = b->linked == NULL ? -ENOMEM : 0;
	}
	for (size_t i = 0; err == 0 && i < b->n; i++) {
		err = entry_parse(b->c, b->ends[i], &e);
		if (err == 0 && u64table_add(&b->begins, e.prev_tail, b->ends[i]) < 0)
			err = -ENOMEM;
	}
	for (size_t i = 0; err == 0 && i < b->n; i++) {
		err = entry_parse(b->c, b->ends[i], &e);
		if (err == 0 && leads(b, e.prev_tail, &to)) {
			const size_t before = good_at(b, to);
			b->linked[i] = to == b->start || b->linked[before - 1] == before ? i + 1 : 0;
		}
		if (b->linked[i] == 0 && i > 0)
			b->linked[i] = b->linked[i - 1];
	}
	return err;
}

/*
 * The end of the last good entry before `at`, or the start. One that passes over entries from which links lead to the start is
 * an imitation. The last answer is one still as long as it lies before `at`, so that none is looked at twice.
 */
static uint64_t next_below(struct between *b, uint64_t at)
{
	struct reel_entry e;

	if (b->next < at)
		return b->next;
	size_t i = count_to(b, at - 1);
	const size_t linked = i > 0 ? b->linked[i - 1] : 0;
	b->next = linked > 0 ? b->ends[linked - 1] : b->start;
	for (; i > linked; i--) {
		if (entry_parse(b->c, b->ends[i - 1], &e) == 0 && e.prev_tail >= b->next) {
			b->next = b->ends[i - 1];
			break;
		}
	}
	return b->next;
}

/*
 * Meets what is between, the newest first. A whole entry wins over those inside it, and so does a damaged one whose link leads
 * to what is good.
 */
static int meet_between(struct survey *s, struct between *b, reel_gap_fn gap_fn, uint64_t at)
{
	uint64_t to;
	int err = 0;

	b->next = UINT64_MAX;
	while (err == 0 && at > b->start) {
		struct reel_entry e;
		if (good_at(b, at)) {
			err = entry_parse(b->c, at, &e);
			if (err == 0)
				err = s->fn(s->arg, &e, true);
			at = e.prev_tail;
			continue;
		}
		const bool damaged = damaged_at(b, at, &e);
		if (damaged && (leads(b, at, &to) || e.prev_tail >= next_below(b, at))) {
			err = s->fn(s->arg, &e, false);
			at = e.prev_tail;
			continue;
		}
		const struct reel_gap gap = {next_below(b, at), at};
		if (gap_fn != NULL)
			err = gap_fn(s->arg, &gap);
		at = gap.start;
	}
	return err;
}

static int survey_between(struct survey *s, reel_gap_fn gap_fn, uint64_t start, uint64_t end)
{
	const struct chain c = {.gen = s->c.gen, .base = s->c.base, .size = end};
	struct between b = {.c = &c, .start = start};
	int err = start < end ? find_between(&b) : 0;

	if (err == 0)
		err = meet_between(s, &b, gap_fn, end);
	u64table_free(&b.begins);
	free(b.linked);
	free(b.ends);
	return err;
}

int reel_survey(const struct reel_view *view, uint64_t start, uint64_t end, reel_survey_fn fn, reel_gap_fn gap_fn, void *arg)
{
	struct reel_view low = *view;
	struct survey s = {.view = view, .fn = fn, .arg = arg};
	uint64_t tail, sure = end;

	s.c = (struct chain){.gen = view->gen != NULL ? view->gen : GENERATION_NEWEST, .base = view->base, .size = end};
	int err = walk_back(&s, start, &sure);
	if (err != 0 || sure == start)
		return err;
	low.size = sure;
	err = reel_sound_tail(&low, start, &tail);
	if (err == 0)
		err = survey_between(&s, gap_fn, tail, sure);
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
