/*
 * signals.h - SIGTERM, SIGINT and SIGHUP end the mount in order.
 *
 * All threads have these signals blocked; one thread waits for them. While the container is being
 * opened they end the process at once (recovery can be repeated). While the mount runs they make the
 * kernel write out what it still holds and end the session's loop. Afterwards, while the container
 * is being closed, they have no effect: it is ending already.
 */
#ifndef REELFS_SIGNALS_H
#define REELFS_SIGNALS_H

struct fuse_session;

/* Starts the thread; to be called before there are others. 0, or -1 (logged). */
int signals_start(void);

/* The calling thread is about to run se's loop; the mount is at `mountpoint`. */
void signals_loop_begins(struct fuse_session *se, const char *mountpoint);

/* The loop has ended; se and mountpoint may go. */
void signals_loop_ended(void);

#endif
