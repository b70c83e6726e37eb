/*
 * file_json.c - see file_json.h.
 */
#include "config.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "file_json.h"

void json_file_begin(struct json *j, const char *path, const struct fs_attr *a, const char *target)
{
	char buf[TIME_TEXT], mode[8];

	json_begin(j, NULL, '{');
	json_string(j, "path", path);
	json_string(j, "type", type_text(a->mode));
	if (S_ISLNK(a->mode))
		json_string(j, "target", target);
	if (S_ISCHR(a->mode) || S_ISBLK(a->mode)) {
		json_number(j, "device_major", major(a->rdev));
		json_number(j, "device_minor", minor(a->rdev));
	}
	json_number(j, "size", a->size);
	snprintf(mode, sizeof(mode), "%04o", a->mode & 07777);
	json_string(j, "mode", mode);
	json_number(j, "uid", a->uid);
	json_number(j, "gid", a->gid);
	json_number(j, "links", a->nlink);
	json_number(j, "inode", a->ino);
	json_string(j, "accessed", iso_time_text(&a->atime, buf));
	json_string(j, "modified", iso_time_text(&a->mtime, buf));
	json_string(j, "changed", iso_time_text(&a->ctime, buf));
	json_string(j, "made", iso_time_text(&a->btime, buf));
}
