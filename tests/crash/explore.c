/*
 * explore.c - see explore.h. A state that was seen before is not opened again: what it showed is remembered.
 *
 * What is expected of every state: it opens for reading and for writing, and shows the same in both; nothing is wrong with
 * it (fs_check); what it shows is one state of the history, not older than what was promised (after a power cut) or had
 * returned (after a kill) and not newer than the call under way; it closes; it opens again without a word about recovery
 * and shows the same.
 */
#include "config.h"

#include "explore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

/* In place of a state: entries with gaps (explore_keys.c), or that cannot be opened for writing. */
enum { LOOSE = -2 };

struct explorer {
	struct life *life;
	const char *label, *folder;
	const struct effort *effort;
	uint64_t seed;
	struct tally *tally;
	struct table seen; /* hash of an image to the state that it showed, plus 1 */
	struct moment moment;
	char what[300]; /* the image under test */
	bool cut;       /* it is one of a power cut */
};

/* --- one state ------------------------------------------------------------------------------------------------- */

static void empty_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	char path[4400];

	must(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			must(unlink(path) == 0);
	}
	closedir(dir);
}

static void put_image(const char *folder, const struct image *image)
{
	char path[4400];

	empty_folder(folder);
	for (int i = 0; i < image->n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, image->file[i].name);
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		must(fd >= 0);
		must(write(fd, image->file[i].bytes, image->file[i].len) == (ssize_t)image->file[i].len);
		close(fd);
	}
}

static bool has_container(const struct image *image)
{
	for (int i = 0; i < image->n; i++)
		if (strcmp(image->file[i].name, "c.reel") == 0)
			return true;
	return false;
}

static uint64_t hash_of(const struct image *image)
{
	uint64_t hash = 0;

	/* In the order of the model's files, which is the same for the same names. */
	for (int i = 0; i < image->n; i++) {
		uint64_t part[] = {hash, reel_hash(image->file[i].name, strlen(image->file[i].name)),
				   reel_hash(image->file[i].bytes, image->file[i].len)};
		hash = reel_hash(part, sizeof(part));
	}
	return hash;
}

/* Of an entry that another program wrote nobody knows how much was synced: what is in its pad harms nobody. */
static void on_fault(void *arg, const char *text)
{
	struct life *l = arg;
	size_t len = strlen(l->messages);

	if (l->others && strncmp(text, "the pad at", strlen("the pad at")) == 0)
		return;
	l->faults++;
	snprintf(l->messages + len, sizeof(l->messages) - len, "#   fault: %s\n", text);
}

/* What a reader sees who opens it as it is; NULL: nothing. */
static char *look_only(struct life *l)
{
	struct fs_options options = {.read_only = true};
	char *picture = NULL;
	struct reel *r;
	struct fs *fs;

	if (l->keys && reel_open(l->path, &(struct reel_options){.flags = REEL_RDONLY}, &r) == 0) {
		picture = picture_of_store(r);
		must(reel_close(r) == 0);
	} else if (!l->keys && fs_open(l->path, &options, &fs) == 0) {
		picture = picture_of_tree(fs, !l->others);
		must(fs_close(fs) == 0);
	}
	return picture;
}

/* What the container at l->path shows; NULL: it cannot be opened or closed. l->faults: what is wrong with it. */
static char *look(struct life *l)
{
	char *picture;

	if (l->keys) {
		if (life_store_open(l) < 0)
			return NULL;
		picture = strdup(l->state[l->n - 1].picture);
		if (life_store_close(l) == 0)
			return picture;
		free(picture);
		return NULL;
	}
	struct fs_options options = life_options(l);
	struct fs *fs;
	l->messages[0] = 0;
	if (fs_open(l->path, &options, &fs) < 0)
		return NULL;
	l->faults = 0;
	(void)fs_check(fs, on_fault, l);
	if (!l->others)
		find_unburied(fs, on_fault, l);
	picture = picture_of_tree(fs, !l->others);
	if (fs_close(fs) == 0)
		return picture;
	free(picture);
	return NULL;
}

static void fail(struct explorer *x, const char *how, const struct life *l, const char *is, int least)
{
	if (x->tally->failed++ >= x->tally->shown)
		return;
	printf("# %s, %s: %s\n%s", x->label, x->what, how, l->messages);
	moment_print(&x->moment);
	if (is && least >= 0)
		picture_difference(is, x->life->state[least].picture);
	fflush(stdout);
}

