/*
 * tail.c - decides at opening what a file is: which generation, where its valid tail lies, and
 * whether what follows the tail is a torn append or the rest of a damaged container (docs/DESIGN.md,
 * "Opening"). A tail finder's verdict comes first. Changes nothing in the file: torn.c does, and that only where a
 * torn append is certain and the file is opened for writing.
 */
#include "config.h"

#include "hash.h"
#include "search.h"
#include "store.h"

enum { PLACES = 16 }; /* payloads begin at multiples of this in the two newest generations */

enum kind {
	KIND_WHOLE,   /* the last entry ends at the end of the file */
	KIND_TORN,    /* good entries, then an append that was not finished */
	KIND_DAMAGED, /* good entries, then damage, then good ones again */
	KIND_UNKNOWN, /* not a container */
};

struct finding {
	enum kind kind;
	const struct generation *gen;
	uint64_t tail;
	uint64_t durable;
	bool keep;            /* the tail finder's word: a torn append that is saved unasked */
	bool trusted;         /* the tail finder's word: the chain before the tail was not looked at */
	struct u64table ends; /* the index, if the whole chain was walked */
};

static bool sum_is_good(const struct generation *gen, const struct reel_entry *e)
{
	return (reel_crc32(0, e->payload, e->len) & gen->crc_mask) == e->crc;
}

/* Does a good entry end at `end`, by its own checksum and numbers? */
static bool ends_good(const struct chain *c, uint64_t end, struct reel_entry *e)
{
	return entry_parse(c, end, e) == 0 && !trailer_is_zero(c->gen, c->base + end - c->gen->trailer) &&
	       sum_is_good(c->gen, e);
}

/*
 * Is every entry of (durable, tail] good, and does the chain of them reach `durable`? A pad that is not zero was never
 * written: the disk had something else there.
 */
static bool chain_is_good(const struct chain *c, uint64_t tail, uint64_t durable)
{
	while (tail > durable) {
		struct reel_entry e;
		if (!ends_good(c, tail, &e) || !pad_is_zero(c, e.prev_tail, e.offset))
			return false;
		tail = e.prev_tail;
	}
	return tail == durable;
}

/* Does the entry that ends at `end` turn out good once its mark of an unfinished batch is taken away? */
static bool is_unfinished(const struct chain *c, uint64_t end)
{
	struct reel_entry e = {0};

	if (end < c->gen->trailer + c->gen->shortest || end > c->size)
		return false;
	uint64_t at = end - c->gen->trailer;
	uint64_t link = load_u64(c->base + at + TRAILER_PREV_TAIL);
	if ((link & TRAILER_UNFINISHED_MASK) != TRAILER_UNFINISHED_MASK)
		return false;
	if (!entry_bounds(c, link & ~TRAILER_UNFINISHED_MASK, at, &e.offset, &e.tombstone))
		return false;
	e.payload = c->base + e.offset;
	e.len = at - e.offset;
	e.crc = trailer_crc(c->gen, c->base + at);
	return sum_is_good(c->gen, &e);
}

/* Is the checksum good of the payload that e would have if it began at `offset`? */
static bool sum_is_good_from(const struct chain *c, const struct reel_entry *e, uint64_t offset)
{
	struct reel_entry other = *e;

	if (offset >= e->offset + e->len)
		return false;
	other.payload = c->base + offset;
	other.len = e->offset + e->len - offset;
	return sum_is_good(c->gen, &other);
}

/*
 * Trailers and links alone do not tell generations apart that have trailers of one length: a payload that is long
 * enough leaves room for either's pad. The checksum does, of an entry whose payload they would begin at different
 * places. The number of the other generation that the chain up to `tail`, whose links are good, is of by its newest such
 * entry; GENERATION_COUNT: of none.
 */
