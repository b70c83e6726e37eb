/*
 * test_damage.c - damaged containers: every entry before the damage is kept, and nothing that is not
 * understood is changed. The reference engine loses most of these containers whole, when they are
 * merely opened (its own results are in the vectors' manifests); where that is so the test says it.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"

enum { VECTORS = 400, TRAILER = 20 };
static char names[VECTORS][64];

/* The records of m, from the newest one that ends at or before `limit`. *n: how many. */
static const struct record *records_within(const struct manifest *m, uint64_t limit, size_t *n)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->records[i].metadata_offset + trailer_of(m) <= limit) {
			*n = m->n - i;
			return m->records + i;
		}
	}
	*n = 0;
	return m->records + m->n;
}

static uint64_t tail_of(const struct manifest *m, const struct record *newest, size_t n)
{
	return n == 0 ? 0 : newest->metadata_offset + trailer_of(m);
}

/*
 * vector.bin, whose bytes from `damage` on are not those of `base` (or missing), is torn there: reading
 * gives what is before and changes nothing; writing cuts off what is behind, says so, and goes on.
 */
static void check_torn(const struct manifest *base, uint64_t damage)
{
	size_t n;
	const struct record *kept = records_within(base, damage, &n);
	uint64_t tail = tail_of(base, kept, n);
	struct file before = file_read("vector.bin");

	logged[0] = 0;
	struct reel *r = must_open("vector.bin", REEL_RDONLY);
	ck_assert_uint_eq(reel_tail_offset(r), tail);
	check_records(r, base, kept, n);
	reel_close(r);
	ck_assert(file_is("vector.bin", before.bytes, before.len));

	logged[0] = 0;
	r = must_open("vector.bin", 0);
	check_records(r, base, kept, n);
	if (tail < before.len) {
		char count[64];
		snprintf(count, sizeof(count), "cut off the %" PRIu64 " bytes", before.len - tail);
		ck_assert_msg(strstr(logged, count) != NULL, "%s: not in the log: %s", count, logged);
	}
	must_write(r, "after", "the damage");
	reel_close(r);
	r = must_open("vector.bin", REEL_RDONLY);
	ck_assert(reads(r, "after", "the damage"));
	ck_assert_uint_eq(count_entries(r, false), n + 1);
	reel_close(r);
	struct file after = file_read("vector.bin");
	ck_assert_mem_eq(after.bytes, before.bytes, tail);
	file_free(&after);
	file_free(&before);
}

/* vector.bin is no container: not opened either way, and unchanged. */
static void check_refused(int read_error, int write_error)
{
	struct file before = file_read("vector.bin");
	struct reel *r;

	logged[0] = 0;
	if (read_error != 0)
		ck_assert_int_eq(open_with("vector.bin", REEL_RDONLY, &r), read_error);
	ck_assert_int_eq(open_with("vector.bin", 0, &r), write_error);
	ck_assert_int_eq(open_with("vector.bin", REEL_CREATE, &r), write_error);
	ck_assert_ptr_nonnull(strstr(logged, "vector.bin"));
	ck_assert(file_is("vector.bin", before.bytes, before.len));
	file_free(&before);
}

/* Where the manifest says that the bytes begin to differ from the base's: the last number of its sentence. */
static uint64_t damage_of(const struct manifest *m)
{
	const char *number = strrchr(get_string(m->json, "damage"), ' ');

	ck_assert_ptr_nonnull(number);
	return strtoull(number, NULL, 10);
}

/* Cut short, or with bytes added: the reference loses the whole store in most of these vectors. */
START_TEST(torn_vectors_keep_every_entry_before_the_damage)
{
	static const struct {
		const char *pattern, *base;
	} kinds[] = {
	    {"v64a-trunc-*", "v64a-base"},
	    {"v64a-nested-cut*", "v64a-nested"},
	    {"v64a-tail-*", "v64a-base"},
	};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		size_t n = vector_names(kinds[k].pattern, false, names, VECTORS);
		for (size_t i = 0; i < n; i++) {
			/* Less than one entry: files_without_an_entry_are_refused_and_unchanged. */
			if (strstr(names[i], "-short") != NULL)
				continue;
			struct manifest base = manifest_load(kinds[k].base), m = manifest_load(names[i]);
			check_torn(&base, damage_of(&m));
			manifest_free(&m);
			manifest_free(&base);
		}
	}
}
END_TEST

/* Bytes that a rejected stream left behind: the reference loses the two entries before them. */
START_TEST(what_a_rejected_stream_left_behind_is_torn)
{
	size_t n = vector_names("v64a-nulstream-*", false, names, VECTORS);

	for (size_t i = 0; i < n; i++) {
		struct manifest base = manifest_load("v64a-nulstream-empty"), m = manifest_load(names[i]);
		check_torn(&base, 124);
		manifest_free(&m);
		manifest_free(&base);
	}
}
END_TEST

