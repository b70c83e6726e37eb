/*
 * test_damage.c - a bit that is flipped anywhere in a container: what is read is right or an error, of just the files
 * concerned; fs_check() tells it; and fs_repair() makes a sound container, with right contents, of what is left.
 *
 * Each byte has one of its bits flipped, and with DAMAGE_BITS=8 in the environment each bit is (tools/soak).
 */
#include "config.h"

#include "commit.h"
#include "format.h"
#include "harness.h"
#include "state.h"

#define DAMAGED h_beside("damaged")
#define OUT     h_beside("out")

enum { PARTS = 100, CONTENTS = 100, REPAIR_STEP = 5, SAMPLES = 40 };

/* What the container holds when it is whole. */
static struct {
	uint8_t *bytes;
	size_t size;
	char *tree;
	struct {
		uint64_t ino, position; /* of contents */
	} part[PARTS];
	int parts;
} whole;

/* All contents that a path has had, or may have after the loss of a transaction. */
static struct {
	char path[16];
	uint64_t hash;
} known[CONTENTS];
static int n_known;

static void know(const char *path, const void *bytes, size_t len)
{
	ck_assert_int_lt(n_known, CONTENTS);
	snprintf(known[n_known].path, sizeof(known[0].path), "%s", path);
	known[n_known++].hash = reel_hash(bytes, len);
}

static void put(const char *path, const void *bytes, size_t len)
{
	h_put(h_fs, path, bytes, len);
	know(path, bytes, len);
}

/* Names, contents in one and in several entries, dead ones, removals, a checkpoint with transactions before and after. */
static void make_small(void)
{
	uint8_t *bytes = h_random(400, 1);
	struct fs_file *f;

	put("a", bytes, 100);
	know("d/link", bytes, 100);
	h_mkdir(h_fs, "d");
	put("d/patched", bytes, 400);
	put("replaced", bytes, 80);
	know("d/moved", bytes, 80);
	put("removed", bytes, 70);
	fs_setxattr(h_fs, h_ino(h_fs, "a"), "user.x", "value", 5, 0);
	ck_assert_int_eq(commit_checkpoint(h_fs), 0);
	put("replaced", bytes + 50, 60);
	know("d/moved", bytes + 50, 60);
	h_unlink(h_fs, "removed");
	f = h_file(h_fs, "d/patched", 0);
	h_write(f, 200, "patch", 5);
	h_end(f);
	memcpy(bytes + 200, "patch", 5);
	know("d/patched", bytes, 400);
	h_link(h_fs, "a", "d/link");
	h_symlink(h_fs, "a", "symlink");
	h_rename(h_fs, "replaced", "d/moved", 0);
	h_again();
	put("last", "last", 4);
	h_close();
	free(bytes);
}

static void make_large(void)
{
	uint8_t *bytes = h_random(MIB, 2);
	char path[16];

	for (int i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), "f%d", i % 50);
		put(path, bytes + i, (size_t)i * 17 * KIB + 1);
	}
	h_close();
	free(bytes);
}

static void learn(void)
{
	struct fs *fs;
	uint64_t ino = 0;
	int error;

	whole.bytes = h_load(h_path, &whole.size);
	whole.tree = h_tree_of(h_path, &error);
	ck_assert_int_eq(h_try(h_path, true, &fs), 0);
	h_check(fs);
	whole.parts = 0;
	for (struct inode *i; (i = table_first(&fs->tree.inodes, &ino)); ino++) {
		for (uint32_t n = 0; n < i->extents.n && whole.parts < PARTS; n++) {
			whole.part[whole.parts].ino = i->ino;
			whole.part[whole.parts++].position = i->extents.at[n].data->position;
		}
	}
	fs_close(fs);
}

static void forget(void)
{
	free(whole.bytes);
	free(whole.tree);
}

/* The entry that the byte is in. */
static struct reel_entry entry_with(size_t at)
{
	struct chain c = {.gen = GENERATION_NEWEST, .base = whole.bytes, .size = whole.size};
	struct reel_entry e = {.end = whole.size, .prev_tail = whole.size};

	while (e.prev_tail > at)
		ck_assert_int_eq(entry_parse(&c, e.prev_tail, &e), 0);
	return e;
}

