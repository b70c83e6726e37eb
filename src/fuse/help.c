/*
 * help.c - the text of reelfs --help. The manual page reelfs(1) says the same at length.
 */
#include "config.h"

#include <stdio.h>

#include "options.h"

static const char text[] = "Usage: reelfs [options] CONTAINER MOUNTPOINT\n"
			   "       mount -t fuse.reelfs CONTAINER MOUNTPOINT [-o options]\n"
			   "\n"
			   "Mounts the directory tree in the file CONTAINER on the directory MOUNTPOINT.\n"
			   "To unmount: fusermount3 -u MOUNTPOINT, or as root umount MOUNTPOINT.\n"
			   "\n"
			   "General options:\n"
			   "    -o OPT[,OPT...]        mount options, see below\n"
			   "    -f                     stay in the foreground, messages on standard error\n"
			   "    -d   -o debug          as -f, and print every request\n"
			   "    -s                     one thread\n"
			   "    -h   --help            print this text\n"
			   "    -V   --version         print the versions of reelfs and libfuse\n"
			   "\n"
			   "Options of reelfs:\n"
			   "    -o create              make the container if there is no such file\n"
			   "    -o ro                  read only; works beside a mount that writes\n"
			   "    -o lock_wait=SECONDS   how long to wait for another writer to end (10)\n"
			   "    -o sync=SECONDS        store changes, open files too, this often (5); 0: only when asked\n"
			   "    -o keep_torn=FILE      where to keep bytes that recovery cuts off the container's end\n"
			   "    -o no_writeback_cache  each write(2) reaches reelfs at once, not collected by the kernel\n"
			   "    -o noxattr             no extended attributes and ACLs; small files are cheaper\n"
			   "    -o noatime             reading sets no access times; nodiratime: of directories\n"
			   "    -o strictatime         each read does; the default, relatime, only where it tells something\n"
			   "    -o max_threads=N       threads that serve requests, at most (10)\n"
			   "    -o memory=SIZE         memory to do with, 64M for example (what the machine and its\n"
			   "                           control group allow)\n"
			   "    -o nul=value           one NUL byte is a value, no deletion, in the oldest format\n"
			   "    -o clone_fd            a /dev/fuse for each of these threads\n"
			   "\n"
			   "Options of every FUSE file system:\n"
			   "    -o allow_other         other users may use the mount (permissions are checked always)\n"
			   "    -o allow_root          root may\n"
			   "    -o auto_unmount        unmount when reelfs is killed\n"
			   "    -o fsname=NAME         what /proc/mounts shows as the source (the container's path)\n"
			   "    -o allow_suid          set-id programs and file capabilities work (root only)\n"
			   "    -o allow_dev           device nodes work (root only); without these two: nosuid,nodev\n"
			   "    -o noexec,sync,...     the other flags of mount(8)\n"
			   "\n"
			   "Make an empty container: reel init CONTAINER. More: man reelfs\n";

void options_help(void)
{
	fputs(text, stdout);
}
