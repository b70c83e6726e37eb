/*
 * main.c - the program reelfs, also called by mount(8) as mount.fuse.reelfs: from the command line to
 * an exit status (0 or 1).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include <fuse_lowlevel.h>

#include "daemon.h"
#include "device.h"
#include "inherited.h"
#include "log.h"
#include "options.h"
#include "paths.h"
#include "remount.h"
#include "session.h"
#include "signals.h"

static int mount_and_serve(struct options *o)
{
	struct paths paths;
	int ret = -1;

	if (paths_resolve(&paths, o->container, o->mountpoint, o->create) < 0)
		goto out;
	/* (I1) A path that names a descriptor is a name of the file by now; a mount point may be the connection itself. */
	inherited_close((char *[]){o->mountpoint, NULL}, -1);
	if (o->fake) {
		ret = 0;
		goto out;
	}
	log_start(!o->foreground, o->debug);
	if (!o->foreground && daemon_start() < 0)
		goto out;
	ret = session_run(o, &paths);
out:
	device_give_up(paths.mountpoint);
	paths_free(&paths);
	return ret;
}

int main(int argc, char **argv)
{
	struct options o;
	int ret;

	inherited_fill_standard();
	inherited_close(argv, -1);
	inherited_reset_signals();
	signals_prepare();
	(void)unsetenv("POSIXLY_CORRECT"); /* mount(8) gives the options behind the operands */
	ret = options_parse(&o, argc, argv);
	log_start(false, o.debug);
	if (ret < 0)
		;
	else if (o.help)
		options_help();
	else if (o.version)
		printf("reelfs %s, libfuse %s\n", PACKAGE_VERSION, fuse_pkgversion());
	else if (o.remount)
		ret = remount(&o);
	else
		ret = mount_and_serve(&o);
	options_free(&o);
	if (fflush(stdout) != 0)
		ret = -1;
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
