/*
 * caller.c - mounts by itself, as Apptainer and mount.fuse3 -o drop_privileges do, and leaves the serving to another program.
 *
 * caller MOUNTPOINT FLAGS OPTIONS PROGRAM [ARGUMENT...]: opens /dev/fuse as descriptor 7, mounts with the MS_* flags and the
 * options, and becomes the program. MOUNTPOINT "-": nothing is mounted. With COPY in the environment that is a bind mount of
 * it, made before the mount itself becomes nosuid and nodev; mount(8) would wait for the file system to be served.
 */
#include "config.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { DEVICE = 7 };

int main(int argc, char **argv)
{
	const char *copy = getenv("COPY");
	char options[256];
	int fd;

	if (argc < 5)
		errx(2, "usage: caller MOUNTPOINT FLAGS OPTIONS PROGRAM [ARGUMENT...]");
	fd = open("/dev/fuse", O_RDWR);
	if (fd < 0 || dup2(fd, DEVICE) < 0)
		err(2, "/dev/fuse");
	if (fd != DEVICE)
		close(fd);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s", DEVICE, getuid(), getgid(),
		 argv[3]);
	if (strcmp(argv[1], "-") != 0 && mount("caller", argv[1], "fuse.caller", strtoul(argv[2], NULL, 0), options) < 0)
		err(2, "%s", argv[1]);
	if (copy != NULL && (mount(argv[1], copy, NULL, MS_BIND, NULL) < 0 ||
			     mount(NULL, argv[1], NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL) < 0))
		err(2, "%s", copy);
	execv(argv[4], argv + 4);
	err(2, "%s", argv[4]);
}
