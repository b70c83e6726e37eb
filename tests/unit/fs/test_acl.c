/*
 * test_acl.c - POSIX ACLs (acl.c, and what xattr.c, attr.c and names.c do with it): which bytes are an ACL, that it and the
 * mode are one, and who inherits what; and the same tree after opening again.
 */
#include "config.h"

#include <linux/posix_acl.h>
#include <linux/xattr.h>

#include "acl.h"
#include "commit.h"
#include "harness.h"

#define ACCESS  XATTR_NAME_POSIX_ACL_ACCESS
#define DEFAULT XATTR_NAME_POSIX_ACL_DEFAULT
#define NONE    UINT32_MAX

/* An ACL as bytes: the version, then eight for each entry. */
struct value {
	uint8_t bytes[ACL_SIZE_MAX + 8];
	size_t size;
};

static void put(struct value *v, uint32_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		v->bytes[v->size++] = (uint8_t)(number >> 8 * i);
}

static struct value empty(uint32_t version)
{
	struct value v = {.size = 0};

	put(&v, version, 4);
	return v;
}

static void add(struct value *v, unsigned tag, unsigned perm, uint32_t id)
{
	put(v, tag, 2);
	put(v, perm, 2);
	put(v, id, 4);
}

static struct value minimal(unsigned user, unsigned group, unsigned other)
{
	struct value v = empty(2);

	add(&v, ACL_USER_OBJ, user, NONE);
	add(&v, ACL_GROUP_OBJ, group, NONE);
	add(&v, ACL_OTHER, other, NONE);
	return v;
}

/* With an entry for user 7, rwx, and the group r-x. */
static struct value named(unsigned user, unsigned mask, unsigned other)
{
	struct value v = empty(2);

	add(&v, ACL_USER_OBJ, user, NONE);
	add(&v, ACL_USER, 7, 7);
	add(&v, ACL_GROUP_OBJ, 5, NONE);
	add(&v, ACL_MASK, mask, NONE);
	add(&v, ACL_OTHER, other, NONE);
	return v;
}

static int set(const char *path, const char *name, const struct value *v, int flags)
{
	return fs_setxattr(h_fs, h_ino(h_fs, path), name, v->bytes, v->size, flags);
}

/* The file has just this ACL; NULL: none. */
static void expect(const char *path, const char *name, const struct value *v)
{
	uint8_t got[256];
	ssize_t n = fs_getxattr(h_fs, h_ino(h_fs, path), name, got, sizeof(got));

	ck_assert_int_eq(n, v ? (ssize_t)v->size : -ENODATA);
	if (v)
		ck_assert_mem_eq(got, v->bytes, v->size);
}

static uint32_t mode_of(const char *path)
{
	struct fs_attr attr;

	ck_assert_int_eq(h_stat(h_fs, path, &attr), 0);
	return attr.mode & 07777;
}

static void chmod_to(const char *path, uint32_t mode, int expected)
{
	struct fs_setattr change = {.set = FS_SET_MODE, .mode = mode};
	struct fs_attr attr;

	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, path), &change, &attr), expected);
}

/* --- which bytes are an ACL ----------------------------------------------------------------------------------- */

/* Owner, group and others are enough; named entries, any number of them, need a mask; a mask may be there without. */
START_TEST(sound_acls_pass)
{
	struct value v = minimal(7, 5, 0);
	ck_assert_int_eq(acl_check(v.bytes, v.size), 0);
	v = named(6, 4, 0);
	ck_assert_int_eq(acl_check(v.bytes, v.size), 0);
	v = empty(2);
	add(&v, ACL_USER_OBJ, 7, NONE);
	for (uint32_t id = 0; id < 5; id++)
		add(&v, ACL_USER, 1, id);
	add(&v, ACL_GROUP_OBJ, 0, NONE);
	for (uint32_t id = 0; id < 5; id++)
		add(&v, ACL_GROUP, 2, id);
	add(&v, ACL_MASK, 7, NONE);
	add(&v, ACL_OTHER, 0, NONE);
	ck_assert_int_eq(acl_check(v.bytes, v.size), 0);
}
END_TEST

