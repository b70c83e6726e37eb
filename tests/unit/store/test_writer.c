/*
 * test_writer.c - the asynchronous writer: what is submitted is committed, in order, and everyone is told how it went.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "faulty.h"
#include "runner.h"

static int submit(struct reel_writer *w, const char *key, const char *value, reel_done_fn done, void *arg,
		  struct reel_ticket **ticket)
{
	struct reel_key_item item = {{key, strlen(key)}, value, value == NULL ? 0 : strlen(value)};

	return reel_submit(w, &item, 1, 0, done, arg, ticket);
}

/* A ticket is good when the value can be read; values are copied when they are submitted. */
START_TEST(ticket_is_good_when_the_value_is_there)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_writer *w;
	struct reel_ticket *t;
	char value[] = "value";

	ck_assert_int_eq(reel_writer_start(r, 0, &w), 0);
	ck_assert_int_eq(submit(w, "a", value, NULL, NULL, &t), 0);
	memset(value, 'x', 5);
	ck_assert_int_eq(reel_ticket_wait(t), 0);
	ck_assert(reads(r, "a", "value"));
	ck_assert_int_eq(submit(w, "a", NULL, NULL, NULL, &t), 0);
	ck_assert_int_eq(reel_ticket_wait(t), 0);
	ck_assert(reads(r, "a", NULL));
	reel_writer_end(w);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

enum { SUBMITTERS = 4, ROUNDS = 2000 };

struct submitter {
	struct reel_writer *w;
	uint64_t id, expected;
	bool in_order;
};

struct round {
	struct submitter *by;
	uint64_t number;
};

static void check_next(void *arg, int result)
{
	struct round *round = arg;

	if (result < 0 || round->number != round->by->expected)
		round->by->in_order = false;
	round->by->expected++;
}

static void *submit_rounds(void *arg)
{
	static struct round rounds[SUBMITTERS][ROUNDS];
	struct submitter *s = arg;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		struct reel_batch_item items[] = {{s->id, &i, sizeof(i)}, {s->id + 100, &i, sizeof(i)}};
		uint64_t value = i + 1;
		items[0].value = items[1].value = &value;
		rounds[s->id][i] = (struct round){s, i};
		if (reel_submit_hashes(s->w, items, 2, i % 500 == 0 ? REEL_SUBMIT_SYNC : 0, check_next, &rounds[s->id][i],
				       NULL) < 0)
			return "a submission was refused";
	}
	return NULL;
}

/* Submissions of one thread are committed in their order, through a queue that is shorter than they are together. */
START_TEST(each_submitter_s_order_is_kept)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct submitter s[SUBMITTERS];
	pthread_t thread[SUBMITTERS];
	struct reel_writer *w;
	struct reel_entry e;
	uint64_t last = ROUNDS;
	void *result;

	ck_assert_int_eq(reel_writer_start(r, 4096, &w), 0);
	for (uint64_t i = 0; i < SUBMITTERS; i++) {
		s[i] = (struct submitter){.w = w, .id = i, .in_order = true};
		ck_assert_int_eq(pthread_create(&thread[i], NULL, submit_rounds, &s[i]), 0);
	}
	for (int i = 0; i < SUBMITTERS; i++) {
		pthread_join(thread[i], &result);
		ck_assert_msg(result == NULL, "%s", (const char *)result);
	}
	ck_assert_int_eq(reel_writer_flush(w, true), 0);
	for (uint64_t i = 0; i < SUBMITTERS; i++) {
		ck_assert(s[i].in_order && s[i].expected == ROUNDS);
		ck_assert_int_eq(reel_read_hash(r, i + 100, &e), 0);
		ck_assert_int_eq(memcmp(e.payload, &last, sizeof(last)), 0);
		reel_entry_release(&e);
	}
	ck_assert_uint_eq(count_entries(r, false), 2 * SUBMITTERS * ROUNDS);
	reel_writer_end(w);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

static void add_result(void *arg, int result)
{
	if (result == 0)
		atomic_fetch_add((atomic_int *)arg, 1);
}

