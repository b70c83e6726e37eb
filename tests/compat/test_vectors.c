/*
 * test_vectors.c - undamaged containers of every generation of simd-r-drive read exactly as the
 * version that wrote them reads them, and what this library writes has the same bytes.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"

enum { VECTORS = 400 };
static char names[VECTORS][64];

/*
 * Vectors of 0.1.0-alpha that read differently here, and why; each has a test of its own below.
 * "-batch", "-zerolen": empty payloads. "-secondsession": overwrites its own first bytes. "-nul1": one-NUL values.
 */
static bool has_own_test(const char *name)
{
	static const char *const own[] = {"v019-batch", "v019-zerolen", "v019-secondsession", "v019-nul1"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(name, own[i]) == 0)
			return true;
	}
	return false;
}

static size_t unhex(const char *hex, uint8_t *bytes)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned byte;
		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
		bytes[i] = (uint8_t)byte;
	}
	return n;
}

/*
 * 0.1.0-alpha finds the oldest entry of an overwritten key after opening. Here as everywhere the newest
 * is found: what the list of records says.
 */
static bool reference_reads_an_older_one(const struct manifest *m, struct json_object *want)
{
	uint64_t key_hash = get_hex(want, "key_hash_hex"), offset = get_u64(want, "metadata_offset");

	for (size_t i = 0; i < m->n; i++) {
		if (m->records[i].key_hash == key_hash)
			return m->records[i].metadata_offset != offset && trailer_of(m) == 19;
	}
	return false;
}

static void check_entry(const struct manifest *m, struct json_object *want, const struct reel_entry *e)
{
	const char *payload_hex = get_string(want, "payload_hex");
	uint8_t payload[64];

	ck_assert_uint_eq(e->key_hash, get_hex(want, "key_hash_hex"));
	ck_assert_uint_eq(e->prev_tail, get_u64(want, "prev_offset"));
	ck_assert_uint_eq(e->offset, get_u64(want, "payload_offset"));
	ck_assert_uint_eq(e->len, get_u64(want, "payload_len"));
	ck_assert_uint_eq(e->end, get_u64(want, "metadata_offset") + trailer_of(m));
	ck_assert_uint_eq(e->crc, get_hex(want, "crc_hex"));
	ck_assert_uint_eq(reel_hash(e->payload, e->len), get_hex(want, "payload_xxh3_64_hex"));
	if (payload_hex != NULL) {
		ck_assert_uint_eq(unhex(payload_hex, payload), e->len);
		ck_assert_mem_eq(payload, e->payload, e->len);
	}
	ck_assert(reel_entry_valid(e));
}

/* The key is found, or not, as the manifest says. Keys whose hash alone is known have no key_hex. */
static void check_key(struct reel *r, const struct manifest *m, struct json_object *want)
{
	const char *hex = get_string(want, "key_hex");
	uint64_t key_hash = get_hex(want, "key_hash_hex");
	struct json_object *live;
	struct reel_entry e;

	if (hex != NULL) {
		uint8_t *key = malloc(strlen(hex) / 2 + 1);
		ck_assert_ptr_nonnull(key);
		ck_assert_uint_eq(reel_hash(key, unhex(hex, key)), key_hash);
		free(key);
	}
	ck_assert(json_object_object_get_ex(want, "live", &live));
	ck_assert_int_eq(reel_exists_hash(r, key_hash), json_object_get_boolean(live));
	int err = reel_read_hash(r, key_hash, &e);
	ck_assert_int_eq(err, json_object_get_boolean(live) ? 0 : -ENOENT);
	if (err < 0)
		return;
	if (!reference_reads_an_older_one(m, want))
		check_entry(m, want, &e);
	reel_entry_release(&e);
}

static void check_keys(struct reel *r, const struct manifest *m)
{
	struct json_object *entries;

	ck_assert(json_object_object_get_ex(m->json, "entries", &entries));
	for (size_t i = 0; i < json_object_array_length(entries); i++)
		check_key(r, m, json_object_array_get_idx(entries, i));
}

