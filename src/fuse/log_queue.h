/*
 * log_queue.h - the messages that are on their way to those who read them, and the thread "reelfs-log", which alone waits for
 * them (L1 in docs/DESIGN.md). Any thread may call any function but queue_start() and queue_end().
 */
#ifndef REELFS_LOG_QUEUE_H
#define REELFS_LOG_QUEUE_H

#include <stdbool.h>

/* Where a message goes. */
enum { TO_STDERR = 1, TO_SYSLOG = 2 };

/*
 * Starts the thread. 0, or a negative errno value: then messages are delivered by whoever has them. To be called where no more
 * fork(2) follows whose child logs.
 */
int queue_start(void);

/* Whether there is the thread. */
bool queue_runs(void);

/*
 * Takes a message along, or drops it when there is no room, which is told in its place. Never waits for a reader, never
 * allocates. Half of the room is not for LOG_DEBUG. False: there is no thread.
 */
bool queue_put(int priority, int to, const char *text);

/* Something has been counted that is to be told later (log_repeats.h). */
void queue_wake(void);

/* Delivers a message itself, and waits for that. */
void queue_deliver(int priority, int to, const char *text);
/* To standard error at once, too; but when it takes nothing for a second, as nobody reads it, no message goes there any more.
 */
void queue_offer(const char *text);

/*
 * Ends the thread when all is delivered. Who does not read for two seconds gets no more: this and later messages
 * are lost then.
 */
void queue_end(void);

#endif