/* Text, zeros, the first bytes of a container without a whole entry: the reference empties most of these files. */
START_TEST(files_without_an_entry_are_refused_and_unchanged)
{
	static const char *const patterns[] = {"v*-tiny-*", "v*-trunc-short*"};

	for (size_t p = 0; p < sizeof(patterns) / sizeof(patterns[0]); p++) {
		size_t n = vector_names(patterns[p], false, names, VECTORS);
		for (size_t i = 0; i < n; i++) {
			struct manifest m = manifest_load(names[i]);
			check_refused(-EBADMSG, -EBADMSG);
			manifest_free(&m);
		}
	}
}
END_TEST

/*
 * A link that leads nowhere in the middle, with good entries up to the end of the file, is not a torn
 * append: writing is refused and changes nothing (the reference truncates), reading gives what is before.
 */
START_TEST(broken_link_in_the_middle_is_damage)
{
	struct manifest base = manifest_load("v64a-base"), m = manifest_load("v64a-flip-prev-mid");
	size_t n;
	const struct record *kept = records_within(&base, 522, &n);
	struct reel *r;

	check_refused(0, -EBADMSG);
	r = must_open("vector.bin", REEL_RDONLY);
	check_records(r, &base, kept, n);
	ck_assert_ptr_nonnull(strstr(logged, "damaged after offset 512"));
	reel_close(r);
	manifest_free(&m);
	m = manifest_load("v64a-flip-prev-first");
	check_refused(-EBADMSG, -EBADMSG);
	manifest_free(&m);
	manifest_free(&base);
}
END_TEST

/* The base container cut at every length. The reference loses every key at 2,072 of the 2,166 lengths. */
START_TEST(every_cut_keeps_the_entries_before_it)
{
	struct manifest base = manifest_load("v64a-base");
	struct file whole = file_read("vector.bin");
	uint64_t first = base.records[base.n - 1].metadata_offset + TRAILER;

	for (size_t cut = 0; cut <= whole.len; cut++) {
		file_write("vector.bin", whole.bytes, cut);
		if (cut == 0 || cut >= first)
			check_torn(&base, cut);
		else if (cut == first - 1)
			/* Without the last byte of its checksum it is, byte for byte, a container of the oldest generation. */
			check_refused(0, -ENOTSUP);
		else
			check_refused(-EBADMSG, -EBADMSG);
	}
	file_free(&whole);
	manifest_free(&base);
}
END_TEST

/* The base container with all bytes from i on zeroed, for every i. The reference loses every key at 2,155 of 2,166. */
START_TEST(every_zeroed_end_keeps_the_entries_before_it)
{
	struct manifest base = manifest_load("v64a-base");
	struct file whole = file_read("vector.bin");
	uint8_t *bytes = malloc(whole.len);

	ck_assert_ptr_nonnull(bytes);
	for (size_t from = 0; from <= whole.len; from++) {
		size_t damage = from, n;
		memcpy(bytes, whole.bytes, whole.len);
		memset(bytes + from, 0, whole.len - from);
		/* Bytes that were zero before are not damaged. */
		while (damage < whole.len && whole.bytes[damage] == 0)
			damage++;
		file_write("vector.bin", bytes, whole.len);
		(void)records_within(&base, damage, &n);
		if (n > 0)
			check_torn(&base, damage);
		else if (damage == base.records[base.n - 1].metadata_offset + TRAILER - 1)
			/* As in every_cut: what is left of the first entry is one of the oldest generation. */
			check_refused(0, -ENOTSUP);
		else
			check_refused(-EBADMSG, -EBADMSG);
	}
	free(bytes);
	file_free(&whole);
	manifest_free(&base);
}
END_TEST

/* What a flipped bit at `at` does to the entry it lies in. */
enum effect { HARMLESS, BAD_SUM, OTHER_KEY, BAD_LINK };
static enum effect effect_of(const struct record *e, uint64_t at)
{
	if (at < e->payload_offset)
		return HARMLESS; /* pads are not looked at */
	if (at < e->metadata_offset || at >= e->metadata_offset + 16)
		return BAD_SUM;
	return at < e->metadata_offset + 8 ? OTHER_KEY : BAD_LINK;
}

/* The entries of r, newest first, are those of base but for the effect on record `hit`. */
static void check_flipped(struct reel *r, const struct manifest *base, size_t hit, enum effect effect)
{
	struct reel_iter *it;
	struct reel_entry e;

	ck_assert_int_eq(reel_iter_new(r, false, &it), 0);
	for (size_t i = 0; i < base->n; i++) {
		ck_assert_int_eq(reel_iter_next(it, &e), 1);
		ck_assert_uint_eq(e.end, base->records[i].metadata_offset + TRAILER);
		ck_assert_int_eq(reel_entry_valid(&e), !(i == hit && effect == BAD_SUM));
		ck_assert_int_eq(e.key_hash == base->records[i].key_hash, !(i == hit && effect == OTHER_KEY));
		reel_entry_release(&e);
	}
	ck_assert_int_eq(reel_iter_next(it, &e), 0);
	reel_iter_free(it);
}

