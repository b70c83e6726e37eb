/*
 * coherent.c - writes a file in one way while other processes read it through the page cache, and looks after each write
 * whether a read begun then sees it. What the file has to hold is kept in memory beside it (the model).
 *
 * coherent FILE SECONDS WAY MODEL: WAY is one of the names in `ways`, or "all" for one of them by chance each time. At the end
 * the model is written to MODEL. Exits with 0, with 1 after a line that says what was read instead, or with 77
 * where the kernel does not allow AIO or io_uring, which are used by their system calls, without a library.
 */
#include "config.h"

#include "calls.h"

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define PAGES   64
#define SIZE    ((size_t)PAGES * PAGE)
#define READERS 2

static int buffered, direct, source; /* descriptors; the source is of copy_file_range(2) */
static char *map, *model, *block;
static uint64_t seed = 1;

static unsigned chance(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* --- AIO and io_uring ------------------------------------------------------------------------------------- */

static bool aio_write(off_t at, size_t len)
{
	static aio_context_t context;
	struct iocb request = {.aio_fildes = (uint32_t)direct,
			       .aio_lio_opcode = IOCB_CMD_PWRITE,
			       .aio_buf = (uintptr_t)block,
			       .aio_nbytes = len,
			       .aio_offset = at},
		    *list[] = {&request};
	struct io_event event;

	if (context == 0 && syscall(SYS_io_setup, 8, &context) < 0)
		exit(77);
	if (syscall(SYS_io_submit, context, 1, list) != 1)
		die("io_submit");
	if (syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1)
		die("io_getevents");
	return event.res == (int64_t)len;
}

static struct {
	int fd;
	uint32_t *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring = {.fd = -1};

static void *ring_map(size_t size, off_t at)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, at);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void ring_begin(void)
{
	struct io_uring_params p = {0};
	char *sq, *cq;

	ring.fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	if (ring.fd < 0)
		exit(77);
	sq = ring_map(p.sq_off.array + p.sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	cq = ring_map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	ring.sqes = ring_map(p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	ring.sq_tail = (uint32_t *)(void *)(sq + p.sq_off.tail);
	ring.sq_mask = (uint32_t *)(void *)(sq + p.sq_off.ring_mask);
	ring.sq_array = (uint32_t *)(void *)(sq + p.sq_off.array);
	ring.cq_head = (uint32_t *)(void *)(cq + p.cq_off.head);
	ring.cq_tail = (uint32_t *)(void *)(cq + p.cq_off.tail);
	ring.cq_mask = (uint32_t *)(void *)(cq + p.cq_off.ring_mask);
	ring.cqes = (struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes);
}

static bool ring_write(int fd, off_t at, size_t len)
{
	uint32_t tail, head;
	int res;

	if (ring.fd < 0)
		ring_begin();
	tail = *ring.sq_tail;
	ring.sqes[tail & *ring.sq_mask] = (struct io_uring_sqe){
	    .opcode = IORING_OP_WRITE, .fd = fd, .addr = (uintptr_t)block, .len = (uint32_t)len, .off = (uint64_t)at};
	ring.sq_array[tail & *ring.sq_mask] = tail & *ring.sq_mask;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		die("io_uring_enter");
	head = *ring.cq_head;
	expect(head != __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE), "an answer of io_uring");
	res = ring.cqes[head & *ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	return res == (int)len;
}

/* --- ways to write: `len` bytes of `block` at `at`, or zeros there; whole pages -------------------------------- */

static bool by_write(off_t at, size_t len)
{
	return pwrite(buffered, block, len, at) == (ssize_t)len;
}

static bool by_direct(off_t at, size_t len)
{
	return pwrite(direct, block, len, at) == (ssize_t)len;
}

static bool by_ring(off_t at, size_t len)
{
	return ring_write(buffered, at, len);
}

static bool by_direct_ring(off_t at, size_t len)
{
	return ring_write(direct, at, len);
}

static bool by_mapping(off_t at, size_t len)
{
	memcpy(map + at, block, len);
	return true;
}

static bool by_copy(off_t at, size_t len)
{
	loff_t from = 0, to = at;

	if (pwrite(source, block, len, 0) != (ssize_t)len)
		return false;
	while (from < (loff_t)len)
		if (copy_file_range(source, &from, buffered, &to, len - (size_t)from, 0) <= 0)
			return false;
	return true;
}

static bool by_punch(off_t at, size_t len)
{
	memset(block, 0, len);
	return fallocate(buffered, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (off_t)len) == 0;
}

static bool by_zeroing(off_t at, size_t len)
{
	memset(block, 0, len);
	return fallocate(buffered, FALLOC_FL_ZERO_RANGE, at, (off_t)len) == 0;
}

/* Cuts the file there and makes it as long as it was: all up to the end is zeros. */
static bool by_truncation(off_t at, size_t len)
{
	(void)len;
	memset(model + at, 0, SIZE - (size_t)at);
	memset(block, 0, len);
	return ftruncate(buffered, at) == 0 && ftruncate(buffered, SIZE) == 0;
}

static const struct way {
	const char *name;
	bool (*write)(off_t at, size_t len);
} ways[] = {
    {"write", by_write},     {"direct", by_direct}, {"aio", aio_write},  {"uring", by_ring},   {"direct-uring", by_direct_ring},
    {"mapping", by_mapping}, {"copy", by_copy},     {"punch", by_punch}, {"zero", by_zeroing}, {"truncate", by_truncation},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* --- ways to read --------------------------------------------------------------------------------------------- */

static void compare(const char *got, off_t at, size_t len, const char *written, const char *read)
{
	for (size_t i = 0; i < len; i++) {
		if (got[i] == model[(size_t)at + i])
			continue;
		fprintf(stderr, "written by %s, read by %s: byte %lld is %d, not %d\n", written, read,
			(long long)at + (long long)i, got[i], model[(size_t)at + i]);
		exit(1);
	}
}

static void look(off_t at, size_t len, const char *written)
{
	static char got[SIZE] __attribute__((aligned(PAGE)));

	if (pread(buffered, got, len, at) != (ssize_t)len)
		die("pread");
	compare(got, at, len, written, "read");
	compare(map + at, at, len, written, "mapping");
	if (pread(direct, got, len, at) != (ssize_t)len)
		die("pread");
	compare(got, at, len, written, "direct");
	if (pread(buffered, got, len, at) != (ssize_t)len)
		die("pread");
	compare(got, at, len, written, "read after that");
}

/* A process of its own, which has the file to read only: it has the pages come and go all the time. */
static void read_on(const char *path)
{
	int fd = open_file(path, O_RDONLY);
	char got[4 * PAGE];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		off_t at = (off_t)chance(PAGES - 4) * PAGE;

		(void)posix_fadvise(fd, at, sizeof(got), POSIX_FADV_DONTNEED);
		(void)!pread(fd, got, sizeof(got), at);
	}
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const struct way *way_of(const char *name)
{
	for (size_t i = 0; i < WAYS; i++)
		if (strcmp(ways[i].name, name) == 0)
			return &ways[i];
	return &ways[chance(WAYS)];
}

static void one_write(const struct way *w, int number)
{
	/* A long one now and then: copy_file_range(2) shares bytes from 64 KiB on. */
	size_t pages = chance(8) == 0 ? 17 + chance(16) : 1 + chance(4), len = pages * PAGE;
	off_t at = (off_t)chance(PAGES - (unsigned)pages) * PAGE;

	memset(block, 1 + number % 127, len);
	if (!w->write(at, len))
		die(w->name);
	memcpy(model + at, block, len);
	look(at, len, w->name);
}

static void begin(const char *path)
{
	char name[4096];

	buffered = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
	memset(model, 'x', SIZE);
	if (pwrite(buffered, model, SIZE, 0) != (ssize_t)SIZE || fsync(buffered) < 0)
		die("pwrite, fsync");
	direct = open_file(path, O_RDWR | O_DIRECT);
	snprintf(name, sizeof(name), "%s.source", path);
	source = open_file(name, O_RDWR | O_CREAT | O_TRUNC);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, buffered, 0);
	if (map == MAP_FAILED)
		die("mmap");
}

static void *pages_for(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

int main(int argc, char **argv)
{
	double end;
	int fd;

	if (argc != 5) {
		fprintf(stderr, "usage: %s FILE SECONDS WAY MODEL; see its source\n", argv[0]);
		return 2;
	}
	model = pages_for(SIZE);
	block = pages_for(SIZE);
	begin(argv[1]);
	for (int i = 0; i < READERS; i++) {
		seed += (unsigned)i + 1;
		if (fork() == 0)
			read_on(argv[1]);
	}
	end = now() + strtod(argv[2], NULL);
	for (int i = 0; i < 20 || now() < end; i++)
		one_write(way_of(argv[3]), i);
	look(0, SIZE, "any way");
	fd = open_file(argv[4], O_WRONLY | O_CREAT | O_TRUNC);
	if (write(fd, model, SIZE) != (ssize_t)SIZE)
		die("write");
	end_file(fd);
	end_file(direct);
	end_file(buffered);
	return 0;
}
