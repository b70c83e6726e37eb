/*
 * names.h - what rename.c and file.c share with names.c. All of it expects tx_begin() to have been
 * called: the tree is looked at and records are built, nothing is changed.
 */
#ifndef FS_NAMES_H
#define FS_NAMES_H

#include "commit.h"

/* The directory `ino`. -ENOENT, -ENOTDIR; -ENOENT also where it was removed. */
int names_dir(const struct fs *fs, uint64_t ino, struct inode **ret);
/* A name in it. -ENOENT, -ENAMETOOLONG. */
int names_find(const struct fs *fs, const struct inode *dir, const char *name, struct dirent **ret);

/* Records a directory's link count and its times as now. */
void names_touch(struct tx *tx, const struct inode *dir, int nlink_change, const struct timespec *now);
/* Records that an inode has one name less; a directory then has none. */
void names_drop(struct tx *tx, struct inode *i, const struct timespec *now);

/* Records a whiteout of `cred` in the place of the name `d`. -EIO: the directory's default ACL is damaged. */
int names_whiteout(struct tx *tx, const struct inode *dir, const struct dirent *d, const struct fs_cred *cred);

/* A regular file without a name, with one lookup reference (O_TMPFILE). */
int names_make_unnamed(struct fs *fs, uint64_t parent, uint32_t mode, const struct fs_cred *cred, struct fs_attr *attr);

#endif
