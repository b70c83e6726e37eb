/*
 * prealloc.c - see prealloc.h. They are holes that st_blocks counts for as long as the mount lasts: a container has no place to
 * note them in, and no room is kept for them. Never fails: what there is no memory for is not counted.
 */
#include "config.h"

#include <stdlib.h>

#include "open.h"
#include "prealloc.h"

#define BLOCK 4096u

void prealloc_add(struct open_state *o, uint64_t start, uint64_t end)
{
	uint64_t size = open_size(o), data, data_end;
	struct inode *i = o->inode;

	start -= start % BLOCK;
	end += (BLOCK - end % BLOCK) % BLOCK;
	end = end < size ? end : size;
	pthread_mutex_lock(&o->attr);
	if (!i->prealloc)
		i->prealloc = calloc(1, sizeof(*i->prealloc));
	while (i->prealloc && start < end) {
		if (!open_next_data(o, start, &data, &data_end) || data > end)
			data = data_end = end;
		(void)ranges_add(i->prealloc, start, data);
		start = data_end;
	}
	pthread_mutex_unlock(&o->attr);
}

void prealloc_remove(struct open_state *o, uint64_t start, uint64_t end)
{
	if (!o->inode->prealloc)
		return;
	pthread_mutex_lock(&o->attr);
	(void)ranges_remove(o->inode->prealloc, start, end);
	pthread_mutex_unlock(&o->attr);
}

uint64_t prealloc_bytes(const struct inode *i)
{
	return i->prealloc ? ranges_bytes(i->prealloc) : 0;
}