/* Live keys in the reference's order of iteration. */
static void check_live(struct reel *r, const struct manifest *m)
{
	struct json_object *order;
	struct reel_iter *it;
	struct reel_entry e;
	char text[64];

	ck_assert(json_object_object_get_ex(m->json, "iter_order", &order));
	ck_assert_int_eq(reel_iter_new(r, true, &it), 0);
	for (size_t i = 0; i < json_object_array_length(order); i++) {
		ck_assert_int_eq(reel_iter_next(it, &e), 1);
		snprintf(text, sizeof(text), "%016llx@%llu", (unsigned long long)e.key_hash,
			 (unsigned long long)(e.end - trailer_of(m)));
		ck_assert_str_eq(text, json_object_get_string(json_object_array_get_idx(order, i)));
		reel_entry_release(&e);
	}
	ck_assert_int_eq(reel_iter_next(it, &e), 0);
	reel_iter_free(it);
}

static void check_info(struct reel *r, const struct manifest *m)
{
	struct reel_info info;

	ck_assert_int_eq(reel_info(r, &info), 0);
	ck_assert_uint_eq(info.file_size, get_u64(m->json, "file_len"));
	ck_assert_uint_eq(info.disk_size, get_u64(m->json, "file_len"));
	ck_assert_uint_eq(info.entries, m->n);
	ck_assert_uint_eq(info.live, get_u64(m->json, "live_count"));
	/* A file of one entry that begins at 0, or of none, is the same in all generations but the oldest. */
	uint64_t pad = get_u64(m->json, "payload_alignment");
	if (m->n > 1 && trailer_of(m) == 20)
		ck_assert_uint_eq(info.generation, pad);
	if (m->n > 0 && trailer_of(m) == 19)
		ck_assert_uint_eq(info.generation, 0);
}

static void check_vectors(const char *pattern)
{
	size_t n = vector_names(pattern, true, names, VECTORS);

	for (size_t i = 0; i < n; i++) {
		/* Whether a zero-filled or text file is a container is test_damage's subject. */
		if (has_own_test(names[i]) || strstr(names[i], "-tiny-") != NULL)
			continue;
		struct manifest m = manifest_load(names[i]);
		struct reel *r = must_open("vector.bin", REEL_RDONLY);
		check_records(r, &m, m.records, m.n);
		check_live(r, &m);
		check_keys(r, &m);
		check_info(r, &m);
		ck_assert_str_eq(logged, "");
		ck_assert_int_eq(reel_close(r), 0);
		manifest_free(&m);
	}
}

/* Pad 64 (0.15 and later): entries, order, keys, checksums and payloads are the manifest's. */
START_TEST(newest_generation_reads_as_its_writer_does)
{
	check_vectors("v64a-*");
}
END_TEST

/* Pad 16 (0.14). */
START_TEST(pad_16_reads_as_its_writer_does)
{
	check_vectors("v16a-*");
}
END_TEST

/* 20-byte trailer, no pad (0.1.0-alpha3 to 0.13). */
START_TEST(unpadded_reads_as_its_writer_does)
{
	check_vectors("v020-*");
	check_vectors("v020m-*");
}
END_TEST

/* 19-byte trailer, 24-bit checksum (0.1.0-alpha and -alpha2). */
START_TEST(oldest_generation_reads_as_its_writer_does)
{
	check_vectors("v019-*");
	check_vectors("v019d-*");
}
END_TEST

/* 0.1.0-alpha wrote empty payloads and then could not read across them; here the entries around them are kept. */
START_TEST(empty_payloads_of_the_oldest_generation_are_read_across)
{
	struct manifest m = manifest_load("v019-zerolen");
	struct reel *r = must_open("vector.bin", REEL_RDONLY);

	ck_assert(reads(r, "k1", "one") && reads(r, "k2", "two") && reads(r, "k3", "three") && reads(r, "k4", "four"));
	ck_assert(reads(r, "void", ""));
	ck_assert_uint_eq(count_entries(r, false), 5);
	reel_close(r);
	manifest_free(&m);

	/* The file ends with an entry that has an empty payload; its writer drops that one. */
	m = manifest_load("v019-batch");
	r = must_open("vector.bin", REEL_RDONLY);
	ck_assert_uint_eq(reel_tail_offset(r), get_u64(m.json, "file_len"));
	ck_assert_uint_eq(count_entries(r, false), m.n + 1);
	ck_assert(reads(r, "bad", ""));
	reel_close(r);
	manifest_free(&m);
}
END_TEST

