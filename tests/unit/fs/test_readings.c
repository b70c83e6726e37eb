/*
 * test_readings.c - readings of a directory whose names change meanwhile (src/fs/dir.c, rename.c; N1 in
 * docs/DESIGN.md).
 */
#include "config.h"

#include "../../readings.h"
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>

#define EXCHANGE (1u << 1) /* RENAME_EXCHANGE */

/* One reading, of one name at each call. */
struct one {
	struct fs_dir *dir;
	uint64_t cookie;
	char name[FS_NAME_MAX + 1];
	bool any;
};

static struct one reading[READINGS_OPEN];

static bool take_one(void *arg, const struct fs_dirent *e)
{
	struct one *o = arg;
	if (o->any)
		return false;
	o->any = true;
	o->cookie = e->cookie;
	snprintf(o->name, sizeof(o->name), "%s", e->name);
	return true;
}

/* The next name but "." and ".."; NULL: there is none. */
static const char *next(struct one *o)
{
	do {
		o->any = false;
		ck_assert_int_eq(fs_dir_read(o->dir, o->cookie, take_one, o), 0);
	} while (o->any && o->cookie <= 2);
	return o->any ? o->name : NULL;
}

static void begin(struct one *o)
{
	*o = (struct one){0};
	ck_assert_int_eq(fs_dir_open(h_fs, FS_ROOT_INO, &o->dir), 0);
}

static void end(struct one *o)
{
	fs_dir_close(o->dir);
	o->dir = NULL;
}

/* `name` comes next; "": nothing does. */
static void expects(struct one *o, const char *name)
{
	const char *is = next(o);
	ck_assert_str_eq(is ? is : "", name);
}

/* --- the model ------------------------------------------------------------------------------------------------ */

static void make(const char *name)
{
	h_puts(h_fs, name, "");
}

static void remove_it(const char *name)
{
	ck_assert_int_eq(h_unlink(h_fs, name), 0);
}

static void rename_it(const char *from, const char *to)
{
	ck_assert_int_eq(h_rename(h_fs, from, to, 0), 0);
}

static void exchange(const char *a, const char *b)
{
	ck_assert_int_eq(h_rename(h_fs, a, b, EXCHANGE), 0);
}

static void open_one(int r)
{
	begin(&reading[r]);
}

static bool next_one(int r, char name[READINGS_NAME])
{
	const char *is = next(&reading[r]);
	if (is)
		snprintf(name, READINGS_NAME, "%.*s", READINGS_NAME - 1, is);
	return is != NULL;
}

static void rewind_one(int r)
{
	reading[r].cookie = 0;
}

static void close_one(int r)
{
	end(&reading[r]);
}

/* Whatever is added, removed, renamed and exchanged, several readings at once tell what was there when each began. */
START_TEST(readings_tell_what_was_there)
{
	static const struct readings_ops ops = {make,     remove_it, rename_it,  exchange,
						open_one, next_one,  rewind_one, close_one};
	for (unsigned long seed = 1; seed <= 8; seed++)
		readings_run(&ops, seed, 1500);
}
END_TEST

/* --- one behaviour each ---------------------------------------------------------------------------------------- */

/* Who gives each name that comes another one, which comes later than all others, is done after the last. */
START_TEST(a_walk_that_renames_ends)
{
	char longer[FS_NAME_MAX + 2];
	struct one o;
	int n = 0;
	for (const char *const *name = (const char *const[]){"a", "b", "c", "d", "e", NULL}; *name; name++)
		make(*name);
	begin(&o);
	for (; n < 50 && next(&o); n++) {
		snprintf(longer, sizeof(longer), "%s.", o.name);
		rename_it(o.name, longer);
	}
	end(&o);
	ck_assert_int_eq(n, 5);
}
END_TEST

START_TEST(a_walk_that_makes_names_ends)
{
	char name[32];
	struct one o;
	int n = 0;
	make("a");
	begin(&o);
	for (; n < 50 && next(&o); n++) {
		snprintf(name, sizeof(name), "new%d", n);
		make(name);
	}
	end(&o);
	ck_assert_int_eq(n, 1);
}
END_TEST

/* A reading from the start again tells what is there by then. */
START_TEST(from_the_start_it_begins_anew)
{
	struct one o;
	make("a");
	begin(&o);
	make("b");
	expects(&o, "a");
	make("c");
	expects(&o, "b");
	expects(&o, "");
	o.cookie = 0;
	expects(&o, "a");
	expects(&o, "b");
	expects(&o, "c");
	expects(&o, "");
	end(&o);
}
END_TEST

/* What was renamed before its turn comes at its turn, by the new name. */
START_TEST(a_renamed_file_keeps_its_place)
{
	struct one o;
	make("a");
	make("b");
	make("c");
	begin(&o);
	expects(&o, "a");
	rename_it("b", "z");
	rename_it("a", "y");
	expects(&o, "z");
	expects(&o, "c");
	expects(&o, "");
	end(&o);
}
END_TEST

/* A name that has come does not come again as that of another file. */
START_TEST(a_name_comes_once)
{
	struct one o;
	make("a");
	make("b");
	make("c");
	begin(&o);
	expects(&o, "a");
	remove_it("a");
	rename_it("c", "a");
	expects(&o, "b");
	expects(&o, "");
	end(&o);
}
END_TEST

/* After more names have left than are kept in mind no file is missed: what is renamed then keeps its place in any case. */
START_TEST(a_file_comes_once_among_many)
{
	char name[32];
	struct one o;
	make("a");
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		make(name);
	}
	begin(&o);
	expects(&o, "a");
	for (int i = 0; i < 4998; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		remove_it(name);
	}
	remove_it("a");
	rename_it("f4999", "a");
	expects(&o, "f4998");
	expects(&o, "a");
	expects(&o, "");
	end(&o);
}
END_TEST

