/*
 * session.h - one mount, from the opening of the container to its closing.
 */
#ifndef REELFS_SESSION_H
#define REELFS_SESSION_H

struct options;
struct paths;

/*
 * Opens the container (making it if asked to), mounts, serves until the file system is unmounted or
 * a signal ends it, and closes the container. 0, or -1 when any of these failed (logged).
 */
int session_run(struct options *o, const struct paths *paths);

#endif
