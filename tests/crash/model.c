/*
 * model.c - see model.h. Plain arrays, searched from end to end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model.h"

uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void fill_random(uint8_t *buf, size_t len, uint64_t seed)
{
	for (size_t at = 0; at < len; at += 8) {
		uint64_t word = next_random(&seed);

		memcpy(buf + at, &word, len - at < 8 ? len - at : 8);
	}
}

static void *must(void *p)
{
	if (!p) {
		fputs("worker: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return p;
}

struct node *node_new(mode_t mode)
{
	static unsigned ids;
	struct node *n = must(calloc(1, sizeof(*n)));

	n->id = ++ids;
	n->mode = mode;
	if (S_ISREG(mode)) {
		n->version[0].bytes = must(malloc(1));
		n->versions = 1;
	}
	return n;
}

void node_settle(struct node *n)
{
	if (n->nlink > 0 || n->slots > 0)
		return;
	while (n->versions > 0)
		free(n->version[--n->versions].bytes);
	free(n);
}

size_t node_size(const struct node *n)
{
	return n->version[n->versions - 1].size;
}

struct version *node_change(struct node *n, size_t size)
{
	const struct version *old = &n->version[n->versions - 1];
	struct version *v = &n->version[n->versions++];

	v->bytes = must(calloc(1, size + 1));
	v->size = size;
	memcpy(v->bytes, old->bytes, old->size < size ? old->size : size);
	return v;
}

void node_commit_range(struct node *n, size_t offset, size_t size)
{
	const struct version *newest = &n->version[n->versions - 1];
	size_t end = offset + size;

	for (int i = 0; i < n->versions - 1; i++) {
		struct version *v = &n->version[i];

		if (v->size < end) {
			v->bytes = must(realloc(v->bytes, end));
			memset(v->bytes + v->size, 0, end - v->size);
			v->size = end;
		}
		memcpy(v->bytes + offset, newest->bytes + offset, size);
	}
}

void node_commit(struct node *n)
{
	if (n->versions == 0)
		return;
	for (int i = 0; i < n->versions - 1; i++)
		free(n->version[i].bytes);
	n->version[0] = n->version[n->versions - 1];
	n->versions = 1;
}

struct name *model_find(struct model *m, const struct node *dir, const char *name)
{
	for (int i = 0; i < m->names; i++)
		if (m->name[i].child && m->name[i].dir == dir && strcmp(m->name[i].name, name) == 0)
			return &m->name[i];
	return NULL;
}

void model_add(struct model *m, struct node *dir, const char *name, struct node *child)
{
	int i = 0;

	while (i < m->names && m->name[i].child)
		i++;
	if (i == m->names)
		m->names++;
	m->name[i].dir = dir;
	m->name[i].child = child;
	snprintf(m->name[i].name, NAME_SIZE, "%s", name);
	child->nlink++;
}

void model_remove(struct name *n)
{
	struct node *child = n->child;

	n->child = NULL;
	child->nlink--;
	node_settle(child);
}

int model_count(const struct model *m, const struct node *dir)
{
	int n = 0;

	for (int i = 0; i < m->names; i++)
		n += m->name[i].child && m->name[i].dir == dir;
	return n;
}

int model_total(const struct model *m)
{
	int n = 0;

	for (int i = 0; i < m->names; i++)
		n += m->name[i].child != NULL;
	return n;
}

struct name *model_name_of(struct model *m, const struct node *dir)
{
	for (int i = 0; i < m->names; i++)
		if (m->name[i].child == dir)
			return &m->name[i];
	return NULL;
}

bool model_below(struct model *m, const struct node *dir, const struct node *above)
{
	while (dir != above && dir != &m->root)
		dir = model_name_of(m, dir)->dir;
	return dir == above;
}

void model_path(struct model *m, const char *top, const struct node *dir, const char *name, char *buf, size_t size)
{
	const struct name *in = dir == &m->root ? NULL : model_name_of(m, dir);

	if (in)
		model_path(m, top, in->dir, in->name, buf, size);
	else
		snprintf(buf, size, "%s", top);
	if (*name)
		snprintf(buf + strlen(buf), size - strlen(buf), "/%s", name);
}
