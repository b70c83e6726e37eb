/*
 * signals.h - SIGTERM, SIGINT and SIGHUP end the mount in order.
 *
 * All threads have these signals blocked; one thread waits for them. While the container is being
 * opened they end the process at once (recovery can be repeated). While the mount runs they end it (handover.h) and
 * then the session's loop. Afterwards, while the container
 * is being closed, they have no effect: it is ending already.
 */
#ifndef REELFS_SIGNALS_H
#define REELFS_SIGNALS_H

struct fuse_session;

/* What a write to a pipe without a reader, or past the limit on the size of files, brings ends no process. Programs that are
 * started have the default. To be called first. */
void signals_prepare(void);

/* Starts the thread; to be called before there are others. 0, or -1 (logged). */
int signals_start(void);

enum signals_end {
	SIGNALS_NONE,   /* no signal has come */
	SIGNALS_ENDED,  /* the mount was ended by one */
	SIGNALS_FAILED, /* not all of that was possible (logged) */
};

/*
 * From now on there may be a mount, so a signal waits for the loop to begin, or not to. Programs that the calling thread
 * starts to mount get what is sent to the terminal's processes, too (I2).
 */
void signals_mount_begins(void);

/* Such programs have ended. */
void signals_mount_ended(void);

/* The calling thread is about to run se's loop. */
void signals_loop_begins(struct fuse_session *se);

/* The loop has ended. Waits for what a signal has begun; then se may go. */
enum signals_end signals_loop_ended(void);

#endif
