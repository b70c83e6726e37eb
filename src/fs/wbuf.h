/*
 * wbuf.h - the write buffer of one inode: the bytes written since its last commit, over whatever
 * is committed. Small amounts are kept in memory; past a limit for one file, or for all together,
 * the data goes to an unnamed temporary file (it "spills"; spill.h says where), so that
 * a file of any size is written in bounded memory.
 * Knows nothing of inodes, of committed contents, or of the container but the folder it is in.
 *
 * Conventions:
 *  - Returns 0 or a negative errno value. Nothing is logged: the caller knows the file's name.
 *  - Offsets and lengths are bytes of the file.
 *  - No locking. wbuf_read(), wbuf_next() and the functions that take a const struct wbuf may run
 *    beside each other; every other function needs the buffer for itself. The pool may be shared
 *    by any number of threads.
 *  - "Dirty" bytes are those written and neither truncated, punched nor cleared since.
 */
#ifndef WBUF_H
#define WBUF_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "spill.h"

/* The most wbuf_stream() hands to its sink at once. */
#define WBUF_STREAM_MAX (1U << 20)

/* What all buffers of one file system share. Set up by wbuf_pool_init(); the members are its own. */
struct wbuf_pool {
	uint64_t per_file;     /* the most memory one buffer may take */
	uint64_t total;        /* the most memory all may take together */
	_Atomic uint64_t used; /* what all take now; never above `total` but for the moment of asking */
	atomic_bool burst;     /* they took much since wbuf_pool_calmed() */
	int dir;               /* O_PATH descriptor of the folder for spill files */
	struct spill_places places;
	_Atomic uint64_t in_memory; /* what spill files without a disk take */
	pthread_mutex_t lock;       /* guards `bounce` while a buffer streams; no other lock is taken by this file inside it */
	uint8_t *bounce;            /* WBUF_STREAM_MAX bytes: what is read from spill files to be streamed */
};

/*
 * `container_path` must exist; spill files go into the folder it is in (symbolic links resolved), if it takes them,
 * which stays the same folder whatever is renamed or mounted later. A limit of 0 spills at once.
 * Errors: those of realpath(3) and open(2), -ENOMEM. After success, wbuf_pool_end() frees what it holds, when
 * the last buffer is gone.
 */
int wbuf_pool_init(struct wbuf_pool *pool, const char *container_path, uint64_t per_file, uint64_t total);
void wbuf_pool_end(struct wbuf_pool *pool);

/* Bytes of memory that all buffers of the pool take for data. Any thread. */
uint64_t wbuf_pool_used(const struct wbuf_pool *pool);

/* Whether buffers took much since this was asked last, and do no more. */
bool wbuf_pool_calmed(struct wbuf_pool *pool);

/* Takes `n` bytes, so that all take `most` at most. False: they are not there. Who gives them back takes them off `used`. */
bool wbuf_pool_take(struct wbuf_pool *pool, uint64_t n, uint64_t most);

struct wbuf;

/* An empty buffer; ends with wbuf_free(). NULL: no memory. The pool must outlive it. */
struct wbuf *wbuf_new(struct wbuf_pool *pool);
/* Drops all data. NULL is allowed. */
void wbuf_free(struct wbuf *w);

/*
 * Copies all of iov in, to offset `off`, and makes these bytes dirty. When it fails, the set of
 * dirty bytes is unchanged. Bytes that were dirty before and lie under the failed write keep their
 * values when no write to the spill file was begun (always so in memory and while spilling), and
 * when the disk is full, unless its file system writes changed blocks to a new place or cannot
 * allocate ahead. After any other error each of them has its old value or its new one.
 * Errors: -ENOSPC, -EDQUOT, -EIO, -ENOMEM; -EFBIG: past INT64_MAX, past what the spill's file
 * system can address, or past RLIMIT_FSIZE (SIGXFSZ has to be ignored then); -EMFILE, -ENFILE: no
 * descriptor for the spill file. -ENOSPC is also the limit on spill files in memory. Any of them but -ENOMEM is about the
 * spill file, never about the container's.
 */
int wbuf_write(struct wbuf *w, uint64_t off, const struct iovec *iov, int n);

/* Copies `len` bytes from `off`. -EINVAL: not all of them are dirty. -EIO: the spill file cannot be read. */
int wbuf_read(const struct wbuf *w, uint64_t off, size_t len, void *buf);

/* The first run of dirty bytes at or past `off`, without what lies before `off`. False: there is none. */
bool wbuf_next(const struct wbuf *w, uint64_t off, uint64_t *start, uint64_t *end);

/*
 * Hands the bytes [start, end) to the sink, in order, in pieces of 1 to WBUF_STREAM_MAX bytes that
 * are valid during the call of the sink. A sink that returns anything but 0 ends the stream; that is then the result.
 * Takes no memory. Buffers of one pool that have spilled are streamed one after the other: the sink must stream none. -EINVAL:
 * not all of them are dirty. -EIO: the spill file cannot be read.
 */
typedef int (*wbuf_sink_fn)(void *arg, const void *data, size_t len);
int wbuf_stream(struct wbuf *w, uint64_t start, uint64_t end, wbuf_sink_fn sink, void *arg);

/* Drops everything at or past `size`. Always returns 0. */
int wbuf_truncate(struct wbuf *w, uint64_t size);

/* Makes sure that the next wbuf_punch() cannot fail. -ENOMEM. */
int wbuf_prepare(struct wbuf *w);

/* Drops [off, off + len). -ENOMEM: nothing changed. */
int wbuf_punch(struct wbuf *w, uint64_t off, uint64_t len);

/* Drops everything and gives memory and disk space back; the buffer is as new. */
void wbuf_clear(struct wbuf *w);

/* How many bytes are dirty, and in how many runs (they take memory that no limit counts: 16 to 32 bytes each). */
uint64_t wbuf_dirty(const struct wbuf *w);
size_t wbuf_runs(const struct wbuf *w);
bool wbuf_empty(const struct wbuf *w);

/* False once the data is in a spill file. */
bool wbuf_in_memory(const struct wbuf *w);

#endif