/* It has up to 4096 bytes, which is what the kernel reads. */
START_TEST(length_is_limited)
{
	struct value v = empty(2);
	add(&v, ACL_USER_OBJ, 7, NONE);
	for (uint32_t id = 0; v.size < ACL_SIZE_MAX - 4 - 3 * 8; id++)
		add(&v, ACL_USER, 1, id);
	add(&v, ACL_GROUP_OBJ, 0, NONE);
	add(&v, ACL_MASK, 7, NONE);
	add(&v, ACL_OTHER, 0, NONE);
	ck_assert_uint_eq(v.size, ACL_SIZE_MAX - 4);
	ck_assert_int_eq(acl_check(v.bytes, v.size), 0);
	add(&v, ACL_OTHER, 0, NONE);
	ck_assert_int_eq(acl_check(v.bytes, v.size), -E2BIG);
	h_puts(h_fs, "f", "x");
	ck_assert_int_eq(set("f", ACCESS, &v, 0), -E2BIG);
}
END_TEST

/* An unknown version is not supported. */
START_TEST(other_versions_are_refused)
{
	for (uint32_t version = 0; version < 5; version++) {
		struct value v = minimal(7, 5, 0);
		v.bytes[0] = (uint8_t)version;
		ck_assert_int_eq(acl_check(v.bytes, v.size), version == 2 ? 0 : -EOPNOTSUPP);
	}
}
END_TEST

/* Every length but that of whole entries, three at least, is refused. */
START_TEST(other_lengths_are_refused)
{
	struct value v = named(7, 7, 7);
	for (size_t size = 0; size < v.size; size++)
		ck_assert_int_eq(acl_check(v.bytes, size), -EINVAL);
	for (size_t size = v.size + 1; size < v.size + 8; size++)
		ck_assert_int_eq(acl_check(v.bytes, size), -EINVAL);
}
END_TEST

/* Each entry of an ACL left out, doubled or exchanged with the next makes it none. */
START_TEST(order_is_checked)
{
	struct value whole = named(7, 7, 7);
	for (size_t n = 0; n < 5; n++) {
		uint8_t *at = whole.bytes + 4 + n * 8;
		struct value v = whole;
		memmove(v.bytes + 4 + n * 8, at + 8, (4 - n) * 8);
		v.size -= 8;
		/* Without its named entry it is one still. */
		ck_assert_int_eq(acl_check(v.bytes, v.size), n == 1 ? 0 : -EINVAL);
		v = whole;
		memmove(v.bytes + 4 + (n + 1) * 8, at, (5 - n) * 8);
		v.size += 8;
		ck_assert_int_eq(acl_check(v.bytes, v.size), n == 1 ? 0 : -EINVAL);
		if (n == 4)
			break;
		v = whole;
		memcpy(v.bytes + 4 + n * 8, at + 8, 8);
		memcpy(v.bytes + 4 + (n + 1) * 8, at, 8);
		ck_assert_int_eq(acl_check(v.bytes, v.size), -EINVAL);
	}
}
END_TEST

/* So does a bit that is no permission, a tag that is none, and a named entry without an id. */
START_TEST(fields_are_checked)
{
	for (size_t n = 0; n < 5; n++) {
		struct value v = named(7, 7, 7);
		v.bytes[4 + n * 8 + 2] |= 8;
		ck_assert_int_eq(acl_check(v.bytes, v.size), -EINVAL);
		v = named(7, 7, 7);
		v.bytes[4 + n * 8 + 3] = 1;
		ck_assert_int_eq(acl_check(v.bytes, v.size), -EINVAL);
		v = named(7, 7, 7);
		v.bytes[4 + n * 8] = 3;
		ck_assert_int_eq(acl_check(v.bytes, v.size), -EINVAL);
	}
	struct value v = named(7, 7, 7);
	memset(v.bytes + 4 + 8 + 4, 0xff, 4);
	ck_assert_int_eq(acl_check(v.bytes, v.size), -EINVAL);
}
END_TEST