static unsigned of_another(const struct chain *c, uint64_t tail)
{
	unsigned others = 0;
	struct reel_entry e;

	for (unsigned i = 0; i < GENERATION_COUNT; i++)
		others |= (unsigned)(&GENERATIONS[i] != c->gen && GENERATIONS[i].trailer == c->gen->trailer) << i;
	for (; others != 0 && tail > 0 && entry_parse(c, tail, &e) == 0; tail = e.prev_tail) {
		unsigned elsewhere = 0;

		/* A tombstone is the same in all of them, but for one NUL byte behind a pad. */
		for (unsigned i = 0; i < GENERATION_COUNT && !(e.tombstone && e.offset == e.prev_tail); i++)
			elsewhere |= (unsigned)(round_up(e.prev_tail, GENERATIONS[i].pad) != e.offset) << i;
		elsewhere &= others;
		if (elsewhere != 0 && sum_is_good(c->gen, &e)) {
			others &= ~elsewhere;
			continue;
		}
		for (unsigned i = 0; elsewhere >> i != 0; i++) {
			if ((elsewhere >> i & 1) && sum_is_good_from(c, &e, round_up(e.prev_tail, GENERATIONS[i].pad)))
				return i;
		}
	}
	return GENERATION_COUNT;
}

/*
 * Does the checksum of e, which says that it begins at the start of the file, say that it begins further on: as a tombstone,
 * or with its payload behind some pad, another generation's included? The sum of [0, P), shifted to the end, and that of [P,
 * end) make the sum of all; so one multiplication a place says it. 24 bits are too few for so many places.
 */
static bool begins_further_on(const struct chain *c, const struct reel_entry *e)
{
	const unsigned pad = c->gen->pad < PLACES ? c->gen->pad : PLACES;
	uint32_t before = 0, wanted, step;

	if (e->crc == (TOMBSTONE_CRC & c->gen->crc_mask) && e->payload[e->len - 1] == 0)
		return true;
	if (c->gen->trailer != TRAILER_SIZE)
		return false;
	gf_prepare();
	step = crc32_shift(GF_ONE, pad);
	wanted = crc32_unshift(reel_crc32(0, e->payload, e->len) ^ e->crc, e->len);
	for (uint64_t at = pad; at < e->len; at += pad) {
		before = crc32_few(before, e->payload + at - pad, pad);
		wanted = gf_multiply(wanted, step);
		if (before == wanted)
			return true;
	}
	return false;
}

/* Has the entry that links to `tail`, in the chain from the end of the file, its checksum, and so its link? */
static bool link_is_good(const struct chain *c, uint64_t tail)
{
	struct reel_entry e;

	for (uint64_t at = c->size; entry_parse(c, at, &e) == 0; at = e.prev_tail) {
		if (e.prev_tail <= tail)
			return e.prev_tail == tail && sum_is_good(c->gen, &e);
	}
	return false;
}

/*
 * A trailer that did not reach the disk, or just in part, may be zeros where it should not: it then says that its entry
 * begins at the start of the file, and the chain skips all before. Is that what the first entry of the chain is, which
 * ends at `end`? Not if just its value is damaged, which may hold entries. Zeros that took the link took a byte beside it, too.
 */
static int hides_others(const struct chain *c, uint64_t end, bool *ret)
{
	struct search_result others = {.tail = 0};
	struct behind_result behind = {.last = 0};
	struct chain before = {.gen = c->gen, .base = c->base, .size = end};
	struct reel_entry e;

	*ret = false;
	if (end == c->size || entry_parse(c, end, &e) < 0 || e.len == 0 || sum_is_good(c->gen, &e))
		return 0;
	bool zeros = e.key_hash >> 56 == 0 || (e.crc & 0xff) == 0;
	int err = search_tail(&before, 0, false, &others);
	if (err == 0 && zeros && others.tail == 0)
		err = search_behind(&before, 0, &behind);
	*ret = (zeros && (others.tail > 0 || behind.last > 0)) ||
	       (others.tail > 0 && sum_is_good_from(c, &e, round_up(others.tail, c->gen->pad))) || begins_further_on(c, &e) ||
	       /* A damaged link that led into zeros. */
	       (trailer_is_zero(c->gen, c->base + end - c->gen->trailer) && !link_is_good(c, end));
	return err;
}

/*
 * Looks at the end of the file. WHOLE: a good entry ends there, and its chain reaches the start.
 * DAMAGED: a good entry ends there, but the chain is broken. TORN: it is broken by an unfinished batch.
 */