/* What is queued when the writer ends is committed, tickets outlive it, and their memory is given back. */
START_TEST(end_commits_what_is_queued)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_ticket *last;
	struct reel_writer *w;
	atomic_int good = 0;

	ck_assert_int_eq(reel_writer_start(r, 0, &w), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		struct reel_batch_item item = {i, "value", 5};
		ck_assert_int_eq(reel_submit_hashes(w, &item, 1, 0, add_result, &good, NULL), 0);
	}
	ck_assert_int_eq(submit(w, "last", "value", NULL, NULL, &last), 0);
	reel_writer_end(w);
	reel_writer_end(NULL);
	ck_assert_int_eq(good, 1000);
	ck_assert_int_eq(reel_ticket_wait(last), 0);
	ck_assert_int_eq(reel_len(r), 1001);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A value that cannot be stored is refused at once, and an empty submission too; a reader has no writer. */
START_TEST(bad_submissions_are_refused)
{
	struct reel *r = must_open("c", REEL_CREATE), *reader = must_open("c", REEL_RDONLY);
	struct reel_writer *w;

	ck_assert_int_eq(reel_writer_start(reader, 0, &w), -EROFS);
	ck_assert_int_eq(reel_writer_start(r, 0, &w), 0);
	ck_assert_int_eq(submit(w, "k", "", NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(reel_submit(w, NULL, 0, 0, NULL, NULL, NULL), -EINVAL);
	reel_writer_end(w);
	ck_assert_uint_eq(file_size("c"), 0);
	ck_assert_int_eq(reel_close(reader) | reel_close(r), 0);
}
END_TEST

/* Two keys with one hash: the first 8 bytes are those of XXH3's secret. */
static const char key_a[] = "\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe"
			    "AAAAAAAAsame sixteen end";
static const char key_b[] = "\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe"
			    "BBBBBBBBsame sixteen end";

/* The error of one submission is its own: those queued with it are committed. */
START_TEST(errors_go_to_their_submitters)
{
	struct reel *r = must_open("c", REEL_CREATE | REEL_CHECK_KEYS);
	struct reel_ticket *good[20], *bad[20];
	struct reel_writer *w;

	ck_assert_int_eq(reel_writer_start(r, 0, &w), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(submit(w, key_a, "value", NULL, NULL, &good[i]), 0);
		ck_assert_int_eq(submit(w, key_b, "other", NULL, NULL, &bad[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(reel_ticket_wait(good[i]), 0);
		ck_assert_int_eq(reel_ticket_wait(bad[i]), -ENOTUNIQ);
	}
	ck_assert(reads(r, key_a, "value"));
	ck_assert_uint_eq(count_entries(r, false), 20);
	reel_writer_end(w);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* When the disk is full that is what the submitter is told. */
START_TEST(full_disk_is_told)
{
	struct faulty f;
	struct reel_ticket *t;
	struct reel_writer *w;

	faulty_init(&f);
	struct reel *r = faulty_open(&f, "c", REEL_CREATE);
	f.room = 3;
	f.write_error = -ENOSPC;
	ck_assert_int_eq(reel_writer_start(r, 0, &w), 0);
	ck_assert_int_eq(submit(w, "k", "value", NULL, NULL, &t), 0);
	ck_assert_int_eq(reel_ticket_wait(t), -ENOSPC);
	reel_writer_end(w);
	ck_assert_uint_eq(file_size("c"), 0);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

static void submit_again(void *arg, int result)
{
	struct reel_batch_item item = {77, "from a callback", 15};

	if (result == 0)
		(void)reel_submit_hashes(arg, &item, 1, 0, NULL, NULL, NULL);
}

/* A callback may submit, also when the queue is full. */
START_TEST(callback_may_submit)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_writer *w;

	ck_assert_int_eq(reel_writer_start(r, 1, &w), 0);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(submit(w, "k", "value", submit_again, w, NULL), 0);
	ck_assert_int_eq(reel_writer_flush(w, false), 0);
	ck_assert_int_eq(reel_writer_flush(w, false), 0);
	ck_assert_int_eq(reel_exists_hash(r, 77), 1);
	reel_writer_end(w);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    ticket_is_good_when_the_value_is_there,
	    each_submitter_s_order_is_kept,
	    end_commits_what_is_queued,
	    bad_submissions_are_refused,
	    errors_go_to_their_submitters,
	    full_disk_is_told,
	    callback_may_submit,
	};
	return run_tests("writer", tests, sizeof(tests) / sizeof(tests[0]));
}