/* The second session of 0.1.0-alpha overwrote the first: there is no whole chain, and nothing is guessed. */
START_TEST(overwritten_file_of_the_oldest_generation_is_refused)
{
	struct manifest m = manifest_load("v019-secondsession");
	struct file before = file_read("vector.bin");
	struct reel *r;

	ck_assert_int_eq(open_with("vector.bin", REEL_RDONLY, &r), -EBADMSG);
	ck_assert_int_eq(open_with("vector.bin", 0, &r), -EBADMSG);
	ck_assert(file_is("vector.bin", before.bytes, before.len));
	file_free(&before);
	manifest_free(&m);
}
END_TEST

/* One-NUL values of 0.1.0-alpha are, byte for byte, the deletions of 0.1.0-alpha2, and read as deletions. */
START_TEST(one_nul_values_of_the_oldest_generation_are_deletions)
{
	struct manifest m = manifest_load("v019-nul1");
	struct reel *r = must_open("vector.bin", REEL_RDONLY);
	struct reel_info info;

	check_records(r, &m, m.records, m.n);
	ck_assert_int_eq(reel_info(r, &info), 0);
	ck_assert_uint_eq(info.tombstones, 2);
	ck_assert_uint_eq(info.live, get_u64(m.json, "live_count") - 2);
	ck_assert_uint_eq(info.nul_entries, 2);
	ck_assert_uint_eq(info.nul_keys, 2);
	reel_close(r);
	manifest_free(&m);
}
END_TEST

/* Where the caller says that the first version wrote it, they are the values that this one reads. */
START_TEST(one_nul_of_the_first_version_is_a_value_when_asked)
{
	struct manifest m = manifest_load("v019-nul1");
	struct reel *r = must_open("vector.bin", REEL_RDONLY | REEL_NUL_VALUES);
	struct reel_info info;
	struct reel_entry e;

	check_live(r, &m);
	check_info(r, &m);
	ck_assert_int_eq(reel_info(r, &info), 0);
	ck_assert_uint_eq(info.tombstones, 0);
	ck_assert_uint_eq(info.nul_entries, 2);
	ck_assert_uint_eq(info.nul_keys, 2);
	ck_assert_int_eq(reel_read(r, "fresh", 5, &e), 0);
	ck_assert(e.len == 1 && e.payload[0] == 0 && !e.tombstone && reel_entry_valid(&e));
	reel_entry_release(&e);
	reel_close(r);
	manifest_free(&m);
}
END_TEST

/* The newer generations have no such question, whatever is asked. */
START_TEST(one_nul_of_newer_generations_stays_a_deletion)
{
	static const char *const newer[] = {"v020-nul1", "v020m-nul1", "v16a-nul1", "v64a-nul1"};

	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++) {
		struct manifest m = manifest_load(newer[i]);
		struct reel *r = must_open("vector.bin", REEL_RDONLY | REEL_NUL_VALUES);
		struct reel_info info;

		check_records(r, &m, m.records, m.n);
		check_live(r, &m);
		ck_assert_int_eq(reel_info(r, &info), 0);
		ck_assert_uint_eq(info.nul_entries, 0);
		ck_assert_uint_eq(info.nul_keys, 0);
		reel_close(r);
		manifest_free(&m);
	}
}
END_TEST

