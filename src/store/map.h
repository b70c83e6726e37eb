/*
 * map.h - the one mapping of a container file: a window of addresses far larger than the file, made
 * once. The file grows into it, so that nothing ever moves: a pointer into it is good as long as
 * someone holds a reference, or it was not retired.
 *
 * Some file systems, FUSE with direct_io above all, have private mappings only: pages that were touched stay as they were
 * until they are let go (reread.c).
 *
 * Faults. Touching a page that lies past the end of the file, or that the disk cannot deliver,
 * raises SIGBUS. With reel_guard_faults() (reel.h) installed, such a page of a registered window
 * is replaced by a page of zeros until reel_reading() maps the file's anew: the checksums over it fail,
 * and reel_unread() tells that from damage. Nothing may look at bytes past the committed tail but the code that looks
 * for the tail, within the file's size.
 *
 * Lifetime. The maker has the mapping until mapping_retire(). It is unmapped when it is retired and no
 * references are left. The structure itself is never given back to the system, only used again: so
 * mapping_ref() may be called on a mapping that is being retired by another thread, and even on one that is
 * unmapped, as long as nothing is done with it but mapping_unref(). Whether the mapping was still in use when
 * the reference was taken, the caller finds out after (index.c).
 */
#ifndef REEL_MAP_H
#define REEL_MAP_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk_ops;
struct generation;

enum { MAPPING_SLOTS = 64 };

struct reel_mapping {
	const struct disk_ops *disk;
	uint8_t *base;
	size_t window;                /* addresses taken; the file can grow to this */
	bool private;                 /* what is written to the file does not show by itself (reread_written()) */
	int guard;                    /* its slot with the fault handler; -1: none */
	const struct generation *gen; /* the newest until the opener says otherwise, before entries are handed out */
	_Atomic uint64_t state;
	struct reel_mapping *next_unused;
	/*
	 * References taken and given back since the structure was made; neither count is ever reset. Each thread
	 * has a slot of its own, which it changes without a locked instruction (map.c); those for which there is
	 * none share slot 0.
	 */
	struct {
		alignas(64) _Atomic uint64_t taken;
		_Atomic uint64_t given;
	} slot[MAPPING_SLOTS];
};

/* Maps `fd`, which has `size` bytes now. */
int mapping_new(const struct disk_ops *disk, int fd, uint64_t size, struct reel_mapping **ret);

void mapping_ref(struct reel_mapping *m);
void mapping_ref_many(struct reel_mapping *m, uint64_t n);
void mapping_unref(struct reel_mapping *m);

/* Ends the maker's use. No reference may be taken from now on but by those who have one. */
void mapping_retire(struct reel_mapping *m);

/* Makes [base, base+len) known to the fault handler, and unknown again before it is unmapped. -1: it has room for no more. */
int guard_add(const uint8_t *base, size_t len);
void guard_remove(int slot);

/* How many pages could not be had so far. */
uint64_t guard_faults(int slot);
/* Whether one of the bytes [offset, offset+len) could not since there were `since` of them; *ret: about where. */
bool guard_failed(int slot, uint64_t since, uint64_t offset, uint64_t len, uint64_t *ret);
/* Whether there are pages of zeros in place of such; they lie in that range, which is for the caller to map anew. */
bool guard_take_zeros(int slot, uint64_t *offset, uint64_t *len);
/* The caller could not. */
void guard_put_zeros(int slot, uint64_t offset, uint64_t len);
/* Set with the first page that could not be had, of any mapping. */
extern atomic_bool guard_hit;
/* Whether reel_guard_faults() was called. */
bool guard_installed(void);

#endif
