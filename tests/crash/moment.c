/*
 * moment.c - see moment.h. Owns the bytes of each file as of its last sync; the rest is built for each image anew.
 */
#include "config.h"

#include "moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t next_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void push(size_t **list, size_t *n, size_t *room, size_t value)
{
	if (*n == *room) {
		*room = *room ? 2 * *room : 16;
		*list = realloc(*list, *room * sizeof(**list));
		must(*list);
	}
	(*list)[(*n)++] = value;
}

/* --- names ------------------------------------------------------------------------------------------------- */

static int find(const struct names *names, const char *name)
{
	for (int i = 0; i < names->n; i++)
		if (strcmp(names->at[i].name, name) == 0)
			return i;
	return -1;
}

static void set(struct names *names, const char *name, int file)
{
	int i = find(names, name);

	if (i < 0) {
		i = names->n++;
		must(i < RECORD_NAMES);
	}
	names->at[i].name = name;
	names->at[i].file = file;
}

static void drop(struct names *names, const char *name)
{
	int i = find(names, name);

	must(i >= 0);
	names->at[i] = names->at[--names->n];
}

static void change_names(struct names *names, const struct call *c)
{
	if (c->kind == CALL_CREATE) {
		set(names, c->name, c->file);
		return;
	}
	if (c->kind == CALL_LINK || c->kind == CALL_RENAME)
		set(names, c->to, names->at[find(names, c->name)].file);
	if (c->kind == CALL_RENAME || c->kind == CALL_UNLINK)
		drop(names, c->name);
}

static struct names names_after(const struct moment *m, size_t changes)
{
	struct names names = m->durable;

	for (size_t i = 0; i < changes && i < m->n; i++)
		change_names(&names, &m->record->call[m->pending[i]]);
	return names;
}

/* --- files ------------------------------------------------------------------------------------------------- */

static uint64_t length_after(const struct call *c, uint64_t before)
{
	if (c->kind == CALL_TRUNCATE)
		return c->offset;
	return c->offset + c->len > before ? c->offset + c->len : before;
}

/* The length if all is there, and the least and largest since the last sync. */
static void lengths(const struct moment *m, const struct disk_file *f, uint64_t *full, uint64_t *least, uint64_t *most)
{
	*full = *least = *most = f->len;
	for (size_t i = 0; i < f->n; i++) {
		*full = length_after(&m->record->call[f->pending[i]], *full);
		*least = *full < *least ? *full : *least;
		*most = *full > *most ? *full : *most;
	}
}

static void apply(uint8_t *bytes, uint64_t most, const struct call *c)
{
	if (c->kind == CALL_TRUNCATE)
		memset(bytes + c->offset, 0, most - c->offset);
	else
		memcpy(bytes + c->offset, c->data, c->len);
}

/* All of the file that was written; *len. `room` more bytes are there. */
static uint8_t *whole(const struct moment *m, const struct disk_file *f, size_t room, size_t *len)
{
	uint64_t full, least, most;

	lengths(m, f, &full, &least, &most);
	uint8_t *bytes = calloc(1, most + room + 1);
	must(bytes);
	if (f->len > 0)
		memcpy(bytes, f->base, f->len);
	for (size_t i = 0; i < f->n; i++)
		apply(bytes, most, &m->record->call[f->pending[i]]);
	*len = full;
	return bytes;
}

static void synced(struct moment *m, struct disk_file *f)
{
	size_t len;
	uint8_t *bytes = whole(m, f, 0, &len);

	free(f->base);
	f->base = bytes;
	f->len = len;
	f->n = 0;
}

static bool lies(const struct moment *m, enum lie lie)
{
	return m->record->lie == lie && m->at >= m->record->first;
}

/* --- moments ----------------------------------------------------------------------------------------------- */

bool moment_step(struct moment *m)
{
	if (m->at == m->record->n)
		return false;
	const struct call *c = &m->record->call[m->at];
	struct disk_file *f = c->file >= 0 ? &m->file[c->file] : NULL;

	switch (c->kind) {
	case CALL_WRITE:
	case CALL_TRUNCATE:
		push(&f->pending, &f->n, &f->room, m->at);
		break;
	case CALL_SYNC:
		if (!lies(m, LIE_SYNC))
			synced(m, f);
		break;
	case CALL_SYNC_FOLDER:
		if (lies(m, LIE_FOLDER))
			break;
		m->durable = names_after(m, m->n);
		m->n = 0;
		break;
	case CALL_RETURNED:
		m->returned = c->state;
		break;
	case CALL_PROMISED:
		m->promised = c->state;
		break;
	default:
		push(&m->pending, &m->n, &m->room, m->at);
	}
	m->at++;
	return true;
}

