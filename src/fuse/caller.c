/*
 * caller.c - see caller.h. As on ext4, setuid goes, and setgid where the group may execute, or else
 * if the sender is not in the file's group; whoever has CAP_FSETID keeps both. Groups and capabilities are looked up in
 * /proc, for files that have such bits only. Who cannot be looked up has neither, but root has capabilities.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <linux/capability.h>

#include "caller.h"
#include "ops.h"

#define GROUPS_MOST 65536

static bool in_group(fuse_req_t req, gid_t gid)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	int n = fuse_req_getgroups(req, 0, NULL), got;
	bool in = ctx->gid == gid;
	gid_t *list;

	if (in || n <= 0 || n > GROUPS_MOST)
		return in;
	list = calloc((size_t)n, sizeof(*list));
	if (list == NULL)
		return false;
	got = fuse_req_getgroups(req, n, list);
	for (int i = 0; i < n && i < got && !in; i++)
		in = list[i] == gid;
	free(list);
	return in;
}

static bool has_fsetid(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	unsigned long long effective;
	char path[64], line[256];
	bool has = ctx->uid == 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)ctx->pid);
	status = ctx->pid > 0 ? fopen(path, "re") : NULL;
	if (status == NULL)
		return has;
	while (fgets(line, sizeof(line), status) != NULL)
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			has = effective >> CAP_FSETID & 1;
	fclose(status);
	return has;
}

/* False where there is nothing to take away. */
static bool get_bits(fuse_req_t req, fuse_ino_t ino, struct fs_attr *attr)
{
	return fs_getattr(fs_of(req), ino, attr) == 0 && !S_ISDIR(attr->mode) && attr->mode & (S_ISUID | S_ISGID);
}

static unsigned kills(fuse_req_t req, const struct fs_attr *attr)
{
	if ((attr->mode & (S_ISGID | S_IXGRP)) != S_ISGID || in_group(req, attr->gid))
		return FS_KILL_SET_ID;
	return FS_KILL_SET_ID | FS_KILL_SETGID;
}

unsigned caller_kills(fuse_req_t req, fuse_ino_t ino)
{
	struct fs_attr attr;

	return get_bits(req, ino, &attr) ? kills(req, &attr) : FS_KILL_SET_ID;
}

unsigned caller_may_kill(fuse_req_t req, fuse_ino_t ino)
{
	struct fs_attr attr;

	return get_bits(req, ino, &attr) && !has_fsetid(req) ? kills(req, &attr) : 0;
}