/* A file that is renamed and gets its name back keeps its place, as nobody else has had that name. */
START_TEST(a_name_that_comes_back_keeps_its_place)
{
	struct one o;
	make("a");
	make("b");
	make("c");
	begin(&o);
	expects(&o, "a");
	rename_it("b", "x");
	rename_it("x", "b");
	expects(&o, "b");
	expects(&o, "c");
	expects(&o, "");
	end(&o);
}
END_TEST

/* A file that takes over a name which no reading comes to stays in its own place. */
START_TEST(a_file_that_replaces_a_new_name_comes_once)
{
	struct one o;
	make("a");
	make("b");
	make("c");
	begin(&o);
	expects(&o, "a");
	make("new");
	rename_it("b", "new");
	expects(&o, "new");
	expects(&o, "c");
	expects(&o, "");
	end(&o);
}
END_TEST

/* A name that is taken over stays where it is. */
START_TEST(a_replaced_name_keeps_its_place)
{
	struct one o;
	make("a");
	make("b");
	make("c");
	begin(&o);
	expects(&o, "a");
	expects(&o, "b");
	rename_it("c", "b");
	expects(&o, "");
	o.cookie = 0;
	expects(&o, "a");
	expects(&o, "b");
	expects(&o, "");
	end(&o);
}
END_TEST

/* Positions hold over a kill and over a clean end, renamed files included. */
START_TEST(positions_outlive_the_process)
{
	uint64_t cookie;
	struct one o;
	make("a");
	make("b");
	make("c");
	rename_it("b", "z");
	begin(&o);
	expects(&o, "a");
	cookie = o.cookie;
	end(&o);
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			h_crash();
		else
			h_again();
		begin(&o);
		o.cookie = cookie;
		expects(&o, "z");
		expects(&o, "c");
		expects(&o, "");
		end(&o);
	}
}
END_TEST

/* A position behind all names, or of a later reading, is the end. */
START_TEST(behind_the_end_nothing_comes)
{
	struct one early, late;
	make("a");
	begin(&early);
	make("b");
	make("c");
	begin(&late);
	expects(&late, "a");
	expects(&late, "b");
	early.cookie = late.cookie;
	expects(&early, "");
	for (uint64_t cookie = UINT64_MAX; cookie > 1000; cookie /= 2) {
		late.cookie = cookie;
		expects(&late, "");
	}
	end(&early);
	end(&late);
}
END_TEST

/* Of each directory one open at a time may be cached, and it is told when that began with another state. */
START_TEST(one_may_be_cached)
{
	struct one a, b;
	make("f");
	begin(&a);
	begin(&b);
	ck_assert(fs_dir_cached(a.dir));
	ck_assert(!fs_dir_cached(b.dir));
	expects(&a, "f");
	ck_assert(!fs_dir_outdated(a.dir));
	make("g");
	a.cookie = 0;
	expects(&a, "f");
	ck_assert(fs_dir_outdated(a.dir));
	ck_assert(!fs_dir_outdated(a.dir));
	a.cookie = 0;
	expects(&a, "f");
	ck_assert(!fs_dir_outdated(a.dir));
	end(&a);
	rename_it("g", "h");
	begin(&a);
	ck_assert(fs_dir_cached(a.dir));
	expects(&a, "f");
	ck_assert(fs_dir_outdated(a.dir));
	end(&a);
	end(&b);
}
END_TEST

static atomic_bool renamed;

static void *open_and_close(void *arg)
{
	struct fs_dir *d;
	int *failed = arg;
	while (!atomic_load(&renamed)) {
		int r = fs_dir_open(h_fs, FS_ROOT_INO, &d);
		if (r < 0)
			*failed = r;
		else
			fs_dir_close(d);
	}
	return NULL;
}

/* Who opens and closes the directory waits for renames in it, and they for nobody: it ends. */
START_TEST(renames_go_on_beside_openings)
{
	pthread_t opener;
	int failed = 0;
	atomic_store(&renamed, false);
	make("a");
	ck_assert_int_eq(pthread_create(&opener, NULL, open_and_close, &failed), 0);
	for (int i = 0; i < 2000; i++)
		rename_it(i % 2 ? "b" : "a", i % 2 ? "a" : "b");
	atomic_store(&renamed, true);
	ck_assert_int_eq(pthread_join(opener, NULL), 0);
	ck_assert_int_eq(failed, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("readings");
	TCase *tc = tcase_create("readings");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown_same);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, readings_tell_what_was_there);
	tcase_add_test(tc, a_walk_that_renames_ends);
	tcase_add_test(tc, a_walk_that_makes_names_ends);
	tcase_add_test(tc, from_the_start_it_begins_anew);
	tcase_add_test(tc, a_renamed_file_keeps_its_place);
	tcase_add_test(tc, a_name_comes_once);
	tcase_add_test(tc, a_file_comes_once_among_many);
	tcase_add_test(tc, a_name_that_comes_back_keeps_its_place);
	tcase_add_test(tc, a_file_that_replaces_a_new_name_comes_once);
	tcase_add_test(tc, a_replaced_name_keeps_its_place);
	tcase_add_test(tc, positions_outlive_the_process);
	tcase_add_test(tc, behind_the_end_nothing_comes);
	tcase_add_test(tc, one_may_be_cached);
	tcase_add_test(tc, renames_go_on_beside_openings);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
