/*
 * log_repeats.c - see log_repeats.h. A small table that is searched from end to end: who comes here has met an error.
 */
#include "config.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "log_repeats.h"

#define SHOWN 512 /* of a message that is told again */

struct told {
	uint64_t hash; /* 0: free */
	time_t since;  /* it was told first, or its count last */
	unsigned told; /* how often since then */
	unsigned long again;
	int priority, to;
	char text[SHOWN];
};

/* Protects what follows; taken last. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct told table[REPEATS_KNOWN];
static unsigned long waiting; /* messages counted in the table, and others */
static struct {
	unsigned long count;
	time_t since;
	int to;
} others;

static time_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number in a file's name does not stand alone. */
static size_t number_at(const char *text, size_t at)
{
	size_t n = 0;

	if (at > 0 && text[at - 1] != ' ' && text[at - 1] != '(')
		return 0;
	while (is_digit(text[at + n]))
		n++;
	return text[at + n] == '\0' || strchr(" ,.;:)%", text[at + n]) != NULL ? n : 0;
}

/* FNV-1a of the text without such numbers. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; text[i] != '\0';) {
		size_t n = number_at(text, i);

		hash = (hash ^ (n > 0 ? '#' : (unsigned char)text[i])) * 1099511628211u;
		i += n > 0 ? n : 1;
	}
	return hash != 0 ? hash : 1;
}

static struct told *find(uint64_t hash)
{
	for (size_t i = 0; i < REPEATS_KNOWN; i++)
		if (table[i].hash == hash)
			return &table[i];
	return NULL;
}

/* A free place, or that of what was told long ago and did not come again. */
static struct told *find_place(time_t now)
{
	for (size_t i = 0; i < REPEATS_KNOWN; i++) {
		struct told *t = &table[i];

		if (t->hash == 0 || (t->again == 0 && now - t->since >= REPEATS_EACH_S))
			return t;
	}
	return NULL;
}

static bool count_other(int to, time_t now)
{
	if (others.count++ == 0)
		others.since = now;
	others.to |= to;
	waiting++;
	return false;
}

static bool pass(uint64_t hash, int priority, int to, const char *text, time_t now)
{
	struct told *t = find(hash);

	if (t != NULL && t->again == 0 && now - t->since < REPEATS_EACH_S && t->told < REPEATS_TOLD) {
		t->told++;
		return true;
	}
	if (t != NULL && (t->again > 0 || now - t->since < REPEATS_EACH_S)) {
		t->again++;
		t->to |= to;
		waiting++;
		return false;
	}
	if (t == NULL)
		t = find_place(now);
	if (t == NULL)
		return count_other(to, now);
	*t = (struct told){.hash = hash, .since = now, .told = 1, .priority = priority, .to = to};
	snprintf(t->text, sizeof(t->text), "%s", text);
	return true;
}

bool repeats_pass(int priority, int to, const char *text)
{
	uint64_t hash = hash_of(text);
	bool passes;

	pthread_mutex_lock(&lock);
	passes = pass(hash, priority, to, text, seconds());
	pthread_mutex_unlock(&lock);
	return passes;
}

bool repeats_waiting(void)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = waiting > 0;
	pthread_mutex_unlock(&lock);
	return is;
}

/* Lock held, something is waiting. */
static bool take_one(bool all, time_t now, int *priority, int *to, char text[REPEATS_TEXT])
{
	for (size_t i = 0; i < REPEATS_KNOWN; i++) {
		struct told *t = &table[i];

		if (t->again == 0 || (!all && now - t->since < REPEATS_EACH_S))
			continue;
		snprintf(text, REPEATS_TEXT, "repeated %lu time%s in %lld s: %s", t->again, t->again == 1 ? "" : "s",
			 (long long)(now - t->since), t->text);
		*priority = t->priority;
		*to = t->to;
		waiting -= t->again;
		t->again = 0;
		t->since = now;
		return true;
	}
	if (others.count == 0 || (!all && now - others.since < REPEATS_EACH_S))
		return false;
	snprintf(text, REPEATS_TEXT,
		 "%lu more messages were not told, after %d different ones in a minute; 'reel check' lists "
		 "everything that is damaged",
		 others.count, REPEATS_KNOWN);
	*priority = LOG_WARNING;
	*to = others.to;
	waiting -= others.count;
	others.count = 0;
	others.to = 0;
	return true;
}

bool repeats_take(bool all, int *priority, int *to, char text[REPEATS_TEXT])
{
	bool any;

	pthread_mutex_lock(&lock);
	any = waiting > 0 && take_one(all, seconds(), priority, to, text);
	pthread_mutex_unlock(&lock);
	return any;
}