void moment_begin(struct moment *m, const struct recording *record)
{
	*m = (struct moment){.record = record, .returned = -1, .promised = -1};
	m->file = calloc((size_t)record->files + 1, sizeof(*m->file));
	must(m->file);
	while (m->at < record->first)
		moment_step(m);
}

void moment_end(struct moment *m)
{
	for (int i = 0; i < m->record->files; i++) {
		free(m->file[i].base);
		free(m->file[i].pending);
	}
	free(m->file);
	free(m->pending);
}

void moment_print(const struct moment *m)
{
	static const char *const kinds[] = {"write",  "truncate", "sync",        "create",   "link",
					    "rename", "unlink",   "sync folder", "returned", "promised"};
	enum { SHOWN = 25 };

	for (size_t i = m->at < SHOWN ? 0 : m->at - SHOWN; i <= m->at && i < m->record->n; i++) {
		const struct call *c = &m->record->call[i];
		printf("#   %s%zu %s", i == m->at ? "next: " : "", i, kinds[c->kind]);
		if (c->file >= 0)
			printf(" file %d, %llu + %zu", c->file, (unsigned long long)c->offset, c->len);
		printf("%s%s %s", c->name ? " " : "", c->name ? c->name : "", c->to ? c->to : "");
		if (c->state >= 0)
			printf("state %d", c->state);
		printf("\n");
	}
}

/* --- images ------------------------------------------------------------------------------------------------ */

void image_free(struct image *image)
{
	for (int i = 0; i < image->n; i++)
		free(image->file[i].bytes);
	image->n = 0;
}

static void add(struct image *image, const char *name, uint8_t *bytes, size_t len)
{
	image->file[image->n].name = name;
	image->file[image->n].bytes = bytes;
	image->file[image->n].len = len;
	image->n++;
}

static void forget_last(const struct moment *m, const struct disk_file *f, uint8_t *bytes)
{
	const struct call *c = &m->record->call[f->pending[f->n - 1]];

	if (c->kind == CALL_WRITE)
		memset(bytes + c->offset, 0, c->len);
}

void image_of_kill(const struct moment *m, size_t torn, struct image *ret)
{
	const struct call *next = m->at < m->record->n ? &m->record->call[m->at] : NULL;
	struct names names = names_after(m, m->n);

	ret->n = 0;
	for (int i = 0; i < names.n; i++) {
		bool is_torn = torn > 0 && next && next->kind == CALL_WRITE && next->file == names.at[i].file;
		size_t len;
		uint8_t *bytes = whole(m, &m->file[names.at[i].file], is_torn ? next->offset + next->len : 0, &len);
		if (lies(m, LIE_CACHE) && m->file[names.at[i].file].n > 0)
			forget_last(m, &m->file[names.at[i].file], bytes);
		if (is_torn) {
			memcpy(bytes + next->offset, next->data, torn);
			len = next->offset + torn > len ? next->offset + torn : len;
		}
		add(ret, names.at[i].name, bytes, len);
	}
}

/* The end of the unit of `c` that begins at `start`. */
static uint64_t unit_end(const struct call *c, uint64_t start, unsigned grain)
{
	uint64_t end = (start / grain + 1) * grain;

	return end < c->offset + c->len ? end : c->offset + c->len;
}

static size_t units_of_call(const struct call *c, unsigned grain)
{
	return c->kind == CALL_TRUNCATE ? 1 : (c->offset + c->len - 1) / grain - c->offset / grain + 1;
}

static size_t units_of(const struct moment *m, const struct disk_file *f, unsigned grain)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += units_of_call(&m->record->call[f->pending[i]], grain);
	return n;
}

size_t moment_units(const struct moment *m, unsigned grain)
{
	size_t n = 0;

	for (int i = 0; i < m->record->files; i++)
		n += units_of(m, &m->file[i], grain);
	return n;
}

size_t moment_last_write(const struct moment *m, unsigned grain)
{
	size_t unit = 0, last = 0;

	for (int file = 0; file < m->record->files; file++) {
		const struct disk_file *f = &m->file[file];
		for (size_t i = 0; i < f->n; i++) {
			const struct call *c = &m->record->call[f->pending[i]];
			last = c->kind == CALL_WRITE ? unit : last;
			unit += units_of_call(c, grain);
		}
	}
	return last;
}

