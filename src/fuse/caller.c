/*
 * caller.c - see caller.h. As on ext4, setuid goes, and setgid where the group may execute, or else
 * if the sender is not in the file's group; whoever has CAP_FSETID keeps both. Groups and capabilities are looked up in
 * /proc, for files that have such bits only. Who cannot be looked up has neither, but root has capabilities.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/capability.h>

#include "caller.h"
#include "ops.h"

/* What /proc tells of who sent the request. */
struct sender {
	bool in_group;   /* has the group among its supplementary ones */
	bool has_fsetid; /* the capability */
};

/* "Groups:\t4 24 27 ": whether one of them is `gid`. */
static bool has_group(const char *list, gid_t gid)
{
	char *end;

	for (;; list = end) {
		unsigned long group = strtoul(list, &end, 10);

		if (end == list)
			return false;
		if (group == gid)
			return true;
	}
}

/*
 * One file has both. Not with fuse_req_getgroups(): up to libfuse 3.14 at least it searches what it has read without having put
 * an end to it.
 */
static struct sender look_up(fuse_req_t req, gid_t gid)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct sender ret = {.in_group = ctx->gid == gid, .has_fsetid = ctx->uid == 0};
	unsigned long long effective;
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)ctx->pid);
	status = ctx->pid > 0 ? fopen(path, "re") : NULL;
	if (status == NULL)
		return ret;
	while (getline(&line, &room, status) > 0) {
		if (strncmp(line, "Groups:", 7) == 0)
			ret.in_group = ret.in_group || has_group(line + 7, gid);
		else if (sscanf(line, "CapEff: %llx", &effective) == 1)
			ret.has_fsetid = effective >> CAP_FSETID & 1;
	}
	free(line);
	(void)fclose(status);
	return ret;
}

/* False where there is nothing to take away. */
static bool get_bits(fuse_req_t req, fuse_ino_t ino, struct fs_attr *attr)
{
	return fs_getattr(fs_of(req), ino, attr) == 0 && !S_ISDIR(attr->mode) && attr->mode & (S_ISUID | S_ISGID);
}

static unsigned kills(const struct sender *s, const struct fs_attr *attr)
{
	if ((attr->mode & (S_ISGID | S_IXGRP)) != S_ISGID || s->in_group)
		return FS_KILL_SET_ID;
	return FS_KILL_SET_ID | FS_KILL_SETGID;
}

unsigned caller_kills(fuse_req_t req, fuse_ino_t ino)
{
	struct fs_attr attr;
	struct sender s;

	if (!get_bits(req, ino, &attr))
		return FS_KILL_SET_ID;
	s = look_up(req, attr.gid);
	return kills(&s, &attr);
}

unsigned caller_may_kill(fuse_req_t req, fuse_ino_t ino)
{
	struct fs_attr attr;
	struct sender s;

	if (!get_bits(req, ino, &attr))
		return 0;
	s = look_up(req, attr.gid);
	return s.has_fsetid ? 0 : kills(&s, &attr);
}