/* Writing to an older generation is refused with a message, and the file is unchanged. */
START_TEST(older_generations_are_not_written)
{
	static const char *const older[] = {"v019-base",           "v019d-base",          "v020-base",
					    "v020m-stream",        "v16a-base",           "v16a-many",
					    "v020-tail-zeros4096", "v16a-trunc-lastbyte", "v019-trunc-midpayload"};

	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++) {
		struct manifest m = manifest_load(older[i]);
		struct file before = file_read("vector.bin");
		struct reel *r;
		logged[0] = 0;
		ck_assert_int_eq(open_with("vector.bin", 0, &r), -ENOTSUP);
		ck_assert_ptr_nonnull(strstr(logged, "vector.bin: the container has the older format"));
		ck_assert(file_is("vector.bin", before.bytes, before.len));
		file_free(&before);
		manifest_free(&m);
	}
}
END_TEST

/* Every undamaged container of the newest generation, written again entry by entry, has the same bytes. */
START_TEST(what_is_written_has_the_reference_s_bytes)
{
	size_t n = vector_names("v64a-*", true, names, VECTORS);

	for (size_t i = 0; i < n; i++) {
		if (strstr(names[i], "-tiny-") != NULL)
			continue;
		struct manifest m = manifest_load(names[i]);
		struct file want = file_read("vector.bin");
		struct reel *r = must_open("ours.bin", REEL_CREATE | REEL_EXCL);
		for (size_t k = m.n; k-- > 0;) {
			const struct record *record = &m.records[k];
			const uint8_t *payload = want.bytes + record->payload_offset;
			struct reel_append *a;
			/* Not by reel_delete_hash(), which writes no tombstone where the reference wrote one in vain. */
			if (record->payload_len == 1 && *payload == 0) {
				ck_assert_int_eq(reel_append_begin(r, &a), 0);
				ck_assert_int_eq(reel_append_tombstone(a, record->key_hash), 0);
				ck_assert_int_eq(reel_append_commit(a), 0);
				continue;
			}
			ck_assert_int_eq(reel_write_hash(r, record->key_hash, payload, record->payload_len), 0);
		}
		ck_assert_int_eq(reel_close(r), 0);
		ck_assert_msg(file_is("ours.bin", want.bytes, want.len), "%s", names[i]);
		ck_assert_int_eq(remove("ours.bin"), 0);
		file_free(&want);
		manifest_free(&m);
	}
}
END_TEST

/* XXH3-64 and CRC-32 of the reference's inputs, by content or by the rule that makes them. */
START_TEST(hashes_are_the_reference_s)
{
	struct json_object *json = json_load("hashes"), *rows;
	uint8_t *input = malloc(1 << 20);
	size_t checked = 0;

	ck_assert_ptr_nonnull(input);
	ck_assert(json_object_object_get_ex(json, "rows", &rows));
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		const char *hex = get_string(row, "input_hex");
		if (hex == NULL)
			continue;
		size_t len = unhex(hex, input);
		ck_assert_uint_eq(len, get_u64(row, "len"));
		ck_assert_uint_eq(reel_hash(input, len), get_hex(row, "xxh3_64_hex"));
		ck_assert_uint_eq(reel_crc32(0, input, len), get_hex(row, "crc32_hex"));
		checked++;
	}
	ck_assert_uint_gt(checked, 50);
	free(input);
	json_object_put(json);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vectors of the reference engine");
	TCase *tc = tcase_create("undamaged");

	tcase_add_checked_fixture(tc, support_begin, support_end);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, newest_generation_reads_as_its_writer_does);
	tcase_add_test(tc, pad_16_reads_as_its_writer_does);
	tcase_add_test(tc, unpadded_reads_as_its_writer_does);
	tcase_add_test(tc, oldest_generation_reads_as_its_writer_does);
	tcase_add_test(tc, empty_payloads_of_the_oldest_generation_are_read_across);
	tcase_add_test(tc, overwritten_file_of_the_oldest_generation_is_refused);
	tcase_add_test(tc, one_nul_values_of_the_oldest_generation_are_deletions);
	tcase_add_test(tc, one_nul_of_the_first_version_is_a_value_when_asked);
	tcase_add_test(tc, one_nul_of_newer_generations_stays_a_deletion);
	tcase_add_test(tc, older_generations_are_not_written);
	tcase_add_test(tc, what_is_written_has_the_reference_s_bytes);
	tcase_add_test(tc, hashes_are_the_reference_s);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
