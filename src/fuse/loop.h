/*
 * loop.h - the threads that serve the kernel's requests.
 *
 * The kernel wakes threads that wait for requests in turn, so that with several of them each request of a
 * single client finds a thread whose caches are cold, on a CPU that sleeps. Here one thread waits, and serves
 * what it gets; only while it is held up does another one take its place.
 */
#ifndef REELFS_LOOP_H
#define REELFS_LOOP_H

#include <stdbool.h>

struct fuse_session;

/*
 * Serves requests with at most max_threads threads until the session ends, then waits for them. Returns 0,
 * or a negative errno value when the connection to the kernel failed or no thread could be started.
 */
int loop_run(struct fuse_session *se, unsigned max_threads);

/*
 * For handlers that are going to wait for a disk: lets another thread take requests at once. Any thread; does
 * nothing outside loop_run().
 */
void loop_will_wait(void);

#endif