/*
 * The base container with bit 0 of byte i flipped, for every i. In the last entry a flip is a torn
 * append, but where its link is wrong and its checksum is not: that is damage. Before the last entry
 * wrong links are damage; all else leaves the other entries as they are, and reel_entry_valid() shows it.
 */
START_TEST(every_flipped_byte_keeps_the_other_entries)
{
	struct manifest base = manifest_load("v64a-base");
	struct file whole = file_read("vector.bin");

	for (size_t at = 0; at < whole.len; at++) {
		size_t hit = 0;
		while (hit + 1 < base.n && base.records[hit].prev_offset > at)
			hit++;
		const struct record *e = &base.records[hit];
		enum effect effect = effect_of(e, at);
		/* The byte of a tombstone made anything else is an entry that does not begin at the pad. */
		if (e->payload_offset == e->prev_offset && e->prev_offset % 64 != 0 && effect == BAD_SUM &&
		    at == e->payload_offset)
			effect = BAD_LINK;
		whole.bytes[at] ^= 1;
		file_write("vector.bin", whole.bytes, whole.len);
		logged[0] = 0;
		struct reel *r;
		int err = open_with("vector.bin", 0, &r);
		if (hit == 0 && (effect == BAD_SUM || (effect == BAD_LINK && err == 0))) {
			ck_assert_int_eq(err, 0);
			ck_assert_uint_eq(reel_tail_offset(r), e->prev_offset);
			check_records(r, &base, base.records + 1, base.n - 1);
			reel_close(r);
		} else if (effect == BAD_LINK) {
			ck_assert_int_eq(err, -EBADMSG);
			ck_assert(file_is("vector.bin", whole.bytes, whole.len));
			if (hit + 1 < base.n) {
				r = must_open("vector.bin", REEL_RDONLY);
				check_records(r, &base, base.records + hit + 1, base.n - hit - 1);
				reel_close(r);
			}
		} else {
			ck_assert_int_eq(err, 0);
			check_flipped(r, &base, hit, effect);
			reel_close(r);
			ck_assert(file_is("vector.bin", whole.bytes, whole.len));
		}
		whole.bytes[at] ^= 1;
	}
	file_free(&whole);
	manifest_free(&base);
}
END_TEST

/* Older generations, cut or lengthened: what is before the damage is read, and nothing is ever cut. */
START_TEST(damaged_older_generations_are_read_and_never_cut)
{
	static const struct {
		const char *name, *base;
		uint64_t damage;
	} older[] = {
	    {"v019-trunc-lastbyte", "v019-base", 1522},   {"v019-tail-zeros4096", "v019-base", 1523},
	    {"v019-trunc-innested", "v019-base", 1176},   {"v020-trunc-lastbyte", "v020-base", 1583},
	    {"v020-trunc-nested-end", "v020-base", 1427}, {"v020-tail-eightzeros", "v020-base", 1584},
	    {"v020-nested-cut0", "v020-nested", 568},     {"v16a-trunc-pad-1", "v16a-base", 1733},
	    {"v16a-tail-faketrailer", "v16a-base", 1797}, {"v16a-trunc-t3mid", "v16a-base", 762},
	};

	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++) {
		struct manifest base = manifest_load(older[i].base), m = manifest_load(older[i].name);
		size_t n;
		const struct record *kept = records_within(&base, older[i].damage, &n);
		check_refused(0, -ENOTSUP);
		struct reel *r = must_open("vector.bin", REEL_RDONLY);
		check_records(r, &base, kept, n);
		reel_close(r);
		manifest_free(&m);
		manifest_free(&base);
	}
}
END_TEST

static size_t put_entry(uint8_t *file, size_t at, size_t pad, size_t len)
{
	size_t payload = (at + pad - 1) / pad * pad;
	uint64_t prev_tail = at, key_hash = at + 1;

	memset(file + at, 0, payload - at);
	memset(file + payload, 'x', len);
	uint32_t crc = reel_crc32(0, file + payload, len);
	memcpy(file + payload + len, &key_hash, 8);
	memcpy(file + payload + len + 8, &prev_tail, 8);
	memcpy(file + payload + len + 16, &crc, 4);
	return payload + len + TRAILER;
}

static size_t put_tombstone(uint8_t *file, size_t at, uint64_t key_hash)
{
	uint64_t prev_tail = at;
	uint32_t crc = reel_crc32(0, "", 1);

	file[at] = 0;
	memcpy(file + at + 1, &key_hash, 8);
	memcpy(file + at + 9, &prev_tail, 8);
	memcpy(file + at + 17, &crc, 4);
	return at + 1 + TRAILER;
}

