/*
 * daemon.h - the way into the background.
 *
 * The process divides before it opens anything, so that the process that holds the container's lock
 * is the one that goes on. The first process waits until the second reports that the mount works,
 * and ends with the status that the user should see.
 */
#ifndef REELFS_DAEMON_H
#define REELFS_DAEMON_H

/*
 * Returns 0 in the new process, which goes on; -1 when there is none (logged). The first process
 * does not return: it ends with 0 after daemon_ready(), with the other's status when that ends before.
 */
int daemon_start(void);

/* The mount works: leaves the terminal and the session, and lets the first process end. */
void daemon_ready(void);

#endif