/* The state of the history that a picture is; -1: none. */
static int state_of(const struct explorer *x, const char *picture)
{
	for (int i = 0; i < x->life->n; i++)
		if (strcmp(x->life->state[i].picture, picture) == 0)
			return i;
	return -1;
}

/*
 * Entries of other programs do not say how much of them was synced: after a power cut they may have gaps
 * (explore_keys.c).
 */
static bool loose(const struct explorer *x)
{
	return x->cut && (x->life->keys || x->life->others);
}

static bool is_allowed(const struct explorer *x, const char *picture, int least)
{
	return gaps_allowed(x->life, picture, least, x->moment.returned + 1);
}

/*
 * A store of which nothing but a piece of its first entry is there cannot be told from any other file: it is refused, and
 * left as it is.
 */
static bool is_unrecognisable(const struct explorer *x, int least)
{
	return x->life->keys && (least < 0 || x->life->state[least].picture[0] == 0);
}

/*
 * With good entries behind bad ones, and no links to them, what other programs wrote is damaged, not torn, as far as anybody
 * can tell: what is before can be read, which `only` shows.
 */
static bool is_refused(const struct explorer *x, const struct life *l, const char *only, int least)
{
	return loose(x) && strstr(l->messages, "is damaged after") && only && is_allowed(x, only, least);
}

/* The state that a picture is, or LOOSE; -1: none, which is told. */
static int judge(struct explorer *x, const struct life *l, const char *picture, int least)
{
	int state = l->faults == 0 ? state_of(x, picture) : -1;

	/* In a tree the gaps show as faults. */
	if (state < 0 && loose(x) && (x->life->keys || l->faults > 0) && is_allowed(x, picture, least))
		state = LOOSE;
	if (state == -1)
		fail(x, l->faults ? "something is wrong with it" : "what it shows is no state of the history", l, picture,
		     least);
	return state;
}

/* Opens the container in x->folder for reading, and twice for writing. The state that it shows; -1: a failure, which was told.
 */
static int open_thrice(struct explorer *x, int least)
{
	char *only, *first, *second = NULL;
	struct life l;
	int state = -1;

	life_begin(&l, x->folder, &disk_real, 0);
	life_like(&l, x->life);
	only = look_only(&l);
	first = look(&l);
	if (!first && (is_unrecognisable(x, least) || is_refused(x, &l, only, least))) {
		state = LOOSE;
	} else if (!first) {
		fail(x, "it cannot be opened", &l, NULL, least);
	} else if (!only || strcmp(first, only) != 0) {
		fail(x, "a reader sees something else", &l, only, state_of(x, first));
	} else {
		state = judge(x, &l, first, least);
		second = look(&l);
		if (!second || strcmp(first, second) != 0 || strstr(l.messages, "cut off")) {
			fail(x, "the second opening is not like the first", &l, second, state < 0 ? least : state);
			state = -1;
		}
	}
	free(only);
	free(first);
	free(second);
	life_end(&l);
	return state;
}

static void live_on(struct explorer *x, const struct image *image, int state);

/* Whether one of the states from `least` to `most` looks like `state`. */
static bool is_between(const struct explorer *x, int state, int least, int most)
{
	for (int i = least < 0 ? 0 : least; i <= most && i < x->life->n; i++)
		if (x->life->state[i].same == x->life->state[state].same)
			return true;
	return false;
}

static void try_image(struct explorer *x, struct image *image, int least)
{
	int most = x->moment.returned + 1, state;

	x->tally->built++;
	if (!has_container(image)) {
		if (least >= 0)
			fail(x, "the container is gone", x->life, NULL, -1);
		image_free(image);
		return;
	}
	uint64_t hash = hash_of(image);
	void *known = table_get(&x->seen, hash);
	if (known) {
		state = (int)(intptr_t)known - 1;
	} else {
		put_image(x->folder, image);
		state = open_thrice(x, least);
		must(state < 0 || table_put(&x->seen, hash, (void *)(intptr_t)(state + 1)) == 0);
		x->tally->opened++;
	}
	/* What one state was by chance may be another one with gaps. */
	if (state >= 0 && x->life->keys && x->cut && !is_between(x, state, least, most) &&
	    is_allowed(x, x->life->state[state].picture, least))
		state = LOOSE;
	if (state >= 0 && !is_between(x, state, least, most)) {
		snprintf(x->what + strlen(x->what), 60, " (state %d, not %d to %d)", state, least, most);
		fail(x, "something is lost, or there that cannot be", x->life, NULL, -1);
	}
	if (!known && state >= 0 && x->effort->next && next_random(&x->seed) % x->effort->rare == 0)
		live_on(x, image, state);
	image_free(image);
}

