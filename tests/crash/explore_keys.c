/*
 * explore_keys.c - what a power cut may leave of the entries of other programs (explore.h). They do not say how much of them
 * was synced. So what follows may have gaps: an entry written after the last sync can be missing, or be there with a
 * checksum that fails, while a later one is good. What was synced is there, and nothing is there as good that was never
 * written.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"

/* Whether `text` has this line, or one that begins so. */
static bool has_line(const char *text, const char *line, size_t len)
{
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
		if (strncmp(at, line, len) == 0 && (at[len] == '\n' || at[len] == ' '))
			return true;
	return false;
}

static bool in_any(const struct life *l, const char *line, size_t len, int least, int most)
{
	for (int i = least < 0 ? 0 : least; i <= most && i < l->n; i++)
		if (has_line(l->state[i].picture, line, len))
			return true;
	return false;
}

static bool in_all(const struct life *l, const char *line, size_t len, int least, int most)
{
	for (int i = least; i <= most && i < l->n; i++)
		if (!has_line(l->state[i].picture, line, len))
			return false;
	return true;
}

/* Pictures say it at the end of a line. */
static bool is_bad(const char *line, size_t len)
{
	return memmem(line, len, " damaged", strlen(" damaged")) || memmem(line, len, " error -", strlen(" error -"));
}

bool gaps_allowed(const struct life *l, const char *is, int least, int most)
{
	for (const char *at = is; *at; at += strcspn(at, "\n") + 1) {
		size_t len = strcspn(at, "\n");
		if (!is_bad(at, len) && !in_any(l, at, len, least, most))
			return false;
	}
	if (least < 0)
		return true;
	for (const char *at = l->state[least].picture; *at; at += strcspn(at, "\n") + 1) {
		size_t len = strcspn(at, "\n");
		if (in_all(l, at, len, least, most) && !has_line(is, at, len))
			return false;
	}
	return true;
}