/* What is kept of a write is kept of the one before, whose units those at `earlier` are, where both have a block. */
static void keep_earlier(const struct call *c, const bool *kept, const struct call *before, bool *earlier, unsigned grain)
{
	uint64_t first = c->offset / grain, begin = before->offset / grain;
	size_t n = units_of_call(before, grain);

	for (size_t i = 0, units = units_of_call(c, grain); i < units; i++)
		if (kept[i] && first + i >= begin && first + i - begin < n)
			earlier[first + i - begin] = true;
}

void moment_keep_blocks(const struct moment *m, unsigned grain, bool *kept)
{
	for (int file = 0; file < m->record->files; file++) {
		const struct disk_file *f = &m->file[file];
		for (size_t i = 0; i < f->n; i++) {
			const struct call *c = &m->record->call[f->pending[i]];
			bool *earlier = kept;
			for (size_t j = i; j > 0 && c->kind == CALL_WRITE; j--) {
				const struct call *before = &m->record->call[f->pending[j - 1]];
				if (before->kind != CALL_WRITE)
					break;
				earlier -= units_of_call(before, grain);
				keep_earlier(c, kept, before, earlier, grain);
			}
			kept += units_of_call(c, grain);
		}
	}
}

static void fill_from(const struct disk_file *f, uint8_t *bytes, uint64_t most, const struct loss *loss, uint64_t *seed)
{
	uint64_t shift = 64 * (1 + next_random(seed) % 64);

	for (uint64_t i = f->len; i < most; i++) {
		if (loss->fill == FILL_NOISE)
			bytes[i] = (uint8_t)next_random(seed);
		else if (loss->fill == FILL_OLD && i >= shift)
			bytes[i] = bytes[i - shift];
	}
}

/* What of a write is kept; returns how far the data reaches then. */
static uint64_t apply_units(uint8_t *bytes, const struct call *c, const struct loss *loss, size_t *unit, uint64_t reach)
{
	for (uint64_t start = c->offset; start < c->offset + c->len;) {
		uint64_t end = unit_end(c, start, loss->grain);
		if (loss->kept[(*unit)++]) {
			memcpy(bytes + start, c->data + (start - c->offset), end - start);
			reach = end > reach ? end : reach;
		}
		start = end;
	}
	return reach;
}

static uint64_t any_length(uint64_t least, uint64_t most, uint64_t *seed)
{
	uint64_t at = least + next_random(seed) % (most - least + 1), grain = next_random(seed) % 3;

	at = grain == 0 ? at : grain == 1 ? at / 512 * 512 : at / 4096 * 4096;
	return at < least ? least : at;
}

/* `unit` counts on over the files. */
static uint8_t *cut_file(const struct moment *m, int file, const struct loss *loss, size_t *unit, uint64_t *seed, size_t *len)
{
	const struct disk_file *f = &m->file[file];
	uint64_t full, least, most, reach = f->len;

	lengths(m, f, &full, &least, &most);
	uint8_t *bytes = calloc(1, most + 1);
	must(bytes);
	if (f->len > 0)
		memcpy(bytes, f->base, f->len);
	if (f->len > 0 && lies(m, LIE_BIT))
		bytes[next_random(seed) % f->len] ^= (uint8_t)(1 << next_random(seed) % 8);
	fill_from(f, bytes, most, loss, seed);
	for (size_t i = 0; i < f->n; i++) {
		const struct call *c = &m->record->call[f->pending[i]];
		if (c->kind == CALL_WRITE) {
			reach = apply_units(bytes, c, loss, unit, reach);
		} else if (loss->kept[(*unit)++]) {
			apply(bytes, most, c);
			reach = c->offset;
		}
	}
	*len = loss->length == LENGTH_OF_DATA ? reach : loss->length == LENGTH_FULL ? full : any_length(least, most, seed);
	return bytes;
}

void image_of_cut(const struct moment *m, const struct loss *loss, struct image *ret)
{
	struct names names = names_after(m, loss->names);
	uint64_t seed = loss->seed;
	size_t unit = 0;

	ret->n = 0;
	for (int file = 0; file < m->record->files; file++) {
		size_t len, before = unit;
		uint8_t *bytes = cut_file(m, file, loss, &unit, &seed, &len);
		must(unit - before == units_of(m, &m->file[file], loss->grain));
		int used = 0;
		for (int i = 0; i < names.n; i++)
			if (names.at[i].file == file && used++ == 0)
				add(ret, names.at[i].name, bytes, len);
		must(used <= 1);
		if (used == 0)
			free(bytes);
	}
}