/* --- kills ----------------------------------------------------------------------------------------------------- */

static void try_kill(struct explorer *x, size_t torn)
{
	struct image image;

	x->cut = false;
	snprintf(x->what, sizeof(x->what), "killed at call %zu, %zu bytes on", x->moment.at, torn);
	image_of_kill(&x->moment, torn, &image);
	try_image(x, &image, x->moment.returned);
}

static void kills_at(struct explorer *x)
{
	const struct call *next = x->moment.at < x->life->record->n ? &x->life->record->call[x->moment.at] : NULL;

	try_kill(x, 0);
	if (!next || next->kind != CALL_WRITE)
		return;
	uint64_t first = next->offset / 512 + 1, n = (next->offset + next->len - 1) / 512 + 1 - first;
	uint64_t tried = n < x->effort->boundaries ? n : x->effort->boundaries;
	for (uint64_t i = 0; i < tried; i++)
		try_kill(x, (first + i * n / tried) * 512 - next->offset);
	for (unsigned i = 0; i < x->effort->samples; i++)
		try_kill(x, next_random(&x->seed) % next->len);
	try_kill(x, next->len - 1);
}

/* --- power cuts ------------------------------------------------------------------------------------------------ */

static void try_cut(struct explorer *x, struct loss *loss)
{
	struct image image;

	loss->seed = next_random(&x->seed);
	/*
	 * Entries alone do not say enough to find out what is torn inside a sector, as where short writes made a trailer of
	 * several pieces and the one with the link alone is missing: then the checksum, which is there, seems to be that of
	 * all the bytes before.
	 */
	if (x->life->keys || x->life->others)
		moment_keep_blocks(&x->moment, loss->grain, loss->kept);
	x->cut = true;
	snprintf(x->what, sizeof(x->what), "power cut at call %zu, grain %u, length %d, fill %d, seed %llx", x->moment.at,
		 loss->grain, (int)loss->length, (int)loss->fill, (unsigned long long)loss->seed);
	image_of_cut(&x->moment, loss, &image);
	try_image(x, &image, x->moment.promised);
}

/* With the length as far as the data, and ahead of it with each filling. */
static void try_lengths(struct explorer *x, struct loss *loss)
{
	loss->fill = FILL_ZEROS;
	loss->length = LENGTH_OF_DATA;
	try_cut(x, loss);
	loss->length = LENGTH_FULL;
	for (loss->fill = 0; loss->fill < (x->life->keys || x->life->others ? FILL_OLD : FILLS); loss->fill++)
		try_cut(x, loss);
}

static void subsets(struct explorer *x, struct loss *loss, bool *kept, size_t units)
{
	for (size_t set = 0; set < (size_t)1 << units; set++) {
		for (size_t i = 0; i < units; i++)
			kept[i] = set >> i & 1;
		try_lengths(x, loss);
	}
}

static void singles(struct explorer *x, struct loss *loss, bool *kept, size_t units)
{
	for (int keep = 0; keep < 2; keep++)
		for (size_t i = 0; i < units; i++) {
			memset(kept, !keep, units);
			kept[i] = keep;
			try_lengths(x, loss);
		}
}

/* All but one: any, or one of those with which an append begins, where tombstones are. */
static void lose_one(struct explorer *x, unsigned grain, bool *kept, size_t units)
{
	size_t lost = next_random(&x->seed) % (units + 1);

	if (next_random(&x->seed) % 2)
		lost = moment_last_write(&x->moment, grain) + lost % 4;
	memset(kept, true, units);
	if (lost < units)
		kept[lost] = false;
}

