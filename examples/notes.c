/*
 * notes.c - keeps notes in a container: an example of libreel that uses only its public header.
 *
 *     cc notes.c $(pkg-config --cflags --libs reel) -o notes
 *     ./notes notes.reel put shopping "milk and bread"
 *     ./notes notes.reel get shopping
 *     ./notes notes.reel list
 *     ./notes notes.reel drop shopping
 *     ./notes notes.reel tidy
 *
 * A container stores the hash of a key and not the key. So that notes can be listed, the value of each begins with its
 * name and a line feed.
 */
#include <reel.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_message(void *arg, int priority, const char *text)
{
	(void)arg;
	(void)priority;
	fprintf(stderr, "notes: %s\n", text);
}

/* Name and text are written as one entry, piece by piece. */
static int put(struct reel *r, const char *name, const char *text)
{
	struct reel_stream *s;
	int err = reel_stream_begin(r, name, strlen(name), &s);

	if (err < 0)
		return err;
	err = reel_stream_append(s, name, strlen(name));
	if (err == 0)
		err = reel_stream_append(s, "\n", 1);
	if (err == 0)
		err = reel_stream_append(s, text, strlen(text));
	if (err < 0) {
		reel_stream_abort(s);
		return err;
	}
	err = reel_stream_commit(s);
	/* The note is safe from a power cut once this returns 0. */
	return err < 0 ? err : reel_sync(r);
}

static int get(struct reel *r, const char *name)
{
	struct reel_entry e;
	int err = reel_read(r, name, strlen(name), &e);

	if (err < 0)
		return err;
	if (reel_entry_valid(&e)) {
		/* The payload lies in the mapped file: nothing is copied. */
		fwrite(e.payload + strlen(name) + 1, 1, e.len - strlen(name) - 1, stdout);
		putchar('\n');
	} else {
		err = -EBADMSG;
	}
	reel_entry_release(&e);
	return err;
}

static int list(struct reel *r)
{
	struct reel_iter *it;
	struct reel_entry e;
	int more = reel_iter_new(r, true, &it);

	if (more < 0)
		return more;
	while ((more = reel_iter_next(it, &e)) > 0) {
		const uint8_t *end = memchr(e.payload, '\n', e.len);
		if (end != NULL)
			printf("%.*s\n", (int)(end - e.payload), (const char *)e.payload);
		reel_entry_release(&e);
	}
	reel_iter_free(it);
	return more;
}

static int drop(struct reel *r, const char *name)
{
	int deleted = reel_delete(r, name, strlen(name));

	return deleted == 0 ? -ENOENT : deleted < 0 ? deleted : reel_sync(r);
}

static int tidy(struct reel *r)
{
	struct reel_compaction sizes;
	int err = reel_compact(r, &sizes);

	if (err == 0)
		printf("%llu notes, %llu bytes of %llu saved\n", (unsigned long long)sizes.entries,
		       (unsigned long long)(sizes.before - sizes.after), (unsigned long long)sizes.before);
	return err;
}

static int run(struct reel *r, int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[2], "put") == 0)
		return put(r, argv[3], argv[4]);
	if (argc == 4 && strcmp(argv[2], "get") == 0)
		return get(r, argv[3]);
	if (argc == 3 && strcmp(argv[2], "list") == 0)
		return list(r);
	if (argc == 4 && strcmp(argv[2], "drop") == 0)
		return drop(r, argv[3]);
	if (argc == 3 && strcmp(argv[2], "tidy") == 0)
		return tidy(r);
	fputs("usage: notes FILE put NAME TEXT | get NAME | list | drop NAME | tidy\n", stderr);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	struct reel_options options = {.flags = REEL_CREATE | REEL_CHECK_KEYS, .log = print_message};
	struct reel *r;

	if (argc < 3) {
		(void)run(NULL, 0, argv);
		return EXIT_FAILURE;
	}
	int err = reel_open(argv[1], &options, &r);
	if (err == 0) {
		err = run(r, argc, argv);
		int close_err = reel_close(r);
		if (err == 0)
			err = close_err;
	}
	if (err < 0)
		fprintf(stderr, "notes: %s: %s\n", argv[1], strerror(-err));
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