/* --- an ACL and the mode are one -------------------------------------------------------------------------------- */

/* An access ACL sets the mode: the group's digit is the mask's. What the mode says by itself is not kept. */
START_TEST(access_acl_sets_the_mode)
{
	struct value v = named(6, 4, 1), plain = minimal(7, 5, 0);
	h_puts(h_fs, "f", "x");
	chmod_to("f", 06644, 0);
	ck_assert_int_eq(set("f", ACCESS, &v, 0), 0);
	ck_assert_uint_eq(mode_of("f"), 06641);
	expect("f", ACCESS, &v);
	ck_assert_int_eq(set("f", ACCESS, &plain, 0), 0);
	ck_assert_uint_eq(mode_of("f"), 06750);
	expect("f", ACCESS, NULL);
}
END_TEST

/* A new mode changes the mask, or without one the group's entry; named entries stay. */
START_TEST(access_acl_follows_the_mode)
{
	struct value v = named(6, 4, 1), then = named(5, 2, 7);
	h_puts(h_fs, "f", "x");
	ck_assert_int_eq(set("f", ACCESS, &v, 0), 0);
	chmod_to("f", 0527, 0);
	expect("f", ACCESS, &then);
	ck_assert_uint_eq(mode_of("f"), 0527);
}
END_TEST

/* Removing it leaves the mode; an ACL without entries removes as well; where none is, both succeed. */
START_TEST(removal_leaves_the_mode)
{
	struct value v = named(6, 4, 1), nothing = empty(2);
	h_puts(h_fs, "f", "x");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(set("f", ACCESS, &v, 0), 0);
		ck_assert_int_eq(i ? set("f", ACCESS, &nothing, 0) : fs_removexattr(h_fs, h_ino(h_fs, "f"), ACCESS), 0);
		expect("f", ACCESS, NULL);
		ck_assert_uint_eq(mode_of("f"), 0641);
		ck_assert_int_eq(i ? set("f", ACCESS, &nothing, 0) : fs_removexattr(h_fs, h_ino(h_fs, "f"), ACCESS), 0);
	}
}
END_TEST

/* The setgid bit goes when it is asked for, with an ACL that is kept and with one that is not. */
START_TEST(setgid_goes_when_asked)
{
	struct value v = named(7, 7, 5), plain = minimal(7, 7, 5);
	h_puts(h_fs, "f", "x");
	chmod_to("f", 06775, 0);
	ck_assert_int_eq(set("f", ACCESS, &v, 0), 0);
	ck_assert_uint_eq(mode_of("f"), 06775);
	ck_assert_int_eq(set("f", ACCESS, &v, FS_XATTR_KILL_SETGID), 0);
	ck_assert_uint_eq(mode_of("f"), 04775);
	chmod_to("f", 02775, 0);
	ck_assert_int_eq(set("f", ACCESS, &plain, FS_XATTR_KILL_SETGID), 0);
	ck_assert_uint_eq(mode_of("f"), 0775);
}
END_TEST

/* Default ACLs are for directories, and symbolic links have none; what is refused changes nothing. */
START_TEST(wrong_kinds_are_refused)
{
	struct value v = named(7, 7, 7), bad = named(8, 7, 7);
	h_puts(h_fs, "f", "x");
	ck_assert_int_eq(h_symlink(h_fs, "f", "l"), 0);
	ck_assert_int_eq(set("f", DEFAULT, &v, 0), -EACCES);
	ck_assert_int_eq(set("l", ACCESS, &v, 0), -EOPNOTSUPP);
	ck_assert_int_eq(set("f", ACCESS, &bad, 0), -EINVAL);
	ck_assert_int_eq(set("f", XATTR_SYSTEM_PREFIX "other", &v, 0), -EOPNOTSUPP);
	ck_assert_uint_eq(mode_of("f"), 0644);
	expect("f", ACCESS, NULL);
	expect("f", DEFAULT, NULL);
}
END_TEST

/* --- who inherits what ------------------------------------------------------------------------------------------ */

