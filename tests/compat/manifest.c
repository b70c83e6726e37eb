/*
 * manifest.c - see manifest.h.
 */
#include "config.h"

#include "manifest.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct json_object *json_load(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.json", VECTORS_DIR, name);
	struct json_object *json = json_object_from_file(path);
	ck_assert_msg(json != NULL, "%s: %s", path, json_util_get_last_err());
	return json;
}

uint64_t get_u64(struct json_object *object, const char *field)
{
	struct json_object *value;

	ck_assert_msg(json_object_object_get_ex(object, field, &value), "no field %s", field);
	return json_object_get_uint64(value);
}

const char *get_string(struct json_object *object, const char *field)
{
	struct json_object *value;

	return json_object_object_get_ex(object, field, &value) ? json_object_get_string(value) : NULL;
}

uint64_t get_hex(struct json_object *object, const char *field)
{
	const char *text = get_string(object, field);

	ck_assert_msg(text != NULL, "no field %s", field);
	return strtoull(text, NULL, 16);
}

static uint64_t item_u64(struct json_object *row, size_t i)
{
	return json_object_get_uint64(json_object_array_get_idx(row, i));
}

static uint64_t item_hex(struct json_object *row, size_t i)
{
	return strtoull(json_object_get_string(json_object_array_get_idx(row, i)), NULL, 16);
}

static void load_records(struct manifest *m)
{
	struct json_object *rows;

	ck_assert(json_object_object_get_ex(m->json, "records_newest_first", &rows));
	m->n = json_object_array_length(rows);
	m->records = calloc(m->n + 1, sizeof(*m->records));
	ck_assert_ptr_nonnull(m->records);
	for (size_t i = 0; i < m->n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		m->records[i] = (struct record){
		    .metadata_offset = item_u64(row, 0),
		    .payload_offset = item_u64(row, 1),
		    .payload_len = item_u64(row, 2),
		    .prev_offset = item_u64(row, 3),
		    .key_hash = item_hex(row, 4),
		    .crc = (uint32_t)item_hex(row, 5),
		    .crc_ok = json_object_get_boolean(json_object_array_get_idx(row, 6)),
		};
	}
}

struct manifest manifest_load(const char *name)
{
	struct manifest m = {0};
	char path[4096];

	snprintf(m.name, sizeof(m.name), "%s", name);
	m.json = json_load(name);
	load_records(&m);
	snprintf(path, sizeof(path), "%s/%s.bin", VECTORS_DIR, name);
	struct file f = file_read(path);
	ck_assert_uint_eq(f.len, get_u64(m.json, "file_len"));
	ck_assert_uint_eq(reel_hash(f.bytes, f.len), get_hex(m.json, "file_xxh3_64_hex"));
	file_write("vector.bin", f.bytes, f.len);
	file_free(&f);
	return m;
}

void manifest_free(struct manifest *m)
{
	json_object_put(m->json);
	free(m->records);
}

uint64_t trailer_of(const struct manifest *m)
{
	return get_u64(m->json, "metadata_size");
}

size_t vector_names(const char *pattern, bool undamaged, char names[][64], size_t room)
{
	char path[4096];
	glob_t found;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/%s.bin", VECTORS_DIR, pattern);
	ck_assert_msg(glob(path, 0, NULL, &found) == 0, "%s: no vectors", path);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;
		ck_assert_uint_lt(n, room);
		snprintf(names[n], 64, "%.*s", (int)(strlen(name) - strlen(".bin")), name);
		struct json_object *json = json_load(names[n]);
		if (!undamaged || get_string(json, "damage") == NULL)
			n++;
		json_object_put(json);
	}
	globfree(&found);
	return n;
}

void check_records(struct reel *r, const struct manifest *m, const struct record *records, size_t n)
{
	struct reel_iter *it;
	struct reel_entry e;
	uint64_t trailer = trailer_of(m);

	ck_assert_int_eq(reel_iter_new(r, false, &it), 0);
	for (size_t i = 0; i < n; i++) {
		const struct record *want = &records[i];
		ck_assert_msg(reel_iter_next(it, &e) == 1, "%s: entry %zu of %zu is missing", m->name, i, n);
		ck_assert_uint_eq(e.end, want->metadata_offset + trailer);
		ck_assert_uint_eq(e.offset, want->payload_offset);
		ck_assert_uint_eq(e.len, want->payload_len);
		ck_assert_uint_eq(e.prev_tail, want->prev_offset);
		ck_assert_uint_eq(e.key_hash, want->key_hash);
		ck_assert_uint_eq(e.crc, want->crc);
		ck_assert_msg(reel_entry_valid(&e) == want->crc_ok, "%s: entry at %" PRIu64, m->name, e.offset);
		reel_entry_release(&e);
	}
	ck_assert_msg(reel_iter_next(it, &e) == 0, "%s: more entries than %zu", m->name, n);
	reel_iter_free(it);
}
