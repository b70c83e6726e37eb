/*
 * map.c - makes, shares and ends the mapping of a container (map.h). Relies on a disk whose files
 * may be mapped past their end. Never moves or resizes a mapping.
 */
#include "config.h"

#include "map.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "disk.h"
#include "format.h"

/* Small enough that many containers fit into 47 bits, large enough that none outgrows it. */
#define WINDOW_WANTED ((uint64_t)8 << 40)
/* Less room than this to grow is taken for a failure. */
#define WINDOW_LEAST ((uint64_t)64 << 20)

int mapping_new(const struct disk_ops *disk, int fd, uint64_t size, struct reel_mapping **ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), window = WINDOW_WANTED;
	void *base;
	int err;

	if (size > INT64_MAX / 4)
		return -EFBIG;
	struct reel_mapping *m = calloc(1, sizeof(*m));
	if (m == NULL)
		return -ENOMEM;
	while (window < 2 * size)
		window *= 2;
	/* Limits of the address space or of the file system's largest file make the window smaller. */
	while ((err = disk->mmap(disk, window, fd, &base)) < 0 && window / 2 >= size + WINDOW_LEAST)
		window /= 2;
	if (err < 0 && size > 0) {
		window = round_up(size, page);
		err = disk->mmap(disk, window, fd, &base);
	}
	if (err < 0) {
		free(m);
		return err;
	}
	m->disk = disk;
	m->base = base;
	m->window = window;
	m->crc_mask = GENERATION_NEWEST->crc_mask;
	atomic_init(&m->references, 1);
	guard_add(m->base, m->window);
	*ret = m;
	return 0;
}

void mapping_ref(struct reel_mapping *m)
{
	atomic_fetch_add_explicit(&m->references, 1, memory_order_relaxed);
}

void mapping_unref(struct reel_mapping *m)
{
	if (atomic_fetch_sub_explicit(&m->references, 1, memory_order_acq_rel) != 1)
		return;
	guard_remove(m->base);
	(void)m->disk->munmap(m->disk, m->base, m->window);
	free(m);
}
