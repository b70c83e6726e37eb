/*
 * salvage_acls.c - ACLs and modes after a replay with gaps: of two changes that belong together one may be of a lost
 * transaction. The mode is believed, as every image of an inode has it (invariant A1).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/xattr.h>

#include "acl.h"
#include "salvage.h"

/* `name`: the attribute at fault. */
static int settle(struct salvage *s, const struct inode *i, const char *wrong, const char *name)
{
	struct acl_copy acl = {0};
	char path[PATH_ROOM];
	struct body b = {0};
	int r = strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0 ? acl_for_mode(i, i->mode, &acl) : -EIO;

	if (r == -ENOMEM)
		return r;
	tree_path(i, NULL, path, sizeof(path));
	if (r == 0) {
		salvage_tell(s, "/%s %s: it says what the mode does", path, wrong);
		body_xattr(&b, i->ino, name, strlen(name), acl.bytes, acl.size);
	} else {
		salvage_tell(s, "/%s %s: taken away", path, wrong);
		body_unxattr(&b, i->ino, name, strlen(name));
	}
	free(acl.bytes);
	return salvage_apply(s, &b);
}

int salvage_acls(struct salvage *s)
{
	uint64_t ino = 0;
	int r = 0;

	for (struct inode *i; r == 0 && (i = table_first(&s->fs->tree.inodes, &ino)); ino++) {
		const char *wrong, *name;

		while (r == 0 && (wrong = acl_fault(i, &name)))
			r = settle(s, i, wrong, name);
	}
	return r;
}