static int look_at_end(const struct chain *c, struct finding *f)
{
	struct reel_entry last;
	uint64_t reached = 0;
	bool hides = false;

	f->kind = KIND_UNKNOWN;
	f->gen = c->gen;
	if (!ends_good(c, c->size, &last))
		return 0;
	int err = index_walk(c, c->size, &f->ends, &reached);
	if (err == 0 && of_another(c, c->size) < GENERATION_COUNT) {
		u64table_free(&f->ends);
		return 0;
	}
	if (err == 0)
		err = hides_others(c, reached, &hides);
	if (err == 0 && !hides) {
		f->kind = KIND_WHOLE;
		f->tail = c->size;
		return 0;
	}
	u64table_free(&f->ends);
	if (hides || err == -EBADMSG)
		f->kind = !hides && is_unfinished(c, reached) ? KIND_TORN : KIND_DAMAGED;
	return err == -EBADMSG ? 0 : err;
}

/* Takes the prefix found in generation i if it explains more, or as much and a good entry ends at the end of the file. */
static void weigh(struct finding *f, int i, uint64_t tail, bool damaged)
{
	if (tail > f->tail || (tail == f->tail && damaged && f->kind != KIND_DAMAGED)) {
		f->tail = tail;
		f->gen = &GENERATIONS[i];
		f->kind = damaged ? KIND_DAMAGED : KIND_TORN;
	}
}

/*
 * What follows the good prefix is torn if no good entry is there. Otherwise entries up to the last good one are kept if
 * they are linked, those with a bad checksum too, as where the file ends with it; and where a link is broken it is damage:
 * good entries are never cut off. A prefix of nothing says nothing about what follows.
 */
static int look_behind(const struct chain *c, struct finding *f, struct behind_result *ret)
{
	int err = 0;

	*ret = (struct behind_result){0};
	if (f->tail > 0)
		err = search_behind(c, f->tail, ret);
	if (ret->linked > 0)
		f->tail = ret->linked;
	if (ret->last > ret->linked)
		f->kind = KIND_DAMAGED;
	return err;
}

/*
 * The generation of which the good entries behind the prefix are: that which finds the last of them, and of those
 * that find the same the newest. The prefix is the same in all generations but `excludes`. Then what the newest keeps may
 * show, by its checksums, that it is another's. GENERATION_COUNT: that of f.
 */
static int generation_behind(struct chain *c, unsigned excludes, struct finding *f, unsigned *ret)
{
	const struct finding prefix = *f;
	struct behind_result best, behind;
	int err = look_behind(c, f, &best);

	*ret = GENERATION_COUNT;
	for (unsigned i = 1; err == 0 && prefix.gen == GENERATION_NEWEST && i < GENERATION_COUNT; i++) {
		struct finding as = prefix;

		c->gen = &GENERATIONS[i];
		if (c->gen->trailer != GENERATION_NEWEST->trailer || (excludes >> i & 1))
			continue;
		err = look_behind(c, &as, &behind);
		if (behind.last > best.last) {
			best = behind;
			*ret = i;
		}
	}
	c->gen = prefix.gen;
	if (err == 0 && *ret == GENERATION_COUNT)
		*ret = of_another(c, f->tail);
	return err;
}

/* The end of a container of which the good prefix is found, and its generation, if it is not that of the prefix. */
static int find_end(struct chain *c, unsigned excludes, const bool *damaged, struct finding *f)
{
	struct search_result found;
	struct behind_result behind;
	unsigned other;
	int err = generation_behind(c, excludes, f, &other);

	if (err < 0 || other == GENERATION_COUNT)
		return err;
	f->gen = c->gen = &GENERATIONS[other];
	f->kind = damaged[other] ? KIND_DAMAGED : KIND_TORN;
	err = search_tail(c, 0, false, &found);
	f->tail = found.tail;
	if (found.tail == 0)
		f->kind = KIND_UNKNOWN;
	return err < 0 ? err : look_behind(c, f, &behind);
}

/*
 * Searches the good prefix, and the generation that explains most of the file. An entry at the start
 * of the file is the same in all generations with trailers of one length, and so is what follows it
 * as long as payloads begin where both put them: what was found in the newest is then the start of what
 * an older one has. `unfinished`: the file's end is that of an unfinished batch. These are the newest generation's alone;
 * one that is in the contents of a container of an older generation, of which the good prefix goes on behind it, is none.
 */
