/*
 * explain.c - errors of the file system that a container lies in, in words that say what to do. Takes no lock.
 */
#include "config.h"

#include <string.h>

#include "store.h"

const char *reel_explain(int err)
{
	switch (err) {
	case -ENOTCONN:
		return "it lies in a FUSE mount whose daemon has ended; run fusermount3 -u on that, and mount it again";
	case -ESHUTDOWN:
		return "the file system that it lies in was shut down after an error; unmount that, check it, and mount it "
		       "again";
	case -EBADFD:
		return "the file system that it lies in has lost the file, as after its server was started again; open it "
		       "again "
		       "when that is back";
	case -ESTALE:
		return "the file was removed on its server, or another one put in its place; open it again";
	case -ENOLCK:
	case -ENOSYS:
		return "the file system that it lies in has no locks, so that nothing would keep a second writer away; mount "
		       "that with locks (NFS: with its lock service running, or with -o local_lock=flock if no other machine "
		       "writes there)";
	case -ENXIO:
		return "the disk that it lies on is gone";
	case -EHOSTDOWN:
	case -EHOSTUNREACH:
	case -ETIMEDOUT:
		return "the server that it lies on does not answer; try again when it is back";
	case -ENOSPC:
		return "No space left on device: free some on the disk that it lies on";
	case -EDQUOT:
		return "Disk quota exceeded: free some space on the disk that it lies on";
	case -EIO:
		return "Input/output error of the disk or server that it lies on; look into the system's log";
	default:
		return strerror(-err);
	}
}
