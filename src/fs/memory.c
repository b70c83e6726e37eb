/*
 * memory.c - see memory.h (invariant D8). Relies on the allocator's own count of what is allocated, which has everything in it:
 * trees, buffers, requests. It is asked for now and then only, as it looks at all free pieces. Never allocates.
 */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <syslog.h>
#include <unistd.h>

#include "memory.h"
#include "spill.h"

#define FILE_MOST    ((uint64_t)16 << 20)
#define FILES_MOST   ((uint64_t)64 << 20)
#define READING_MOST ((uint64_t)128 << 20)
#define READING_LESS ((uint64_t)4 << 20)

/* What a change takes beside its bytes: inode, name, tables. */
#define CHANGE_COST 512
/* So much is added to the tree, or a part of what is left, from one look at the allocator to the next: looking takes time. */
#define LOOK_LEAST ((uint64_t)512 << 10)
/* Up to so much the bodies of checkpoints are written to a file. */
#define SCARCE ((uint64_t)1 << 30)
/* What a record of an extent takes in the tree, to what it takes in a transaction: no less. */
#define TREE_PER_RECORD 3
/* Between two messages. */
#define TELL_EVERY_S 60
/* What a file with an ordinary name takes; measured. */
#define FILE_COST 600

static uint64_t part(uint64_t memory, uint64_t divisor, uint64_t most)
{
	return memory == 0 || memory / divisor > most ? most : memory / divisor;
}

uint64_t memory_for_file(const struct fs_options *options)
{
	return options->buffer_file ? options->buffer_file : part(options->memory, 64, FILE_MOST);
}

uint64_t memory_for_files(const struct fs_options *options)
{
	return options->buffer_total ? options->buffer_total : part(options->memory, 16, FILES_MOST);
}

uint64_t memory_for_reading(const struct fs_options *options)
{
	uint64_t n = part(options->memory, 8, READING_MOST);

	return n < READING_LESS ? READING_LESS : n;
}

/* The rest is for what the kernel needs to keep of the container and of spill files, and for stacks and programs. */
static uint64_t memory_most(const struct fs_options *options)
{
	return options->memory / 4 * 3;
}

uint64_t memory_for_loading(const struct fs_options *options)
{
	return options->memory / 8 * 7;
}

uint64_t memory_in_use(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
#else
	return 0;
#endif
}

static unsigned long long mib(uint64_t bytes)
{
	return (bytes + (1 << 19)) >> 20;
}

static void tell_full(struct fs *fs, uint64_t used)
{
	struct timespec now;
	uint64_t told = atomic_load(&fs->told_memory);

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (told != 0 && (uint64_t)now.tv_sec - told < TELL_EVERY_S)
		return;
	atomic_store(&fs->told_memory, (uint64_t)now.tv_sec + 1);
	fs_log(
	    fs, LOG_ERR,
	    "%s: no more files, names and pieces of files: %llu of the %llu MiB of memory are used, most of them for the %llu "
	    "files that are there; "
	    "remove some, or mount with more memory (-o memory=SIZE, and the limits of the control group)",
	    reel_path(fs->store), mib(used), mib(fs->options.memory), (unsigned long long)fs->tree.files);
}

int memory_grow(struct fs *fs, size_t bytes)
{
	uint64_t most = memory_most(&fs->options), used;

	if (most == 0)
		return 0;
	bytes += CHANGE_COST;
	/* While it is full each change looks, so that what was removed counts at once. */
	if (atomic_fetch_add_explicit(&fs->grown, bytes, memory_order_relaxed) + bytes <
		atomic_load_explicit(&fs->grow_most, memory_order_relaxed) &&
	    !atomic_load_explicit(&fs->memory_full, memory_order_relaxed))
		return 0;
	used = memory_in_use();
	atomic_store_explicit(&fs->grown, 0, memory_order_relaxed);
	atomic_store_explicit(&fs->memory_full, used > most, memory_order_relaxed);
	if (used <= most) {
		uint64_t part_of_rest = (most - used) / 4;

		atomic_store_explicit(&fs->grow_most, part_of_rest > LOOK_LEAST ? part_of_rest : LOOK_LEAST,
				      memory_order_relaxed);
		return 0;
	}
	tell_full(fs, used);
	return -ENOMEM;
}

void memory_grown(struct fs *fs, size_t bytes)
{
	if (fs->options.memory > 0)
		(void)atomic_fetch_add_explicit(&fs->grown, TREE_PER_RECORD * bytes, memory_order_relaxed);
}

void memory_for_checkpoint(struct fs *fs, struct body *body)
{
	bool in_memory = false;
	int fd;

	if (fs->options.memory == 0 || fs->options.memory > SCARCE || fs->read_only)
		return;
	fd = spill_open(fs->pool.dir, &fs->pool.places, &in_memory);
	if (fd >= 0 && in_memory)
		close(fd);
	else if (fd >= 0)
		body_in_file(body, fd);
}

/* --- loading ------------------------------------------------------------------------------------------- */

void memory_tell_refused(const struct fs *fs)
{
	uint64_t n = fs->tree.files;

	fs_log(fs, LOG_ERR,
	       "%s: not enough memory: the first %llu of its files and directories take %llu MiB, and a mount has %llu MiB for "
	       "them of the %llu MiB that are allowed. Give it more (-o memory=SIZE, and the limits of the control group)",
	       reel_path(fs->store), (unsigned long long)n, mib(memory_in_use()), mib(fs->tree.most), mib(fs->options.memory));
}

void memory_tell_loaded(const struct fs *fs)
{
	uint64_t used = memory_in_use(), most = memory_most(&fs->options), n = fs->tree.files;

	if (fs->options.memory == 0 || used <= most / 2)
		return;
	fs_log(fs, LOG_WARNING,
	       "%s: its %llu files and directories take %llu MiB of memory, of %llu MiB that are allowed; about %llu more fit",
	       reel_path(fs->store), (unsigned long long)n, mib(used), mib(fs->options.memory),
	       (unsigned long long)(used < most ? (most - used) / FILE_COST : 0));
}

/* --- after a burst ------------------------------------------------------------------------------------- */

void memory_trim(struct fs *fs)
{
#ifdef __GLIBC__
	if (wbuf_pool_calmed(&fs->pool))
		(void)malloc_trim(0);
#endif
}
