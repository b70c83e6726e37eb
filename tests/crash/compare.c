/*
 * compare.c - a directory against the model: every name, type, mode, link count, target, attribute and byte. Contents
 * that were not committed may be any that they have been: the kernel writes pages out in any order.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "model.h"

enum { PAGE = 4096 };

/* At most `room` bytes of a file. Negative: errno. */
static ssize_t read_file(const char *path, uint8_t *buf, size_t room)
{
	ssize_t n = 1, at = 0;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -errno;
	while (n > 0 && (size_t)at < room) {
		n = read(fd, buf + at, room - (size_t)at);
		at += n > 0 ? n : 0;
	}
	n = n < 0 ? -errno : at;
	close(fd);
	return n;
}

static bool is_some_byte(const struct node *n, size_t at, uint8_t byte)
{
	for (int i = 0; i < n->versions; i++)
		if (byte == (at < n->version[i].size ? n->version[i].bytes[at] : 0))
			return true;
	return false;
}

/* Of what was appended and not committed some pages may be there without those after them: an open file is stored in parts. */
static bool is_some_size(const struct node *n, size_t size)
{
	size_t most = 0;

	for (int i = 0; i < n->versions; i++) {
		if (size == n->version[i].size)
			return true;
		most = n->version[i].size > most ? n->version[i].size : most;
	}
	return size > n->version[0].size && size < most && size % PAGE == 0;
}

static int compare_contents(const struct node *n, const char *path, char *why, size_t room)
{
	size_t longest = 0;
	uint8_t *got;
	ssize_t len;
	int r = -1;

	for (int i = 0; i < n->versions; i++)
		if (n->version[i].size > longest)
			longest = n->version[i].size;
	got = malloc(longest + 2);
	len = got ? read_file(path, got, longest + 1) : -ENOMEM;
	if (len < 0 || !is_some_size(n, (size_t)len)) {
		snprintf(why, room, "%s (inode %u of the log): has %zd bytes; committed are %zu, and %d versions came since",
			 path, n->id, len, n->version[0].size, n->versions - 1);
		goto out;
	}
	for (ssize_t at = 0; at < len; at++) {
		if (is_some_byte(n, (size_t)at, got[at]))
			continue;
		snprintf(why, room,
			 "%s (inode %u of the log): byte %zd of %zd was never so; %d versions came since the committed one",
			 path, n->id, at, len, n->versions - 1);
		goto out;
	}
	r = 0;
out:
	free(got);
	return r;
}

static int compare_xattrs(const struct node *n, const char *path, char *why, size_t room)
{
	for (int i = 0; i < XATTRS; i++) {
		char name[16];
		uint8_t value[XATTR_MAX + 1];
		ssize_t len;

		snprintf(name, sizeof(name), "user.%c", 'a' + i);
		len = lgetxattr(path, name, value, sizeof(value));
		if (n->xattr[i].set ? len == (ssize_t)n->xattr[i].len && memcmp(value, n->xattr[i].value, (size_t)len) == 0
				    : len < 0 && errno == ENODATA)
			continue;
		snprintf(why, room, "%s: attribute %s has %zd bytes, expected %zd", path, name, len,
			 n->xattr[i].set ? (ssize_t)n->xattr[i].len : -1);
		return -1;
	}
	return 0;
}

static int compare_node(const struct node *n, const char *path, char *why, size_t room)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t len;

	if (lstat(path, &st) < 0) {
		snprintf(why, room, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (st.st_mode != n->mode || (!S_ISDIR(n->mode) && st.st_nlink != n->nlink)) {
		snprintf(why, room, "%s: has mode %o and %lu links, expected %o and %u", path, st.st_mode,
			 (unsigned long)st.st_nlink, n->mode, n->nlink);
		return -1;
	}
	if (S_ISLNK(n->mode)) {
		len = readlink(path, target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = 0;
		if (strcmp(target, n->target) == 0)
			return 0;
		snprintf(why, room, "%s: leads to '%s', expected '%s'", path, target, n->target);
		return -1;
	}
	if (compare_xattrs(n, path, why, room) < 0)
		return -1;
	return S_ISREG(n->mode) ? compare_contents(n, path, why, room) : 0;
}

/* Names that are there and not in the model. */
static int compare_names(struct model *m, const struct node *dir, const char *path, char *why, size_t room)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0, expected = model_count(m, dir);

	if (!d) {
		snprintf(why, room, "%s: %s", path, strerror(errno));
		return -1;
	}
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		if (!model_find(m, dir, e->d_name)) {
			snprintf(why, room, "%s/%s: should not be there", path, e->d_name);
			break;
		}
	}
	closedir(d);
	if (!e && n == expected)
		return 0;
	if (!e)
		snprintf(why, room, "%s: lists %d names, expected %d", path, n, expected);
	return -1;
}

int model_compare(struct model *m, const char *top, char *why, size_t size)
{
	char path[PATH_MAX];

	if (compare_names(m, &m->root, top, why, size) < 0)
		return -1;
	for (int i = 0; i < m->names; i++) {
		const struct name *n = &m->name[i];

		if (!n->child)
			continue;
		model_path(m, top, n->dir, n->name, path, sizeof(path));
		if (compare_node(n->child, path, why, size) < 0)
			return -1;
		if (S_ISDIR(n->child->mode) && compare_names(m, n->child, path, why, size) < 0)
			return -1;
	}
	return 0;
}

void model_adopt(struct model *m, const char *top)
{
	char path[PATH_MAX];
	struct stat st;

	for (int i = 0; i < m->names; i++) {
		struct node *n = m->name[i].child;
		struct version *v;

		if (!n || n->versions <= 1)
			continue;
		model_path(m, top, m->name[i].dir, m->name[i].name, path, sizeof(path));
		node_commit(n);
		if (stat(path, &st) < 0)
			continue;
		v = node_change(n, (size_t)st.st_size);
		if (read_file(path, v->bytes, v->size) != (ssize_t)v->size)
			fprintf(stderr, "worker: %s: cannot be read again\n", path);
		node_commit(n);
	}
}
