/*
 * refused.h - what the kernel had cached past the end of a file and was refused, so that it is nowhere any more. Nothing that
 * comes later makes zeros of it, with a size.
 */
#ifndef FS_REFUSED_H
#define FS_REFUSED_H

#include "state.h"

/* In all of these open_state.io is held for writing. */

/* Bytes that the kernel handed over were refused with `error`, and are lost; what would be behind a gap is dropped. */
void refused_note(struct fs *fs, struct open_state *o, uint64_t offset, uint64_t end, int error);
/* Whether a change of [offset, end) may take place: 0, or the error of those bytes, if it would leap over them. */
int refused_before(const struct open_state *o, uint64_t offset, uint64_t end);
/* [offset, end) was stored. */
void refused_stored(struct open_state *o, uint64_t offset, uint64_t end);
/* The file was cut to `size`. */
void refused_cut(struct open_state *o, uint64_t size);

/*
 * The last writer closes. As long as the kernel knows the inode it may take the file for longer than it is, so what is known of
 * it outlives the open files. Returns whether the caller's use of the open state goes on for that. Takes the tree lock.
 */
bool refused_outlives(struct fs *fs, struct open_state *o);
/* The kernel has taken the size from here. Returns whether that ends the use of refused_outlives(). Takes the tree lock. */
bool refused_mended(struct fs *fs, struct open_state *o);
/* The kernel has forgotten the inode: returns the open state of which a use ends now, or NULL. Tree lock held for writing. */
struct open_state *refused_forget(struct inode *i);
/* Ends all such uses; nothing is open any more. */
void refused_end(struct fs *fs);

#endif
