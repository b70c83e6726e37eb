/*
 * writer.c - the asynchronous writer: a queue of submissions, and the one thread that commits them, all that are
 * queued in one append. Where that append fails each submission is tried by itself, so that the error of one is not
 * another's. Knows nothing of entries but what write.c does for it.
 *
 * Locks: writer.lock protects the queue and the counts; it is not held while something is written or called back.
 * ticket.lock protects one ticket's result.
 */
#include "config.h"

#include <stdlib.h>

#include "store.h"

enum { QUEUE_BYTES = 64 << 20 };

struct reel_ticket {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	int result;
};

/* One piece of memory with its items and their values. */
struct submission {
	struct submission *next;
	struct reel_ticket *ticket;
	reel_done_fn done;
	void *arg;
	unsigned flags;
	int result;
	size_t bytes, n;
	struct tagged_item items[];
};

struct reel_writer {
	struct reel *r;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t queued, finished;
	struct submission *first, **last;
	size_t bytes, bytes_most; /* of what is queued */
	uint64_t submitted, ended;
	bool ending;
};

/* --- the committing thread ------------------------------------------------------------------------------- */

static void write_one(struct reel_writer *w, struct submission *s)
{
	ssize_t written = write_items(w->r, s->items, s->n);

	s->result = written < 0 ? (int)written : 0;
}

/* All of them in one append. False: nothing was written. */
static bool write_group(struct reel_writer *w, struct submission *first)
{
	size_t n = 0, at = 0;

	for (struct submission *s = first; s != NULL; s = s->next)
		n += s->n;
	struct tagged_item *items = calloc(n, sizeof(*items));
	if (items == NULL)
		return false;
	for (struct submission *s = first; s != NULL; s = s->next) {
		memcpy(items + at, s->items, s->n * sizeof(*items));
		at += s->n;
	}
	ssize_t written = write_items(w->r, items, n);
	free(items);
	return written >= 0;
}

static void sync_group(struct reel_writer *w, struct submission *first)
{
	bool wanted = false;

	for (struct submission *s = first; s != NULL; s = s->next)
		wanted |= s->result == 0 && (s->flags & REEL_SUBMIT_SYNC);
	int err = wanted ? reel_sync(w->r) : 0;
	for (struct submission *s = first; err < 0 && s != NULL; s = s->next) {
		if (s->result == 0 && (s->flags & REEL_SUBMIT_SYNC))
			s->result = err;
	}
}

static void tell(struct reel_ticket *t, int result)
{
	pthread_mutex_lock(&t->lock);
	t->result = result;
	t->done = true;
	pthread_cond_signal(&t->changed);
	/* The waiter frees it once it has the lock. */
	pthread_mutex_unlock(&t->lock);
}

/* Tells everyone, and frees the group. How many there were. */
static uint64_t deliver(struct submission *first)
{
	uint64_t n = 0;

	for (struct submission *s = first, *next; s != NULL; s = next, n++) {
		next = s->next;
		if (s->done != NULL)
			s->done(s->arg, s->result);
		if (s->ticket != NULL)
			tell(s->ticket, s->result);
		free(s);
	}
	return n;
}

static void commit(struct reel_writer *w, struct submission *first)
{
	if (first->next == NULL || !write_group(w, first)) {
		for (struct submission *s = first; s != NULL; s = s->next)
			write_one(w, s);
	}
	sync_group(w, first);
}

static void *run(void *arg)
{
	struct reel_writer *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->first == NULL && !w->ending)
			pthread_cond_wait(&w->queued, &w->lock);
		struct submission *group = w->first;
		if (group == NULL)
			break;
		w->first = NULL;
		w->last = &w->first;
		w->bytes = 0;
		/* There is room for others. */
		pthread_cond_broadcast(&w->finished);
		pthread_mutex_unlock(&w->lock);
		commit(w, group);
		uint64_t n = deliver(group);
		pthread_mutex_lock(&w->lock);
		w->ended += n;
		pthread_cond_broadcast(&w->finished);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int reel_writer_start(struct reel *r, size_t queue_bytes, struct reel_writer **ret)
{
	struct reel_writer *w = store_writable(r) ? calloc(1, sizeof(*w)) : NULL;

	if (w == NULL)
		return store_writable(r) ? -ENOMEM : -EROFS;
	w->r = r;
	w->bytes_most = queue_bytes == 0 ? QUEUE_BYTES : queue_bytes;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->queued, NULL);
	pthread_cond_init(&w->finished, NULL);
	int err = pthread_create(&w->thread, NULL, run, w);
	if (err != 0) {
		free(w);
		return -err;
	}
	(void)pthread_setname_np(w->thread, "reel-writer");
	*ret = w;
	return 0;
}

