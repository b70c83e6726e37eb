/*
 * init.c - what is agreed with the kernel when it makes contact.
 */
#include "config.h"

#include "ops.h"
#include "wire.h"

#define MAX_WRITE      (1u << 20)
#define MAX_READAHEAD  (1u << 20)
#define MAX_BACKGROUND 64 /* read-ahead and write-back requests under way */

#define WANTED                                                                                                                 \
	(FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_PARALLEL_DIROPS |                  \
	 FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA |           \
	 FUSE_CAP_DONT_MASK)

/*
 * AUTO_INVAL_DATA would drop cached contents when a time changes, and only the kernel changes them.
 * SPLICE: replies go out of the container's mapping, and requests are small or copied anyway.
 * HANDLE_KILLPRIV (not V2) would leave it to the file system to know who has CAP_FSETID.
 * ASYNC_DIO: the kernel drops what its page cache has of the range before a direct write, and again after one that it has
 * waited for, but not after one that ends by itself. A page that was read in between would be old for good (E3).
 */
#define UNWANTED                                                                                                               \
	(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |                      \
	 FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_ASYNC_DIO)

void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct mount *m = userdata;
	unsigned wanted = WANTED;

	/* The kernel would apply the umask where a default ACL has to be applied instead: so fs.h does either. */
	/* It also makes the kernel check permissions, which a mount of the caller may lack the option for. */
	if (m->options->xattrs || m->callers)
		wanted |= FUSE_CAP_POSIX_ACL;
	if (m->options->writeback)
		wanted |= FUSE_CAP_WRITEBACK_CACHE;
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2
	wanted |= FUSE_CAP_HANDLE_KILLPRIV_V2;
#endif
	conn->want &= ~UNWANTED;
	conn->want |= wanted & conn->capable;
	wire_want(conn->want);
	m->writeback = conn->want & FUSE_CAP_WRITEBACK_CACHE;
	/* The kernel then sends times only when they are others than those it has: one set here too would stay. */
	if (m->writeback)
		fs_caller_stamps(m->fs);

	if (conn->max_write > MAX_WRITE)
		conn->max_write = MAX_WRITE;
	if (conn->max_readahead > MAX_READAHEAD)
		conn->max_readahead = MAX_READAHEAD;
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND; /* and more: wire.h */
	conn->time_gran = 1;
	m->ready();
}
