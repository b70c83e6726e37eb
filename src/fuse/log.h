/*
 * log.h - where messages go: standard error until the daemon is in the background, syslog afterwards.
 * One message is one line. Any thread may call any function.
 */
#ifndef REELFS_LOG_H
#define REELFS_LOG_H

#include <stdbool.h>

/* To be called first. background: messages go to syslog too, and only there after log_detach(). */
void log_start(bool background, bool debug);

/* Standard error is no longer the user's. */
void log_detach(void);

/*
 * From now on a thread delivers the messages, in their order: nobody else waits for who reads them (L1). To be called by the
 * process that will serve the mount, after it has made its children.
 */
void log_run(void);

/* Delivers what is left, for two seconds at most. */
void log_end(void);

/* priority: a level of syslog(3). LOG_DEBUG is dropped unless debugging. */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For what may happen again and again, as a damaged file may be read in a loop: the same is told once a minute, with a count
 * (L2). */
void log_often(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An fs_log_fn. As log_often(). */
void log_fs(void *arg, int priority, const char *text);

/*
 * How many messages of LOG_ERR or worse there were so far. Who sees it grow across a failed call
 * knows that the reason was told already.
 */
unsigned log_errors(void);

#endif