static void make_in(const char *path, uint32_t type_and_mode, uint32_t umask)
{
	const struct fs_cred cred = {.uid = 1, .gid = 2, .umask = umask};
	char name[FS_NAME_MAX + 1];
	uint64_t parent = h_parent(h_fs, path, name);
	struct fs_attr attr;

	if (S_ISDIR(type_and_mode))
		ck_assert_int_eq(fs_mkdir(h_fs, parent, name, type_and_mode, &cred, &attr), 0);
	else
		ck_assert_int_eq(fs_mknod(h_fs, parent, name, type_and_mode, 0, &cred, &attr), 0);
	fs_forget(h_fs, attr.ino, 1);
}

/* Without a default ACL the umask takes bits; with one it counts for nothing. */
START_TEST(umask_or_default_acl)
{
	struct value v = minimal(7, 7, 5);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	make_in("d/a", S_IFREG | 0666, 027);
	ck_assert_uint_eq(mode_of("d/a"), 0640);
	ck_assert_int_eq(set("d", DEFAULT, &v, 0), 0);
	make_in("d/b", S_IFREG | 0666, 027);
	ck_assert_uint_eq(mode_of("d/b"), 0664);
	expect("d/b", ACCESS, NULL);
}
END_TEST

/* The access ACL is the default one, less what the mode does not have; a directory gets the default one as it is. */
START_TEST(default_acl_is_inherited)
{
	struct value v = named(7, 7, 4), file = named(6, 6, 0), dir = named(7, 5, 0);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(set("d", DEFAULT, &v, 0), 0);
	make_in("d/file", S_IFREG | 04660, 077);
	make_in("d/fifo", S_IFIFO | 0660, 077);
	make_in("d/dir", S_IFDIR | 0750, 077);
	ck_assert_uint_eq(mode_of("d/file"), 04660);
	expect("d/file", ACCESS, &file);
	expect("d/file", DEFAULT, NULL);
	expect("d/fifo", ACCESS, &file);
	ck_assert_uint_eq(mode_of("d/dir"), 0750);
	expect("d/dir", ACCESS, &dir);
	expect("d/dir", DEFAULT, &v);
	expect("d", ACCESS, NULL);
	ck_assert_int_eq(h_symlink(h_fs, "x", "d/link"), 0);
	ck_assert_uint_eq(mode_of("d/link"), 0777);
	expect("d/link", ACCESS, NULL);
}
END_TEST

/* A file without a name inherits from its directory, and keeps that when it is given a name elsewhere. */
START_TEST(unnamed_files_inherit)
{
	const struct fs_cred cred = {.uid = 1, .gid = 2, .umask = 077};
	struct value v = named(7, 7, 4), file = named(6, 4, 0);
	struct fs_attr attr, linked;
	struct fs_file *f;
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(set("d", DEFAULT, &v, 0), 0);
	ck_assert_int_eq(fs_file_tmpfile(h_fs, h_ino(h_fs, "d"), 0640, O_RDWR, &cred, &attr, &f), 0);
	ck_assert_int_eq(fs_link(h_fs, attr.ino, FS_ROOT_INO, "name", &linked), 0);
	fs_file_release(f);
	fs_forget(h_fs, attr.ino, 2);
	expect("name", ACCESS, &file);
}
END_TEST

/* --- ACLs that are none, in a container ----------------------------------------------------------------------- */

/* Puts bytes there as a hostile container would have them. */
static void plant(const char *path, const char *name, const struct value *v)
{
	uint64_t ino = h_ino(h_fs, path);
	struct tx tx;

	ck_assert_int_eq(tx_begin(h_fs, &tx), 0);
	body_xattr(&tx.body, ino, name, strlen(name), v->bytes, v->size);
	ck_assert_int_eq(tx_commit(&tx, NULL), 0);
}