/* Whether the file has contents in the entry that the byte is in. */
static bool is_concerned(uint64_t ino, size_t at)
{
	struct reel_entry e = entry_with(at);

	for (int i = 0; i < whole.parts; i++)
		if (whole.part[i].ino == ino && whole.part[i].position == e.offset)
			return true;
	return false;
}

/*
 * Whether the byte is of the key of an entry that nothing refers to any more: a tombstone, or contents that were replaced
 * or removed. Nothing says which key that was; no file is concerned.
 */
static bool is_dead_key(size_t at)
{
	struct reel_entry e = entry_with(at);
	const uint8_t *payload = whole.bytes + e.offset;

	for (int i = 0; i < whole.parts; i++)
		if (whole.part[i].position == e.offset)
			return false;
	if (e.len >= 8 && (memcmp(payload, FS_SEAL_MAGIC, 8) == 0 || memcmp(payload, FS_SUPER_MAGIC, 8) == 0 ||
			   memcmp(payload, FS_WHOLE_MAGIC, 8) == 0))
		return false;
	return at >= e.end - TRAILER_SIZE && at < e.end - TRAILER_SIZE + TRAILER_PREV_TAIL;
}

/* The trees are the same but for contents of files concerned that cannot be read; how many those are. */
static int compare(const char *is, const char *expected, size_t at, const char *when)
{
	const char *error;
	int errors = 0;

	while (*is || *expected) {
		size_t a = strcspn(is, "\n"), b = strcspn(expected, "\n");

		if (a != b || memcmp(is, expected, a) != 0) {
			error = strstr(is, " error -5");
			ck_assert_msg(error && error < is + a && strncmp(is, expected, (size_t)(error - is)) == 0,
				      "%s:\n  is       %.*s\n  expected %.*s\n%s", when, (int)a, is, (int)b, expected,
				      h_messages());
			ck_assert_msg(is_concerned(strtoull(strstr(is, " ino=") + 5, NULL, 10), at),
				      "%s: %.*s, and its contents are not damaged", when, (int)a, is);
			errors++;
		}
		is += a + (is[a] != 0);
		expected += b + (expected[b] != 0);
	}
	return errors;
}

/* Reads the damaged container. */
static void look(size_t at, const char *when)
{
	struct fs *fs;
	bool told;
	char *tree;
	int errors, r = h_try(DAMAGED, true, &fs);

	if (r < 0) {
		ck_assert_msg(r == -EBADMSG && h_messages()[0], "%s: opening: %s", when, strerror(-r));
		return;
	}
	/* An end that is damaged looks like one that is torn; nothing tells them apart. */
	told = strstr(h_messages(), "an append that was not finished") || strstr(h_messages(), "is damaged");
	tree = h_tree(fs);
	errors = compare(tree, whole.tree, at, when);
	told |= h_faults(fs) > 0;
	ck_assert_msg(told || (errors == 0 && is_dead_key(at)), "%s: it is not told%s", when,
		      errors ? ", and a file cannot be read" : "");
	free(tree);
	ck_assert_int_eq(fs_close(fs), 0);
}

static void ignore(void *arg, const char *text)
{
	(void)arg;
	h_keep_message(text);
}

/* The damaged container is repaired: what comes out is sound, and a file in it has what it once had. */
static void repair(const char *when)
{
	struct fs_options options = {.read_only = true};
	struct fs *fs;
	int r, files = 0;

	unlink(OUT);
	h_forget_messages();
	r = fs_repair(DAMAGED, OUT, &options, ignore, NULL, NULL);
	ck_assert_msg(r == 0, "%s: repair: %s", when, strerror(-r));
	ck_assert_msg(h_try(OUT, true, &fs) == 0 && h_faults(fs) == 0, "%s: what was made is not sound\n%s", when,
		      h_messages());
	for (int i = 0; i < n_known; i++) {
		size_t len;
		uint8_t *bytes;
		bool was = false;

		if (!h_exists(fs, known[i].path))
			continue;
		bytes = h_get(fs, known[i].path, &len);
		for (int k = 0; k < n_known; k++)
			was |= strcmp(known[k].path, known[i].path) == 0 && known[k].hash == reel_hash(bytes, len);
		ck_assert_msg(was || len == 0, "%s: %s has bytes that it never had", when, known[i].path);
		free(bytes);
		files++;
	}
	ck_assert_msg(files >= n_known / 2, "%s: just %d files are left", when, files);
	fs_close(fs);
}

