/*
 * readings.h - what a reading of a directory may tell, as a model (docs/DESIGN.md, N1): random changes of one directory
 * while several readings of it are under way. Who includes it says how the directory is changed and read (struct
 * readings_ops), and what is told is held against the rule:
 *  - no name comes twice;
 *  - a name comes only if it was there when the reading began, or if its file was, under another name of this directory;
 *  - a name that was there all the time has come when the reading ends, and so has a file that was, whatever it was called,
 *    unless it was given a name that was another's while somebody had the directory open.
 */
#ifndef READINGS_H
#define READINGS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READINGS_NAMES = 40, READINGS_OPEN = 4, READINGS_NAME = 16 };

struct readings_ops {
	void (*make)(const char *name);
	void (*remove)(const char *name);
	void (*rename)(const char *from, const char *to);
	void (*exchange)(const char *a, const char *b);
	void (*open)(int reading);
	/* The next name but "." and ".."; false: there is none. */
	bool (*next)(int reading, char name[READINGS_NAME]);
	void (*rewind)(int reading);
	void (*close)(int reading);
};

/* Of one reading: what was there when it began, a track for each name, which is numbered like it. */
struct reading_model {
	bool open, begun;            /* begun: a name was asked for since it was opened or set back */
	bool there[READINGS_NAMES];  /* the track exists */
	bool must[READINGS_NAMES];   /* it has to come */
	bool seen[READINGS_NAMES];   /* it has come */
	int called[READINGS_NAMES];  /* the name it has now, while `must` */
	int track[READINGS_NAMES];   /* of a name: the track that has it, or had it last; -1: none */
	bool listed[READINGS_NAMES]; /* the name has come */
};

struct readings_model {
	const struct readings_ops *ops;
	bool exists[READINGS_NAMES];
	bool left[READINGS_NAMES]; /* while somebody had the directory open */
	struct reading_model reading[READINGS_OPEN];
	unsigned long random;
	char log[64][64]; /* the last steps */
	unsigned step;
};

static inline unsigned readings_draw(struct readings_model *m, unsigned below)
{
	m->random = m->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(m->random >> 33) % below;
}

static inline void readings_note(struct readings_model *m, const char *what, int a, int b)
{
	snprintf(m->log[m->step++ % 64], sizeof(m->log[0]), "%s %d %d", what, a, b);
}

static inline void readings_wrong(const struct readings_model *m, int r, int name, const char *why)
{
	for (unsigned i = m->step > 64 ? m->step - 64 : 0; i < m->step; i++)
		fprintf(stderr, "%s\n", m->log[i % 64]);
	fprintf(stderr, "reading %d: name %d %s\n", r, name, why);
	exit(1);
}

static inline const char *readings_name(int n, char name[READINGS_NAME])
{
	snprintf(name, READINGS_NAME, "n%02d", n);
	return name;
}

static inline void readings_begin(struct readings_model *m, int r)
{
	struct reading_model *x = &m->reading[r];

	*x = (struct reading_model){.open = true, .begun = true};
	for (int i = 0; i < READINGS_NAMES; i++) {
		x->there[i] = x->must[i] = m->exists[i];
		x->called[i] = i;
		x->track[i] = m->exists[i] ? i : -1;
	}
}

/* The name is no longer in the directory: with its file, or the file has the name `to` there. */
static inline void readings_leaves(struct readings_model *m, int name, int to)
{
	bool fresh = to >= 0 && !m->exists[to] && !m->left[to];

	for (int r = 0; r < READINGS_OPEN; r++) {
		struct reading_model *x = &m->reading[r];
		int t = x->open && x->begun ? x->track[name] : -1;

		if (t < 0 || !x->must[t] || x->called[t] != name)
			continue;
		x->must[t] = fresh;
		if (fresh) {
			x->called[t] = to;
			x->track[to] = t;
		}
	}
	m->exists[name] = false;
	for (int r = 0; r < READINGS_OPEN; r++)
		m->left[name] |= m->reading[r].open;
}

static inline int readings_pick(struct readings_model *m, bool exists)
{
	int from = (int)readings_draw(m, READINGS_NAMES);

	for (int i = 0; i < READINGS_NAMES; i++)
		if (m->exists[(from + i) % READINGS_NAMES] == exists)
			return (from + i) % READINGS_NAMES;
	return -1;
}

