/*
 * checkpoint.h - the complete state as the body of a seal. The form is this file's alone: others only
 * have it made and read.
 */
#ifndef FS_CHECKPOINT_H
#define FS_CHECKPOINT_H

#include "record.h"
#include "tree.h"

/* The caller holds the tree lock for reading. Errors are left in body->error. */
void checkpoint_make(const struct tree *t, struct body *body);
/* The parts of it that do not depend on where contents lie: an inode's own, and all names. */
void checkpoint_attributes(struct body *body, const struct inode *i);
void checkpoint_names(struct body *body, const struct tree *t);
/* Fills an empty tree. `limit` and *bad as apply_body(). */
int checkpoint_read(struct tree *t, const uint8_t *body, size_t len, uint64_t limit, size_t *bad);

#endif
