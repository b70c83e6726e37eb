/*
 * cmd_init.c - `reel init`: makes an empty container.
 * Relies on fs_create_container(). Never touches a file that exists.
 */
#include "config.h"

#include <errno.h>

#include "common.h"

static int run_init(const struct args *args)
{
	const char *path = args->operand[0];
	int r = container_create(path);

	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

const struct command cmd_init = {
    .name = "init",
    .synopsis = "CONTAINER",
    .summary = "make an empty container",
    .details = "Makes the file CONTAINER with an empty root directory that belongs to the caller.\n"
	       "Only the caller can read and write it (mode 0600) until chmod says otherwise.\n"
	       "A file that exists is left alone.\n",
    .min_operands = 1,
    .max_operands = 1,
    .run = run_init,
};