static inline void readings_change(struct readings_model *m)
{
	int have = readings_pick(m, true), free_one = readings_pick(m, false), other = readings_pick(m, true);
	unsigned what = readings_draw(m, 10);
	char a[READINGS_NAME], b[READINGS_NAME];

	if (what < 3 && free_one >= 0) {
		readings_note(m, "make", free_one, 0);
		m->ops->make(readings_name(free_one, a));
		m->exists[free_one] = true;
	} else if (what < 5 && have >= 0) {
		readings_note(m, "remove", have, 0);
		m->ops->remove(readings_name(have, a));
		readings_leaves(m, have, -1);
	} else if (what < 8 && have >= 0 && free_one >= 0) {
		readings_note(m, "rename", have, free_one);
		m->ops->rename(readings_name(have, a), readings_name(free_one, b));
		readings_leaves(m, have, free_one);
		m->exists[free_one] = true;
	} else if (what == 8 && have >= 0 && other >= 0 && other != have) {
		readings_note(m, "rename over", have, other);
		m->ops->rename(readings_name(have, a), readings_name(other, b));
		readings_leaves(m, have, -1);
	} else if (have >= 0 && other >= 0 && other != have) {
		readings_note(m, "exchange", have, other);
		m->ops->exchange(readings_name(have, a), readings_name(other, b));
	}
}

static inline void readings_end(struct readings_model *m, int r)
{
	const struct reading_model *x = &m->reading[r];

	for (int t = 0; t < READINGS_NAMES; t++)
		if (x->there[t] && x->must[t] && !x->seen[t])
			readings_wrong(m, r, x->called[t], "was there all the time and has not come");
}

static inline void readings_take(struct readings_model *m, int r, const char *name)
{
	struct reading_model *x = &m->reading[r];
	int n = atoi(name + 1), t = x->track[n];

	readings_note(m, "comes in, name", r, n);
	if (x->listed[n])
		readings_wrong(m, r, n, "comes a second time");
	x->listed[n] = true;
	if (t < 0 || !x->there[t])
		readings_wrong(m, r, n, "comes, and was not there when the reading began");
	if (x->seen[t] && x->must[t])
		readings_wrong(m, r, n, "comes, and its file has come under another name");
	x->seen[t] = true;
}

static inline void readings_read(struct readings_model *m, int r)
{
	unsigned most = readings_draw(m, 3) == 0 ? 1000 : 1 + readings_draw(m, 6);
	char name[READINGS_NAME];

	if (!m->reading[r].begun)
		readings_begin(m, r);
	for (; most > 0; most--) {
		if (!m->ops->next(r, name)) {
			readings_note(m, "ends", r, 0);
			readings_end(m, r);
			return;
		}
		readings_take(m, r, name);
	}
}

static inline void readings_look(struct readings_model *m)
{
	int r = (int)readings_draw(m, READINGS_OPEN);
	unsigned what = readings_draw(m, 12);
	bool any = false;

	if (!m->reading[r].open) {
		readings_note(m, "open", r, 0);
		m->ops->open(r);
		m->reading[r] = (struct reading_model){.open = true};
	} else if (what == 0) {
		readings_note(m, "close", r, 0);
		m->ops->close(r);
		m->reading[r].open = false;
	} else if (what < 3) {
		readings_note(m, "rewind", r, 0);
		m->ops->rewind(r);
		m->reading[r].begun = false;
	} else {
		readings_read(m, r);
	}
	for (int i = 0; i < READINGS_OPEN; i++)
		any |= m->reading[i].open;
	if (!any)
		memset(m->left, 0, sizeof(m->left));
}

/* Ends the process with 1, after the last steps, when the rule is broken. */
static inline void readings_run(const struct readings_ops *ops, unsigned long seed, int steps)
{
	struct readings_model m = {.ops = ops, .random = seed};
	char name[READINGS_NAME];

	for (int i = 0; i < READINGS_NAMES; i += 2) {
		ops->make(readings_name(i, name));
		m.exists[i] = true;
	}
	for (int i = 0; i < steps; i++) {
		if (readings_draw(&m, 2) == 0)
			readings_change(&m);
		else
			readings_look(&m);
	}
	for (int r = 0; r < READINGS_OPEN; r++)
		if (m.reading[r].open)
			ops->close(r);
	for (int i = 0; i < READINGS_NAMES; i++)
		if (m.exists[i])
			ops->remove(readings_name(i, name));
}

#endif
