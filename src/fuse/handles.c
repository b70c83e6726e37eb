/*
 * handles.c - the list of open files and directories.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <utlist.h>

#include "handles.h"
#include "handover.h"

/* Protects `all` and the links of its handles. Nothing else is locked under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct handle *all;
static atomic_uint writing; /* handles with `writes` set */

struct handle *handle_new(void)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	pthread_mutex_lock(&lock);
	DL_PREPEND(all, h);
	pthread_mutex_unlock(&lock);
	handover_count(1);
	return h;
}

void handle_free(struct handle *h)
{
	pthread_mutex_lock(&lock);
	DL_DELETE(all, h);
	pthread_mutex_unlock(&lock);
	handover_count(-1);
	if (h->writes)
		atomic_fetch_sub_explicit(&writing, 1, memory_order_relaxed);
	free(h);
}

void handle_writes(struct handle *h)
{
	h->writes = true;
	atomic_fetch_add_explicit(&writing, 1, memory_order_relaxed);
}

unsigned handles_writing(void)
{
	return atomic_load(&writing);
}

bool handles_any(void)
{
	bool any;

	pthread_mutex_lock(&lock);
	any = all != NULL;
	pthread_mutex_unlock(&lock);
	return any;
}

int handles_end(struct fs *fs)
{
	int res;

	if (all == NULL)
		return 0;
	/* What ending a file commits by itself has no way to tell of an error. */
	res = fs_is_read_only(fs) ? 0 : fs_sync(fs);
	while (all != NULL) {
		struct handle *h = all;

		if (h->file != NULL)
			fs_file_release(h->file);
		if (h->dir != NULL)
			fs_dir_close(h->dir);
		handle_free(h);
	}
	return res;
}
