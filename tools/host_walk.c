/*
 * host_walk.c - see host_walk.h. The directories on the way down are kept on the heap, the deepest of them open; a
 * descriptor that was closed is had again through ".." of the directory below it, if that is still where it was.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* uthash: no memory leaves the element out of the table, with a NULL table pointer, and goes on. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "host_walk.h"

enum { OPEN_MOST = 32 };

#define OPEN_FLAGS (O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* A directory on the way. */
struct level {
	UT_hash_handle hh; /* by id, for loops */
	struct {
		uint64_t dev, ino;
	} id;
	struct stat st;
	int fd; /* or -1 */
	bool read;
	char **name;
	size_t n, next;
	size_t path_len; /* of its path, in host_walk.path */
	size_t name_at;  /* where its name begins in it */
	long value;
};

struct host_walk {
	struct level **level; /* from the folder down */
	size_t n, room;
	struct level *ids;
	char *path; /* of what the walk is at; behind the folder's own a slash */
	size_t path_room, folder_len;
	bool begun, skip;
};

static void free_level(struct host_walk *w, struct level *l)
{
	if (l->hh.tbl != NULL)
		HASH_DEL(w->ids, l);
	for (size_t i = 0; i < l->n; i++)
		free(l->name[i]);
	free(l->name);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

/* --- the path --------------------------------------------------------------------------------------------------- */

/* Puts a name behind the first `len` bytes of the path; *at: where it begins. */
static int path_add(struct host_walk *w, size_t len, const char *name, size_t *at)
{
	size_t need = len + 1 + strlen(name) + 1;

	if (need > w->path_room) {
		char *grown = realloc(w->path, need * 2);

		if (grown == NULL)
			return -ENOMEM;
		w->path = grown;
		w->path_room = need * 2;
	}
	if (len > 0 && w->path[len - 1] != '/')
		w->path[len++] = '/';
	strcpy(w->path + len, name);
	*at = len;
	return 0;
}

static void at_level(struct host_walk *w, size_t i, struct host_name *ret)
{
	struct level *l = w->level[i];

	w->path[l->path_len] = '\0';
	*ret = (struct host_name){
	    .shown = w->path,
	    .path = w->path + w->folder_len + strspn(w->path + w->folder_len, "/"),
	    .dir = i > 0 ? w->level[i - 1]->fd : l->fd,
	    .name = i > 0 ? w->path + l->name_at : ".",
	    .st = l->st,
	    .value = &l->value,
	    .parent = i > 0 ? &w->level[i - 1]->value : NULL,
	};
}

/* --- levels ----------------------------------------------------------------------------------------------------- */

static int push(struct host_walk *w, const struct stat *st, int fd, size_t name_at)
{
	struct level *l = calloc(1, sizeof(*l));

	if (w->n == w->room) {
		size_t room = w->room > 0 ? w->room * 2 : 16;
		struct level **grown = reallocarray(w->level, room, sizeof(*grown));

		if (grown == NULL || l == NULL) {
			free(l);
			return -ENOMEM;
		}
		w->level = grown;
		w->room = room;
	}
	if (l == NULL)
		return -ENOMEM;
	l->id.dev = st->st_dev;
	l->id.ino = st->st_ino;
	l->st = *st;
	l->fd = fd;
	l->path_len = strlen(w->path);
	l->name_at = name_at;
	HASH_ADD(hh, w->ids, id, sizeof(l->id), l);
	if (l->hh.tbl == NULL) {
		free(l);
		return -ENOMEM;
	}
	w->level[w->n++] = l;
	return 0;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int take_names(struct level *l, DIR *dir)
{
	size_t room = 0;
	struct dirent *e;

	while ((errno = 0, e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (l->n == room) {
			char **grown = reallocarray(l->name, room = room > 0 ? room * 2 : 16, sizeof(*grown));

			if (grown == NULL)
				return -ENOMEM;
			l->name = grown;
		}
		l->name[l->n] = strdup(e->d_name);
		if (l->name[l->n] == NULL)
			return -ENOMEM;
		l->n++;
	}
	return -errno;
}

/* Opens and reads the deepest directory. */
static int read_level(struct host_walk *w)
{
	struct level *l = w->level[w->n - 1];
	DIR *dir = NULL;
	int copy, r;

	l->read = true;
	if (l->fd < 0)
		l->fd = openat(w->level[w->n - 2]->fd, w->path + l->name_at, OPEN_FLAGS | O_NOFOLLOW);
	if (l->fd < 0)
		return -errno;
	copy = fcntl(l->fd, F_DUPFD_CLOEXEC, 3);
	if (copy >= 0)
		dir = fdopendir(copy);
	if (dir == NULL) {
		r = -errno;
		if (copy >= 0)
			close(copy);
		return r;
	}
	r = take_names(l, dir);
	closedir(dir);
	if (l->n > 1)
		qsort(l->name, l->n, sizeof(*l->name), by_bytes);
	/* The folder stays open: there is no way up to it that could not lead past it. */
	if (w->n > OPEN_MOST + 1) {
		struct level *far = w->level[w->n - 1 - OPEN_MOST];

		if (far->fd >= 0)
			close(far->fd);
		far->fd = -1;
	}
	return r;
}

/* The directory above the deepest one is open again. */
static int open_above(struct host_walk *w)
{
	struct level *l = w->level[w->n - 1], *above = w->level[w->n - 2];
	struct stat st;

	if (above->fd >= 0)
		return 0;
	above->fd = l->fd >= 0 ? openat(l->fd, "..", OPEN_FLAGS) : -1;
	if (above->fd < 0)
		return l->fd >= 0 ? -errno : -ENOENT;
	if (fstat(above->fd, &st) < 0)
		return -errno;
	return st.st_dev == above->st.st_dev && st.st_ino == above->st.st_ino ? 0 : -ESTALE;
}

/* --- steps ------------------------------------------------------------------------------------------------------ */

int host_walk_begin(const char *folder, struct host_walk **ret)
{
	struct host_walk *w = calloc(1, sizeof(*w));
	struct stat st;
	size_t at;
	int fd, r;

	if (w == NULL)
		return -ENOMEM;
	w->folder_len = strlen(folder);
	r = path_add(w, 0, folder, &at);
	fd = r == 0 ? open(folder, OPEN_FLAGS) : -1;
	if (r == 0 && (fd < 0 || fstat(fd, &st) < 0))
		r = -errno;
	if (r == 0)
		r = push(w, &st, fd, at);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		host_walk_end(w);
		return r;
	}
	*ret = w;
	return 0;
}

/* What has the next name in the deepest directory. */
static int step_to(struct host_walk *w, struct level *l, struct host_name *ret)
{
	struct level *same;
	size_t at;
	int r = path_add(w, l->path_len, l->name[l->next++], &at);

	if (r < 0)
		return r;
	*ret = (struct host_name){.shown = w->path, .dir = l->fd, .name = w->path + at, .parent = &l->value};
	ret->path = w->path + w->folder_len + strspn(w->path + w->folder_len, "/");
	if (fstatat(l->fd, ret->name, &ret->st, AT_SYMLINK_NOFOLLOW) < 0) {
		ret->error = -errno;
		return HOST_ERROR;
	}
	if (!S_ISDIR(ret->st.st_mode))
		return HOST_OTHER;
	struct {
		uint64_t dev, ino;
	} id = {ret->st.st_dev, ret->st.st_ino};
	HASH_FIND(hh, w->ids, &id, sizeof(id), same);
	if (same != NULL)
		return HOST_LOOP;
	r = push(w, &ret->st, -1, at);
	if (r < 0)
		return r;
	at_level(w, w->n - 1, ret);
	return HOST_ENTER;
}

/* The level that was left last is told of until the next step, so it goes then. */
static void pop_left(struct host_walk *w)
{
	struct level *l = w->n > 0 ? w->level[w->n - 1] : NULL;

	if (l != NULL && l->read && l->next > l->n) {
		free_level(w, l);
		w->n--;
	}
}

int host_walk_next(struct host_walk *w, struct host_name *ret)
{
	struct level *l;
	int r;

	pop_left(w);
	if (w->n == 0)
		return HOST_END;
	l = w->level[w->n - 1];
	if (!w->begun) {
		w->begun = true;
		at_level(w, 0, ret);
		return HOST_ENTER;
	}
	if (!l->read && !w->skip) {
		r = read_level(w);
		if (r < 0) {
			at_level(w, w->n - 1, ret);
			ret->error = r;
			return r == -ENOMEM ? r : HOST_ERROR;
		}
	}
	l->read = true;
	w->skip = false;
	if (l->next < l->n)
		return step_to(w, l, ret);
	l->next = l->n + 1;
	r = w->n > 1 ? open_above(w) : 0;
	if (r < 0)
		return r;
	at_level(w, w->n - 1, ret);
	return HOST_LEAVE;
}

void host_walk_skip(struct host_walk *w)
{
	w->skip = true;
}

void host_walk_end(struct host_walk *w)
{
	while (w->n > 0)
		free_level(w, w->level[--w->n]);
	free(w->level);
	free(w->path);
	free(w);
}