static int search(struct reel *r, uint64_t size, const bool *damaged, bool unfinished, struct finding *f)
{
	struct search_result newest, older;
	struct chain c = {.gen = GENERATION_NEWEST, .base = r->map->base, .size = size};
	struct behind_result behind;
	uint64_t reached;
	int err = search_tail(&c, 0, false, &newest);

	f->kind = KIND_UNKNOWN;
	f->gen = GENERATION_NEWEST;
	f->tail = 0;
	for (int i = 0; err == 0 && i < GENERATION_COUNT; i++) {
		c.gen = &GENERATIONS[i];
		bool alike = c.gen->trailer == GENERATION_NEWEST->trailer;
		if (i > 0 && (unfinished || (newest.excludes >> i & 1)))
			continue;
		older = alike ? newest : (struct search_result){0};
		if (i > 0 && alike && newest.tail > 0)
			err = search_tail(&c, newest.tail, false, &older);
		/* One entry may fit a trailer that is a byte longer than its own, by chance. */
		else if (!alike && newest.links < 2)
			err = search_tail(&c, 0, false, &older);
		if (err == 0 && (i == 0 || newest.unfinished == 0 || older.tail > newest.unfinished))
			weigh(f, i, older.tail, damaged[i]);
	}
	c.gen = f->gen;
	if (err == 0 && (f->kind == KIND_TORN || f->kind == KIND_DAMAGED) &&
	    (newest.unfinished == 0 || f->gen != GENERATION_NEWEST))
		err = unfinished ? look_behind(&c, f, &behind) : find_end(&c, newest.excludes, damaged, f);
	return err < 0 ? err : index_walk(&c, f->tail, &f->ends, &reached);
}

/* The store's own rule, when nothing is known of the file. */
static int examine(struct reel *r, uint64_t size, struct finding *f)
{
	bool damaged[GENERATION_COUNT], unfinished = false;

	for (int i = 0; i < GENERATION_COUNT; i++) {
		struct chain c = {.gen = &GENERATIONS[i], .base = r->map->base, .size = size};
		int err = look_at_end(&c, f);
		if (err < 0 || f->kind == KIND_WHOLE)
			return err;
		damaged[i] = f->kind == KIND_DAMAGED;
		unfinished |= i == 0 && f->kind == KIND_TORN;
	}
	return search(r, size, damaged, unfinished, f);
}

/* The rule when `durable` is known. `ended`: nobody is writing, so that good entries behind bad ones are no append under way.
 */
static int examine_from(const struct chain *c, uint64_t durable, bool ended, struct finding *f)
{
	struct search_result result = {.tail = c->size};
	struct behind_result behind;
	int err = 0;

	f->gen = c->gen;
	f->durable = durable;
	f->trusted = true;
	if (!chain_is_good(c, c->size, durable))
		err = search_tail(c, durable, true, &result);
	f->tail = result.tail;
	f->kind = KIND_TORN;
	if (err == 0 && ended && result.tail < c->size && result.unfinished == 0)
		err = look_behind(c, f, &behind);
	if (f->tail == c->size)
		f->kind = KIND_WHOLE;
	return err;
}

/* Asks the tail finder. False: it has no opinion, or there is none; f->durable is set then. */
static int ask(struct reel *r, const struct chain *c, struct finding *f, bool *answered)
{
	struct reel_view view = {.base = c->base, .size = c->size};
	struct reel_tail answer = {.verdict = REEL_TAIL_UNKNOWN};
	struct reel_entry e;

	*answered = false;
	if (r->find_tail == NULL)
		return 0;
	int err = r->find_tail(r->find_tail_arg, &view, &answer);
	if (err < 0)
		return err;
	f->durable = answer.durable;
	if (answer.verdict == REEL_TAIL_UNKNOWN && answer.durable <= c->size)
		return 0;
	*answered = true;
	f->gen = GENERATION_NEWEST;
	f->trusted = true;
	if (answer.verdict == REEL_TAIL_ANYWAY) {
		f->tail = c->size;
		f->kind = KIND_WHOLE;
		return store_writable(r) ? -EINVAL : 0;
	}
	f->tail = answer.tail;
	f->keep = answer.keep;
	f->kind = answer.verdict == REEL_TAIL_DAMAGED ? KIND_DAMAGED : answer.tail == c->size ? KIND_WHOLE : KIND_TORN;
	if (answer.durable > c->size || answer.tail > c->size || entry_parse(c, answer.tail, &e) < 0 ||
	    answer.durable > answer.tail)
		f->kind = KIND_DAMAGED;
	if (f->kind == KIND_DAMAGED && (answer.tail > c->size || (answer.tail > 0 && entry_parse(c, answer.tail, &e) < 0)))
		f->tail = 0;
	return 0;
}

