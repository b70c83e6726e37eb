/*
 * map.h - the one mapping of a container: a window of addresses far larger than the file, made
 * once. The file grows into it, so that nothing ever moves: a pointer into it is good as long as
 * someone holds a reference.
 *
 * Faults. Touching a page that lies past the end of the file, or that the disk cannot deliver,
 * raises SIGBUS. With reel_guard_faults() (engine.h) installed, such a page of a registered window
 * is replaced by a page of zeros for the rest of the process: the checksums over it fail, and that
 * is how damage shows. Nothing may look at bytes past the committed tail but the code that looks
 * for the tail, within the file's size.
 */
#ifndef REEL_MAP_H
#define REEL_MAP_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct disk_ops;

struct reel_mapping {
	atomic_uint references;
	const struct disk_ops *disk;
	uint8_t *base;
	size_t window;     /* addresses taken; the file can grow to this */
	uint32_t crc_mask; /* the stored bits of checksums; set before entries are handed out */
};

/* Maps `fd`, which has `size` bytes now. The caller has the one reference. */
int mapping_new(const struct disk_ops *disk, int fd, uint64_t size, struct reel_mapping **ret);

void mapping_ref(struct reel_mapping *m);

/* The last one unmaps. */
void mapping_unref(struct reel_mapping *m);

/* Makes [base, base+len) known to the fault handler, and unknown again before it is unmapped. */
void guard_add(const uint8_t *base, size_t len);
void guard_remove(const uint8_t *base);

#endif
