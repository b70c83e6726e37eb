/*
 * data.c - entries that hold contents: the table of them and the check of their bytes. Relies on the
 * store's mapping, where damage beneath (also a truncated container) shows as wrong bytes. Never
 * changes the container.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "engine.h"

#define RESIDENT_BLOCKS 1024 /* of a payload that is surveyed, resident at once */

static int copy_sums(struct data *d, uint32_t n, const uint32_t *sum)
{
	if (n == 0)
		return 0;
	d->own_sums = malloc(n * sizeof(*sum));
	if (!d->own_sums)
		return -ENOMEM;
	memcpy(d->own_sums, sum, n * sizeof(*sum));
	d->sum = d->own_sums;
	d->sums = n;
	return 0;
}

static int take_key(struct data_table *t, struct data *d)
{
	struct data *old = table_get(&t->by_key, d->key_hash);
	int r = table_put(&t->by_key, d->key_hash, d);

	if (r < 0)
		return r;
	if (old)
		old->keyed = false;
	d->keyed = true;
	return 0;
}

int data_make(struct data_table *t, const struct fs_record_data *record, const uint32_t *sum, struct data **ret)
{
	struct data *d = table_get(&t->by_position, record->position);
	int r;

	if (d) {
		*ret = d;
		return d->len == record->len && d->crc == record->crc && d->key_hash == record->key_hash ? 0 : -EBADMSG;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->position = record->position;
	d->len = record->len;
	d->key_hash = record->key_hash;
	d->crc = record->crc;
	r = copy_sums(d, record->sums, sum);
	if (r < 0)
		goto fail;
	r = table_put(&t->by_position, d->position, d);
	if (r < 0)
		goto fail;
	r = record->flags & FS_DATA_UNKEYED ? 0 : take_key(t, d);
	if (r < 0) {
		table_del(&t->by_position, d->position);
		goto fail;
	}
	*ret = d;
	return 0;
fail:
	free(d->own_sums);
	free(d);
	return r;
}

void data_unkey(struct data_table *t, struct data *d)
{
	if (!d->keyed)
		return;
	table_del(&t->by_key, d->key_hash);
	d->keyed = false;
}

static void data_free(struct data *d)
{
	free(d->own_sums);
	free(atomic_load(&d->checked));
	free(d);
}

bool data_unref(struct data_table *t, struct data *d)
{
	bool was_keyed = d->keyed;

	if (d->refs > 0 && --d->refs > 0)
		return false;
	data_unkey(t, d);
	table_del(&t->by_position, d->position);
	data_free(d);
	return was_keyed;
}

void data_table_free(struct data_table *t)
{
	uint64_t position = 0;

	for (struct data *d; (d = table_first(&t->by_position, &position)); position++)
		data_free(d);
	table_clear(&t->by_position);
	table_clear(&t->by_key);
}

bool data_key_taken(const struct data_table *t, uint64_t key_hash)
{
	return table_get(&t->by_key, key_hash) != NULL;
}

/* --- checking ------------------------------------------------------------------------------------ */

/* Numbers in records lead here only after the trailer there has been found to say the same. */
static int check_place(const struct reel_view *view, struct data *d, uint64_t *bad)
{
	struct reel_entry e;
	uint64_t end = reel_payload_end(view, d->position, d->len);

	if (atomic_load_explicit(&d->state, memory_order_acquire) & DATA_PLACED)
		return 0;
	if (d->position > view->size || d->len > view->size || end > view->size || reel_entry_at(view, end, &e) < 0 ||
	    e.offset != d->position || e.len != d->len || e.key_hash != d->key_hash || e.crc != d->crc) {
		*bad = d->position + d->len;
		return -EIO;
	}
	atomic_fetch_or_explicit(&d->state, DATA_PLACED, memory_order_release);
	return 0;
}

static _Atomic uint8_t *checked_bits(struct data *d)
{
	_Atomic uint8_t *bits = atomic_load_explicit(&d->checked, memory_order_acquire), *fresh;

	if (bits)
		return bits;
	fresh = calloc((d->sums + 7) / 8, 1);
	if (!fresh)
		return NULL;
	if (atomic_compare_exchange_strong(&d->checked, &bits, fresh))
		return fresh;
	free(fresh);
	return bits;
}

static int check_blocks(const uint8_t *payload, struct data *d, uint64_t offset, uint64_t len, uint64_t *bad)
{
	_Atomic uint8_t *bits = checked_bits(d);
	uint64_t last = (offset + len - 1) / FS_BLOCK;

	if (!bits)
		return -ENOMEM;
	for (uint64_t b = offset / FS_BLOCK; b <= last; b++) {
		uint64_t start = b * FS_BLOCK, size = d->len - start < FS_BLOCK ? d->len - start : FS_BLOCK;
		uint8_t bit = (uint8_t)(1u << (b % 8));

		if (atomic_load_explicit(&bits[b / 8], memory_order_relaxed) & bit)
			continue;
		if (reel_crc32(0, payload + start, size) != d->sum[b]) {
			*bad = d->position + start;
			return -EIO;
		}
		atomic_fetch_or_explicit(&bits[b / 8], bit, memory_order_relaxed);
	}
	return 0;
}

/* Forgets what was found good before another program's change. A check that is under way may still count. */
static void distrust(struct data *d, uint16_t changes)
{
	_Atomic uint8_t *bits = atomic_load(&d->checked);

	atomic_store(&d->state, 0);
	for (uint32_t i = 0; bits && i < (d->sums + 7) / 8; i++)
		atomic_store_explicit(&bits[i], 0, memory_order_relaxed);
	atomic_store(&d->changes, changes);
}

int data_check(struct reel *store, struct data *d, uint64_t offset, uint64_t len, uint64_t *bad)
{
	struct reel_view view = reel_view_of(store);
	const uint8_t *payload = view.base + d->position;
	uint16_t changes = (uint16_t)reel_changes(store);
	int r;

	if (atomic_load_explicit(&d->changes, memory_order_acquire) != changes)
		distrust(d, changes);
	if (atomic_load_explicit(&d->state, memory_order_acquire) & DATA_CHECKED)
		return 0;
	r = check_place(&view, d, bad);
	if (r < 0)
		return r;
	if (len == 0 || offset >= d->len || len > d->len - offset) {
		*bad = d->position;
		return -EIO;
	}
	if (d->sums > 0)
		return check_blocks(payload, d, offset, len, bad);
	if (reel_payload_crc(&view, d->position, d->len) != d->crc) {
		*bad = d->position;
		return -EIO;
	}
	atomic_fetch_or_explicit(&d->state, DATA_CHECKED, memory_order_release);
	return 0;
}

/* --- damaged payloads ------------------------------------------------------------------------------- */

int data_survey(const struct reel_view *view, struct data *d)
{
	uint64_t there = d->position < view->size ? view->size - d->position : 0, sound = 0;
	_Atomic uint8_t *bits = d->sums > 0 ? checked_bits(d) : NULL;

	if (d->sums > 0 && !bits)
		return -ENOMEM;
	for (uint64_t b = 0; b < d->sums; b++) {
		uint64_t start = b * FS_BLOCK, size = d->len - start < FS_BLOCK ? d->len - start : FS_BLOCK;

		if (b % RESIDENT_BLOCKS == RESIDENT_BLOCKS - 1)
			reel_drop_pages(view);
		if (start > there || size > there - start || reel_crc32(0, view->base + d->position + start, size) != d->sum[b])
			continue;
		atomic_fetch_or_explicit(&bits[b / 8], (uint8_t)(1u << (b % 8)), memory_order_relaxed);
		sound++;
	}
	if (d->sums == 0)
		sound = d->len <= there && reel_payload_crc(view, d->position, d->len) == d->crc;
	atomic_fetch_or(&d->state, sound == (d->sums > 0 ? d->sums : 1) ? DATA_PLACED | DATA_CHECKED : DATA_PLACED);
	return 0;
}

bool data_sound_at(const struct data *d, uint64_t offset, uint64_t *len)
{
	uint64_t b = offset / FS_BLOCK;
	_Atomic uint8_t *bits = atomic_load(&d->checked);

	*len = d->len - offset;
	if (atomic_load(&d->state) & DATA_CHECKED)
		return true;
	if (d->sums == 0 || !bits)
		return false;
	if (*len > (b + 1) * FS_BLOCK - offset)
		*len = (b + 1) * FS_BLOCK - offset;
	return atomic_load(&bits[b / 8]) >> (b % 8) & 1;
}

/* --- making sums ---------------------------------------------------------------------------------- */

static int sums_push(struct sums *s)
{
	if (s->n == s->room) {
		size_t room = s->room ? s->room * 2 : 16;
		uint32_t *sum = realloc(s->sum, room * sizeof(*sum));

		if (!sum)
			return -ENOMEM;
		s->sum = sum;
		s->room = room;
	}
	s->sum[s->n++] = s->crc;
	s->crc = 0;
	s->filled = 0;
	return 0;
}

int sums_add(struct sums *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		size_t n = FS_BLOCK - s->filled < len ? FS_BLOCK - s->filled : len;

		/* A full block is put away when more comes: a single block has no sums of its own. */
		if (n == 0) {
			int r = sums_push(s);

			if (r < 0)
				return r;
			continue;
		}
		s->crc = reel_crc32(s->crc, p, n);
		s->filled += (uint32_t)n;
		p += n;
		len -= n;
	}
	return 0;
}

int sums_end(struct sums *s)
{
	return s->n > 0 ? sums_push(s) : 0;
}

void sums_free(struct sums *s)
{
	free(s->sum);
	*s = (struct sums){0};
}