/* They are faults, also when they just contradict the mode, or are where none can be. */
START_TEST(faults_are_found)
{
	struct value bad = named(8, 7, 7), wrong = named(1, 1, 1);
	h_puts(h_fs, "f", "x");
	h_check(h_fs);
	plant("f", ACCESS, &bad);
	ck_assert_int_eq(h_faults(h_fs), 1);
	plant("f", ACCESS, &wrong);
	ck_assert_int_eq(h_faults(h_fs), 1);
	chmod_to("f", 0111, 0);
	h_check(h_fs);
	plant("f", DEFAULT, &wrong);
	ck_assert_int_eq(h_faults(h_fs), 1);
	ck_assert_int_eq(fs_removexattr(h_fs, h_ino(h_fs, "f"), DEFAULT), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	plant("d", DEFAULT, &bad);
	ck_assert_int_eq(h_faults(h_fs), 1);
	ck_assert_int_eq(fs_removexattr(h_fs, h_ino(h_fs, "d"), DEFAULT), 0);
	h_check(h_fs);
}
END_TEST

/* What has to read one fails with EIO and changes nothing; the ACL can be removed. */
START_TEST(damaged_acls_give_eio)
{
	struct value bad = named(8, 7, 7);
	const struct fs_cred cred = {.uid = 1, .gid = 2};
	struct fs_attr attr;
	h_puts(h_fs, "f", "x");
	plant("f", ACCESS, &bad);
	chmod_to("f", 0600, -EIO);
	ck_assert_uint_eq(mode_of("f"), 0644);
	ck_assert_int_eq(fs_removexattr(h_fs, h_ino(h_fs, "f"), ACCESS), 0);
	chmod_to("f", 0600, 0);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	plant("d", DEFAULT, &bad);
	ck_assert_int_eq(fs_mknod(h_fs, h_ino(h_fs, "d"), "x", S_IFREG | 0600, 0, &cred, &attr), -EIO);
	ck_assert(!h_exists(h_fs, "d/x"));
	ck_assert_int_eq(fs_removexattr(h_fs, h_ino(h_fs, "d"), DEFAULT), 0);
}
END_TEST

static void forget_line(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

/* A repair takes away what is no ACL, and makes one that is say what the mode does, which may have come with a later change. */
START_TEST(repair_brings_mode_and_acl_together)
{
	struct fs_options options = {.read_only = true};
	struct value bad = named(8, 7, 7), older = named(7, 7, 0), fitting = named(6, 4, 4);
	const char *out = h_beside("out");
	struct fs_repair done;
	h_puts(h_fs, "bad", "x");
	h_puts(h_fs, "older", "x");
	h_mkdir(h_fs, "d");
	plant("bad", ACCESS, &bad);
	plant("bad", DEFAULT, &older);
	plant("older", ACCESS, &older);
	plant("d", DEFAULT, &bad);
	h_close();
	ck_assert_int_eq(fs_repair(h_path, out, &options, forget_line, NULL, &done), 0);
	ck_assert_int_eq(rename(out, h_path), 0);
	h_open();
	h_check(h_fs);
	expect("bad", ACCESS, NULL);
	expect("bad", DEFAULT, NULL);
	expect("older", ACCESS, &fitting);
	expect("d", DEFAULT, NULL);
	ck_assert_uint_eq(mode_of("older"), 0644);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("acl");
	TCase *tc = tcase_create("acl");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown_same);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, sound_acls_pass);
	tcase_add_test(tc, length_is_limited);
	tcase_add_test(tc, other_versions_are_refused);
	tcase_add_test(tc, other_lengths_are_refused);
	tcase_add_test(tc, order_is_checked);
	tcase_add_test(tc, fields_are_checked);
	tcase_add_test(tc, access_acl_sets_the_mode);
	tcase_add_test(tc, access_acl_follows_the_mode);
	tcase_add_test(tc, removal_leaves_the_mode);
	tcase_add_test(tc, setgid_goes_when_asked);
	tcase_add_test(tc, wrong_kinds_are_refused);
	tcase_add_test(tc, umask_or_default_acl);
	tcase_add_test(tc, default_acl_is_inherited);
	tcase_add_test(tc, unnamed_files_inherit);
	tcase_add_test(tc, faults_are_found);
	tcase_add_test(tc, damaged_acls_give_eio);
	tcase_add_test(tc, repair_brings_mode_and_acl_together);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
