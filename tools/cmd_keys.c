/*
 * cmd_keys.c - `reel keys`: the key hashes of all live entries.
 * Relies on reel.h. Of a container with a file system they are those of contents and transactions.
 */
#include "config.h"

#include <errno.h>

#include "common.h"
#include "keys.h"
#include "text.h"

static int print_keys(const struct container *c, struct json *j)
{
	char hash[HASH_TEXT];
	struct reel_iter *it;
	struct reel_entry e;
	int r = reel_iter_new(fs_store(c->fs), true, &it);

	if (r < 0)
		return r;
	while ((r = reel_iter_next(it, &e)) > 0) {
		hash_text(e.key_hash, hash);
		if (j != NULL)
			json_string(j, NULL, hash);
		else
			printf("%s\n", hash);
		reel_entry_release(&e);
	}
	reel_iter_free(it);
	return r;
}

static int run_keys(const struct args *args)
{
	bool as_json = args_have(args, 'j');
	struct json j = {0};
	struct container c;
	int r;

	if (container_open(args->operand[0], FOR_READING, &c) < 0)
		return STATUS_FAILED;
	if (as_json) {
		json_begin(&j, NULL, '{');
		json_string(&j, "container", c.path);
		json_begin(&j, "keys", '[');
	}
	r = print_keys(&c, as_json ? &j : NULL);
	if (as_json) {
		json_end(&j, ']');
		json_end(&j, '}');
	}
	if (r < 0)
		complain_errno(c.path, r, NULL);
	return container_close(&c) < 0 || r < 0 ? STATUS_FAILED : STATUS_OK;
}

static const struct flag keys_flags[] = {
    {'j', "json", "print a JSON object", NULL},
    FLAG_NUL,
    {0},
};

const struct command cmd_keys = {
    .name = "keys",
    .synopsis = "[--json] [--nul=MEANING] CONTAINER",
    .summary = "list the key hashes of all live entries",
    .details = "Prints the hash of the key of each live entry as 16 hex digits, the newest entry first.\n"
	       "Keys themselves are not stored. In a container with a file system these are the entries\n"
	       "beneath it: contents of files and transactions.\n",
    .flags = keys_flags,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_keys,
};