/* A message for what was found, and whether the file can be opened so. */
static int judge(struct reel *r, uint64_t size, const struct finding *f)
{
	bool writing = store_writable(r);

	if (f->kind == KIND_UNKNOWN || (f->kind == KIND_DAMAGED && f->tail == 0)) {
		if (f->kind == KIND_UNKNOWN)
			reel_log(r, LOG_ERR, "%s: this is not a reel container; it was not changed", r->path);
		else
			reel_log(r, LOG_ERR, "%s: the container is damaged from its first entry on; it was not changed",
				 r->path);
		return -EBADMSG;
	}
	if (writing && f->gen != GENERATION_NEWEST) {
		reel_log(
		    r, LOG_ERR,
		    "%s: the container has the older format of simd-r-drive %s, which can be read but not written; it was not "
		    "changed. Open it read-only",
		    r->path, f->gen->written);
		return -ENOTSUP;
	}
	if (f->kind == KIND_DAMAGED) {
		reel_log(r, writing ? LOG_ERR : LOG_WARNING,
			 "%s: the container is damaged after offset %" PRIu64 ", before its end at %" PRIu64 "; %s", r->path,
			 f->tail, size,
			 writing ? "it was not changed. Open it read-only to read what is before the damage"
				 : "only what is before the damage is read");
		return writing ? -EBADMSG : 0;
	}
	if (f->kind == KIND_TORN && !writing)
		reel_log(r, LOG_NOTICE,
			 "%s: the last %" PRIu64 " bytes, after offset %" PRIu64
			 ", are an append that was not finished, or is under way; they are not read",
			 r->path, size - f->tail, f->tail);
	return 0;
}

int tail_open(struct reel *r, uint64_t size)
{
	struct finding f = {.kind = KIND_UNKNOWN, .gen = GENERATION_NEWEST, .ends.tagged = keys_checked(r)};
	struct chain c = {.gen = GENERATION_NEWEST, .base = r->map->base, .size = size};
	bool answered = size == 0;
	int err = 0;

	if (size == 0)
		f.kind = KIND_WHOLE;
	else
		err = ask(r, &c, &f, &answered);
	if (err == 0 && !answered)
		err = f.durable > 0 ? examine_from(&c, f.durable, true, &f) : examine(r, size, &f);
	/* Zeros in place of what could not be read are no reason to call anything torn or damaged. */
	if ((err == -EBADMSG || (err == 0 && (f.kind != KIND_WHOLE || !f.trusted))) && reread_tell(r, 0, 0, size))
		err = -EIO;
	if (err == 0)
		err = judge(r, size, &f);
	if (err == 0) {
		r->torn = (struct torn){.end = f.kind == KIND_TORN && store_writable(r) ? size : 0, .keep = f.keep};
		bool values = f.gen == GENERATION_OLDEST && (r->options.flags & REEL_NUL_VALUES);
		r->map->gen = values ? &GENERATION_WITHOUT_DELETIONS : f.gen;
		atomic_store(&r->tail, f.tail);
		atomic_store(&r->write_end, f.tail);
		atomic_store(&r->sync.durable, f.durable);
		/* What was found on the way has one NUL byte for a deletion. */
		index_start(r, f.trusted || values ? NULL : &f.ends);
	}
	u64table_free(&f.ends);
	return err;
}

int tail_advance(struct reel *r, const struct chain *c, uint64_t tail, uint64_t *ret)
{
	struct finding f = {.kind = KIND_UNKNOWN};
	bool answered = false;
	int err = 0;

	*ret = tail;
	if (c->gen == GENERATION_NEWEST)
		err = ask(r, c, &f, &answered);
	if (err == 0 && !answered)
		err = examine_from(c, tail, false, &f);
	if (err == 0 && f.kind == KIND_DAMAGED) {
		reel_log(r, LOG_ERR,
			 "%s: the container is damaged after offset %" PRIu64 "; what was read before stays readable", r->path,
			 f.tail);
		err = -EBADMSG;
	}
	if (err == 0 && f.tail > tail)
		*ret = f.tail;
	return err;
}