/* A first part as it should be, and then by chance. */
static void lose_some(struct explorer *x, bool *kept, size_t units)
{
	uint64_t chance = next_random(&x->seed) % 257,
		 whole = next_random(&x->seed) % 3 ? units : next_random(&x->seed) % (units + 1);

	for (size_t i = 0; i < units; i++)
		kept[i] = (whole < units && i < whole) || next_random(&x->seed) % 256 < chance;
}

static void sample(struct explorer *x, struct loss *loss)
{
	static const unsigned grains[] = {4096, 512, 64, 7};
	const bool coarse = x->life->keys || x->life->others, one = next_random(&x->seed) % 3 == 0;

	/* Entries alone do not say enough to find out what is stale, or torn inside a sector. */
	loss->grain = coarse ? grains[next_random(&x->seed) % 2] : grains[one ? 3 : next_random(&x->seed) % 4];
	size_t units = moment_units(&x->moment, loss->grain);
	bool *kept = calloc(units + 1, sizeof(*kept));
	must(kept);
	if (one)
		lose_one(x, loss->grain, kept, units);
	else
		lose_some(x, kept, units);
	loss->kept = kept;
	loss->names = next_random(&x->seed) % (x->moment.n + 1);
	loss->length = next_random(&x->seed) % LENGTHS;
	loss->fill = next_random(&x->seed) % (coarse ? FILL_OLD : FILLS);
	try_cut(x, loss);
	free(kept);
}

static void cuts_at(struct explorer *x)
{
	struct loss loss = {.names = x->moment.n, .grain = 512};
	size_t units = moment_units(&x->moment, loss.grain);
	bool *kept = calloc(units + 1, sizeof(*kept));

	must(kept);
	loss.kept = kept;
	if (units <= x->effort->all_subsets)
		subsets(x, &loss, kept, units);
	else if (units <= x->effort->single)
		singles(x, &loss, kept, units);
	/* All or nothing of the data with each part of the names. */
	for (loss.names = 0; loss.names <= x->moment.n; loss.names++)
		for (int all = 0; all < 2; all++) {
			memset(kept, all, units);
			try_lengths(x, &loss);
		}
	free(kept);
	for (unsigned i = 0; units + x->moment.n > 0 && i < x->effort->samples; i++)
		sample(x, &loss);
}

/* --- a life ---------------------------------------------------------------------------------------------------- */

static bool changes_the_disk(const struct call *c)
{
	return c->kind != CALL_RETURNED && c->kind != CALL_PROMISED;
}

void explore(struct life *l, const char *label, const char *folder, const struct effort *effort, uint64_t seed,
	     struct tally *tally)
{
	struct explorer x = {.life = l, .label = label, .folder = folder, .effort = effort, .seed = seed, .tally = tally};
	const struct recording *record = l->record;

	moment_begin(&x.moment, record);
	do {
		const struct call *last = x.moment.at > 0 ? &record->call[x.moment.at - 1] : NULL;
		kills_at(&x);
		if (last && changes_the_disk(last))
			cuts_at(&x);
	} while (moment_step(&x.moment));
	moment_end(&x.moment);
	table_clear(&x.seen);
}

static void live_on(struct explorer *x, const struct image *image, int state)
{
	char folder[4200], label[500];
	struct recording record;
	struct life l;

	snprintf(folder, sizeof(folder), "%s/.second", x->folder);
	must(mkdir(folder, 0700) == 0 || errno == EEXIST);
	put_image(folder, image);
	record_begin(&record, folder);
	life_begin(&l, folder, &record.ops, next_random(&x->seed));
	l.record = &record;
	l.dead = &record.dead;
	life_like(&l, x->life);
	life_add_state(&l, strdup(x->life->state[state].picture));
	life_promise(&l);
	record.first = record.n;
	life_short(&l);
	snprintf(label, sizeof(label), "%s, %s, lived on with seed %llx", x->label, x->what, (unsigned long long)l.seed);
	x->tally->lives++;
	/* The states are closed for the life's own use of the folder. */
	record.dead = true;
	(void)fs_close(l.fs);
	(void)reel_close(l.store);
	l.fs = NULL;
	l.store = NULL;
	explore(&l, label, x->folder, x->effort->next, next_random(&x->seed), x->tally);
	life_end(&l);
	record_end(&record);
}