/*
 * A torn or damaged container of an older generation whose first entries lie where the newest would have
 * put them too is still one of the older: what the newest cannot explain is not cut off.
 */
START_TEST(older_generation_that_begins_like_the_newest_is_not_cut)
{
	uint8_t file[4096];

	for (size_t pad = 1; pad <= 16; pad += 15) {
		/* Ends at 64 (no pad in any) or at 50 (16 and 64 agree on the next payload). */
		size_t end = put_entry(file, 0, pad, pad == 1 ? 44 : 30);
		end = put_entry(file, end, pad, 84);
		end = put_entry(file, end, pad, 7);
		size_t third = end;
		end = put_entry(file, end, pad, 9);
		for (size_t cut = third; cut <= end; cut++) {
			file_write("vector.bin", file, cut);
			check_refused(0, -ENOTSUP);
			struct reel *r = must_open("vector.bin", REEL_RDONLY);
			ck_assert_uint_eq(reel_tail_offset(r), cut == end ? end : third);
			reel_close(r);
		}
		/* Damaged in the third entry, and whole at the end. */
		file[third - 10] ^= 1;
		file_write("vector.bin", file, end);
		check_refused(0, -ENOTSUP);
		file[third - 10] ^= 1;
	}
}
END_TEST

/*
 * Payloads that leave room for another generation's pad, with a deletion at the end, which has none: the links are
 * good in each generation. The payloads' checksums say which it is, also where the newest of them is damaged.
 */
START_TEST(links_that_generations_share_do_not_decide)
{
	static const size_t pads[] = {1, 16, 64};
	uint8_t file[4096];

	for (size_t i = 0; i < 3; i++) {
		for (int damaged = 0; damaged < 2; damaged++) {
			size_t second = put_entry(file, 0, pads[i], 90), third = put_entry(file, second, pads[i], 300);
			size_t end = put_entry(file, third, pads[i], 200);
			file[end - 100] ^= (uint8_t)damaged;
			end = put_tombstone(file, end, 1);
			file_write("vector.bin", file, end);
			struct reel *r = must_open("vector.bin", REEL_RDONLY);
			struct reel_entry e;
			struct reel_info info;
			ck_assert_int_eq(reel_info(r, &info), 0);
			ck_assert_uint_eq(info.generation, pads[i]);
			ck_assert_int_eq(reel_read_hash(r, second + 1, &e), 0);
			ck_assert_uint_eq(e.len, 300);
			ck_assert(reel_entry_valid(&e));
			reel_entry_release(&e);
			reel_close(r);
		}
	}
}
END_TEST

/* No program writes a value of one NUL byte behind a pad. Where it is found it is a deletion like any other. */
START_TEST(one_nul_behind_a_pad_is_a_deletion)
{
	uint8_t file[4096];
	struct reel_entry e;
	size_t first = put_entry(file, 0, 64, 90), end = put_entry(file, first, 64, 1);
	uint64_t key_hash = 1;
	uint32_t crc = reel_crc32(0, "", 1);

	file[end - TRAILER - 1] = 0;
	memcpy(file + end - TRAILER, &key_hash, 8);
	memcpy(file + end - 4, &crc, 4);
	file_write("vector.bin", file, end);
	struct reel *r = must_open("vector.bin", 0);
	ck_assert_int_eq(reel_read_hash(r, key_hash, &e), -ENOENT);
	ck_assert_uint_eq(count_entries(r, false), 2);
	ck_assert_int_eq(reel_compact(r, NULL), 0);
	ck_assert_uint_eq(count_entries(r, false), 0);
	reel_close(r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("damaged containers");
	TCase *tc = tcase_create("damaged");

	tcase_add_checked_fixture(tc, support_begin, support_end);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, torn_vectors_keep_every_entry_before_the_damage);
	tcase_add_test(tc, what_a_rejected_stream_left_behind_is_torn);
	tcase_add_test(tc, files_without_an_entry_are_refused_and_unchanged);
	tcase_add_test(tc, broken_link_in_the_middle_is_damage);
	tcase_add_test(tc, every_cut_keeps_the_entries_before_it);
	tcase_add_test(tc, every_zeroed_end_keeps_the_entries_before_it);
	tcase_add_test(tc, every_flipped_byte_keeps_the_other_entries);
	tcase_add_test(tc, damaged_older_generations_are_read_and_never_cut);
	tcase_add_test(tc, older_generation_that_begins_like_the_newest_is_not_cut);
	tcase_add_test(tc, links_that_generations_share_do_not_decide);
	tcase_add_test(tc, one_nul_behind_a_pad_is_a_deletion);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
