/*
 * create.h - containers that appear under their name whole or not at all.
 */
#ifndef FS_CREATE_H
#define FS_CREATE_H

#include "state.h"

/* Puts everything into the new container fs->store. */
typedef int (*create_fill_fn)(struct fs *fs, void *arg);

/*
 * Makes a container for `fs` under a temporary name beside `path`, has it filled, syncs it, and gives it
 * the name: of an existing container with its owner and mode if `replace` is set, else of none (-EEXIST).
 * After an error `path` is as before, unless what replaced it could not be synced in its folder. fs->store is closed in any
 * case.
 */
int create_container(struct fs *fs, const char *path, bool replace, create_fill_fn fill, void *arg);

#endif