static void flip(size_t at, unsigned bit)
{
	char when[64];
	int fd = open(DAMAGED, O_WRONLY | O_CLOEXEC);
	uint8_t byte = whole.bytes[at] ^ (uint8_t)(1 << bit);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
	snprintf(when, sizeof(when), "bit %u of byte %zu of %zu", bit, at, whole.size);
	look(at, when);
	if (at % REPAIR_STEP == 0 || getenv("DAMAGE_BITS"))
		repair(when);
	ck_assert_uint_eq(h_size(DAMAGED), whole.size);
	ck_assert_int_eq(pwrite(fd, &whole.bytes[at], 1, (off_t)at), 1);
	close(fd);
}

/* Expects every flipped bit to be told, those of dead keys excepted, and none to show wrong bytes. */
START_TEST(every_byte_of_a_small_container)
{
	const char *bits = getenv("DAMAGE_BITS");
	unsigned n = bits ? (unsigned)atoi(bits) : 1;

	make_small();
	learn();
	h_copy(h_path, DAMAGED);
	for (size_t at = 0; at < whole.size; at++)
		for (unsigned bit = 0; bit < n; bit++)
			flip(at, (unsigned)(at + bit) % 8);
	forget();
}
END_TEST

/* The same of some bits of a container with many blocks. */
START_TEST(some_bits_of_a_large_container)
{
	uint64_t random = 1;

	make_large();
	learn();
	h_copy(h_path, DAMAGED);
	for (int i = 0; i < SAMPLES * (getenv("DAMAGE_BITS") ? 50 : 1); i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		flip((size_t)(random >> 20) % whole.size, (unsigned)(random >> 17) % 8);
	}
	forget();
}
END_TEST

/* The newest seal at or before `at`. */
static struct fs_seal seal_before(uint64_t at)
{
	struct fs_seal seal;

	for (at = at / 64 * 64;; at -= 64) {
		memcpy(&seal, whole.bytes + at, sizeof(seal));
		if (memcmp(seal.magic, FS_SEAL_MAGIC, sizeof(seal.magic)) == 0)
			return seal;
	}
}

/* Expects a transaction that the ones after it pass over to be told, where all checksums are right. */
START_TEST(transaction_out_of_order)
{
	struct fs_super super;
	struct fs_seal last, passed;
	uint8_t *payload, *trailer;
	struct fs *fs;

	make_small();
	h_open();
	fs_setxattr(h_fs, h_ino(h_fs, "a"), "user.1", "value", 5, 0);
	fs_setxattr(h_fs, h_ino(h_fs, "a"), "user.2", "value", 5, 0);
	whole.bytes = h_load(h_path, &whole.size);
	memcpy(&super, whole.bytes, sizeof(super));
	last = seal_before(whole.size - sizeof(last));
	passed = seal_before(last.position - 1);
	last.sequence = passed.sequence;
	last.previous = passed.previous;
	payload = whole.bytes + last.position;
	seal_make(&super, &last, payload + sizeof(last), last.body_len);
	memcpy(payload, &last, sizeof(last));
	trailer = payload + sizeof(last) + last.body_len;
	store_u64(trailer + TRAILER_KEY_HASH, seal_key_hash(&last));
	store_u32(trailer + TRAILER_CRC, reel_crc32(0, payload, sizeof(last) + last.body_len));
	h_store(DAMAGED, whole.bytes, whole.size);
	ck_assert_int_eq(h_try(DAMAGED, true, &fs), 0);
	ck_assert_int_gt(h_faults(fs), 0);
	ck_assert_msg(strstr(h_messages(), "does not follow the one before it") != NULL, "%s", h_messages());
	fs_close(fs);
	free(whole.bytes);
}
END_TEST

static void setup(void)
{
	h_setup();
	n_known = 0;
}

int main(void)
{
	Suite *suite = suite_create("damage");
	TCase *tc = tcase_create("bits");

	tcase_add_checked_fixture(tc, setup, h_teardown);
	tcase_set_timeout(tc, 36000);
	tcase_add_test(tc, every_byte_of_a_small_container);
	tcase_add_test(tc, some_bits_of_a_large_container);
	tcase_add_test(tc, transaction_out_of_order);
	suite_add_tcase(suite, tc);
	return h_main(suite);
}
