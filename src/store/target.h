/*
 * target.h - the file that a path leads to, links followed, whatever the working directory.
 */
#ifndef STORE_TARGET_H
#define STORE_TARGET_H

/*
 * As realpath(3) with NULL, to be freed; NULL with errno. Where that path would be longer than the kernel takes, as in a
 * working directory deeper than that, a path that is no link is its own target, from there.
 */
char *target_of(const char *path);

#endif
