/*
 * foreign.c - see foreign.h.
 */
#include "config.h"

#include "foreign.h"

struct reel *foreign_open(void)
{
	struct reel *r;
	if (h_fs)
		h_close();
	ck_assert_int_eq(reel_open(h_path, NULL, &r), 0);
	return r;
}

void foreign_write(struct reel *r, const char *key, const char *value)
{
	ck_assert_int_eq(reel_write(r, key, strlen(key), value, strlen(value)), 0);
}

void foreign_delete(struct reel *r, const char *key)
{
	ck_assert_int_eq(reel_delete(r, key, strlen(key)), 1);
}

const char *hex(const char *key)
{
	static char name[4][24];
	static unsigned next;
	char *p = name[next++ % 4];
	snprintf(p, sizeof(name[0]), "%016llx", (unsigned long long)reel_hash(key, strlen(key)));
	return p;
}

uint64_t foreign_count(void)
{
	struct fs_info info;
	ck_assert_int_eq(fs_info(h_fs, &info), 0);
	return info.foreign;
}

void expect_adopted(void)
{
	h_puts(h_fs, "adopter", "x");
	char *before = h_tree(h_fs), *after;
	h_crash();
	after = h_tree(h_fs);
	h_same(after, before, "after adoption and a crash");
	free(after);
	h_again();
	after = h_tree(h_fs);
	h_same(after, before, "after adoption and closing");
	ck_assert_uint_eq(foreign_count(), 0);
	h_check(h_fs);
	free(after);
	free(before);
}