/* --- submitting ------------------------------------------------------------------------------------------ */

static struct reel_ticket *ticket_new(void)
{
	struct reel_ticket *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		pthread_mutex_init(&t->lock, NULL);
		pthread_cond_init(&t->changed, NULL);
	}
	return t;
}

static void ticket_free(struct reel_ticket *t)
{
	if (t == NULL)
		return;
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* A copy of the items, with their values. */
static struct submission *pack(const struct tagged_item *items, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		if (items[i].item.value != NULL && __builtin_add_overflow(bytes, items[i].item.value_len, &bytes))
			return NULL;
	}
	if (bytes > SIZE_MAX / 2 || n > SIZE_MAX / 4 / sizeof(*items))
		return NULL;
	struct submission *s = malloc(sizeof(*s) + n * sizeof(*items) + bytes);
	if (s == NULL)
		return NULL;
	*s = (struct submission){.bytes = bytes + n * sizeof(*items), .n = n};
	uint8_t *at = (uint8_t *)(s->items + n);
	for (size_t i = 0; i < n; i++) {
		s->items[i] = items[i];
		if (items[i].item.value == NULL)
			continue;
		memcpy(at, items[i].item.value, items[i].item.value_len);
		s->items[i].item.value = at;
		at += items[i].item.value_len;
	}
	return s;
}

static int enqueue(struct reel_writer *w, struct submission *s)
{
	/* The committing thread, in a callback, would wait for itself. */
	bool waits = !pthread_equal(pthread_self(), w->thread);

	pthread_mutex_lock(&w->lock);
	while (waits && !w->ending && w->first != NULL && w->bytes + s->bytes > w->bytes_most)
		pthread_cond_wait(&w->finished, &w->lock);
	int err = w->ending ? -ESHUTDOWN : 0;
	if (err == 0) {
		*w->last = s;
		w->last = &s->next;
		w->bytes += s->bytes;
		w->submitted++;
		pthread_cond_signal(&w->queued);
	}
	pthread_mutex_unlock(&w->lock);
	return err;
}

static int submit(struct reel_writer *w, const struct tagged_item *items, size_t n, const struct submission *like,
		  struct reel_ticket **ticket)
{
	struct reel_ticket *t = NULL;
	int err = n == 0 ? -EINVAL : 0;

	for (size_t i = 0; err == 0 && i < n; i++)
		err = write_check_item(&items[i].item);
	if (err < 0)
		return err;
	struct submission *s = pack(items, n);
	if (s == NULL || (ticket != NULL && (t = ticket_new()) == NULL)) {
		free(s);
		return -ENOMEM;
	}
	s->ticket = t;
	s->done = like->done;
	s->arg = like->arg;
	s->flags = like->flags;
	err = enqueue(w, s);
	if (err < 0) {
		ticket_free(t);
		free(s);
	} else if (ticket != NULL) {
		*ticket = t;
	}
	return err;
}

int reel_submit(struct reel_writer *w, const struct reel_key_item *items, size_t n, unsigned flags, reel_done_fn done,
		void *arg, struct reel_ticket **ticket)
{
	struct tagged_item *tagged = write_tagged(w->r, items, n);

	if (tagged == NULL)
		return -ENOMEM;
	int err = submit(w, tagged, n, &(struct submission){.done = done, .arg = arg, .flags = flags}, ticket);
	free(tagged);
	return err;
}

int reel_submit_hashes(struct reel_writer *w, const struct reel_batch_item *items, size_t n, unsigned flags, reel_done_fn done,
		       void *arg, struct reel_ticket **ticket)
{
	struct tagged_item *tagged = calloc(n + 1, sizeof(*tagged));

	if (tagged == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		tagged[i].item = items[i];
	int err = submit(w, tagged, n, &(struct submission){.done = done, .arg = arg, .flags = flags}, ticket);
	free(tagged);
	return err;
}

/* --- waiting --------------------------------------------------------------------------------------------- */

int reel_ticket_wait(struct reel_ticket *t)
{
	pthread_mutex_lock(&t->lock);
	while (!t->done)
		pthread_cond_wait(&t->changed, &t->lock);
	int result = t->result;
	pthread_mutex_unlock(&t->lock);
	ticket_free(t);
	return result;
}

int reel_writer_flush(struct reel_writer *w, bool sync)
{
	pthread_mutex_lock(&w->lock);
	uint64_t submitted = w->submitted;
	while (w->ended < submitted)
		pthread_cond_wait(&w->finished, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return sync ? reel_sync(w->r) : 0;
}

void reel_writer_end(struct reel_writer *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->queued);
	pthread_cond_broadcast(&w->finished);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->finished);
	pthread_cond_destroy(&w->queued);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
